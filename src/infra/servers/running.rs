//! A private server that runs, and how it ends: what Postgres and Redis have in common.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use nix::sys::signal::Signal;

use super::place::Place;
use super::process::Process;
use super::tenancy::Tenancy;

/// How long a server may take over an orderly stop.
const ORDERLY: Duration = Duration::from_secs(20);
/// How long it may take over a hard one.
const HARD: Duration = Duration::from_secs(5);
/// How long a destructor waits for a throwaway server, whose folder it wants to remove.
const DESTRUCTOR: Duration = Duration::from_secs(2);

/// A server and this run's share in it. Dropping it without [`Self::stop`] asks the server to
/// stop and doesn't wait.
pub(super) struct Running {
    /// Where it lives.
    pub(super) place: Place,
    /// Our share in it.
    pub(super) tenancy: Tenancy,
    /// The server's process, once there is one.
    pub(super) process: Option<Process>,
    /// Whether its folder goes with it.
    pub(super) throwaway: bool,
    /// The signal for an orderly stop.
    pub(super) orderly: Signal,
    /// The signal for a hard one.
    pub(super) hard: Signal,
    /// A folder outside the place that goes when the server stops.
    pub(super) spare: Option<PathBuf>,
    /// Set once the end is taken care of.
    pub(super) left: bool,
}

impl Running {
    /// A share in a server that doesn't run yet. It is to end by SIGTERM, then SIGKILL.
    pub(super) fn idle(place: Place, tenancy: Tenancy, throwaway: bool) -> Self {
        Self {
            place,
            tenancy,
            process: None,
            throwaway,
            orderly: Signal::SIGTERM,
            hard: Signal::SIGKILL,
            spare: None,
            left: false,
        }
    }

    /// Gives our share back and, if it was the last one, stops the server and waits for its end.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.left = true;
        if !self.tenancy.leave().await? {
            return Ok(());
        }
        if let Some(process) = self.process {
            // What is thrown away needs no orderly end.
            let orderly = if self.throwaway {
                self.hard
            } else {
                self.orderly
            };
            process.signal(orderly)?;
            if !process.ends_within(ORDERLY).await {
                tracing::warn!(
                    process.id = process.id(),
                    "a private server did not stop in time, stopping it the hard way"
                );
                process.signal(self.hard)?;
                if !process.ends_within(HARD).await {
                    bail!(
                        "the server in {} does not stop; its process id is {}",
                        self.place.dir.display(),
                        process.id()
                    );
                }
            }
        }
        self.tidy()
    }

    fn tidy(&self) -> anyhow::Result<()> {
        if let Some(spare) = &self.spare
            && let Err(error) = fs::remove_dir_all(spare)
        {
            tracing::debug!(%error, "could not remove the folder of a socket");
        }
        if self.throwaway {
            self.place.remove()?;
        }
        Ok(())
    }

    fn abandon(&mut self) -> anyhow::Result<()> {
        if !self.tenancy.leave_now()? {
            return Ok(());
        }
        let Some(process) = self.process else {
            return self.tidy();
        };
        if !self.throwaway {
            return process.signal(self.orderly);
        }
        process.signal(self.hard)?;
        if process.ends_within_blocking(DESTRUCTOR) {
            self.tidy()?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.left {
            return;
        }
        if let Err(error) = self.abandon() {
            tracing::warn!(
                error = format!("{error:#}"),
                "a private server may still run"
            );
        }
    }
}
