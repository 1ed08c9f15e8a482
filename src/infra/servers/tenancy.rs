//! Who uses a private server. Several runs of kith may share one (`kith seed` beside
//! `kith serve`): the first starts it and the last stops it. Both facts are file locks, which
//! the system lets go of even when a program is killed.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::place::Place;
use super::process::TICK;

/// How long another run may be busy starting or stopping the server.
const PATIENCE: Duration = Duration::from_secs(30);

/// A share in the server, held as long as this value lives.
#[derive(Debug)]
pub(super) struct Tenancy {
    /// Held shared by everyone who uses the server.
    users: File,
    /// Held by the one who is starting or stopping it.
    door: File,
}

impl Tenancy {
    /// Waits for the door. Until [`Self::settle`] no other run starts or stops the server.
    pub(super) async fn enter(place: &Place) -> anyhow::Result<Self> {
        let tenancy = Self {
            users: open(&place.path("users.lock"))?,
            door: open(&place.path("door.lock"))?,
        };
        if !tenancy.wait_at_door().await? {
            bail!(
                "another kith has been starting or stopping the server in {} for {} seconds. \
                 Look for it with `ps`, and stop it by its process id.",
                place.dir.display(),
                PATIENCE.as_secs()
            );
        }
        Ok(tenancy)
    }

    /// Both locks of the server in `dir`, if no run holds either of them.
    pub(super) fn of_abandoned(dir: &Path) -> anyhow::Result<Option<Self>> {
        let tenancy = Self {
            users: open(&dir.join("users.lock"))?,
            door: open(&dir.join("door.lock"))?,
        };
        let free = try_lock(&tenancy.door)? && try_lock(&tenancy.users)?;
        Ok(free.then_some(tenancy))
    }

    /// Takes a share in the running server and lets others through the door.
    pub(super) fn settle(&self) -> anyhow::Result<()> {
        self.users
            .lock_shared()
            .context("could not lock users.lock")?;
        self.door.unlock().context("could not unlock door.lock")
    }

    /// Gives the share back; `true` if it was the last, and then the door is held, so that
    /// nobody enters while the server stops.
    pub(super) async fn leave(&self) -> anyhow::Result<bool> {
        // Whoever stands in the door for so long is about to use the server.
        Ok(self.wait_at_door().await? && self.leave_through_open_door()?)
    }

    /// The same for a destructor, which can't wait.
    pub(super) fn leave_now(&self) -> anyhow::Result<bool> {
        Ok(try_lock(&self.door)? && self.leave_through_open_door()?)
    }

    fn leave_through_open_door(&self) -> anyhow::Result<bool> {
        self.users.unlock().context("could not unlock users.lock")?;
        let is_last = try_lock(&self.users)?;
        if !is_last {
            self.door.unlock().context("could not unlock door.lock")?;
        }
        Ok(is_last)
    }

    async fn wait_at_door(&self) -> anyhow::Result<bool> {
        let start = Instant::now();
        while !try_lock(&self.door)? {
            if start.elapsed() > PATIENCE {
                return Ok(false);
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(true)
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("could not open {}", path.display()))
}

fn try_lock(file: &File) -> anyhow::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error).context("could not lock a file"),
    }
}
