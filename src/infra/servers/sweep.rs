//! Throwaway servers whose `kith dev` was killed: the next one ends them, or they would pile up.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;

use super::process::Process;
use super::tenancy::Tenancy;
use super::{postgres, redis};

/// How the temporary folders of throwaway servers begin.
pub(super) const PREFIX: &str = "kith-dev-";
/// A younger folder may belong to a run that hasn't locked it yet.
const MIN_AGE: Duration = Duration::from_mins(1);
/// How long a server may take over its end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends what earlier runs of this user left behind. What can't be ended stays: it harms nobody.
pub(super) async fn sweep() {
    for dir in left_behind(&std::env::temp_dir()) {
        match end(&dir).await {
            Ok(true) => tracing::info!(dir = %dir.display(), "removed abandoned test servers"),
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(
                    error = format!("{error:#}"),
                    "could not remove test servers"
                );
            }
        }
    }
}

/// The old enough folders of throwaway servers in `tmp` that are ours. Anyone may make a folder
/// of such a name, and root must not be led to end a process by what a stranger wrote in it.
fn left_behind(tmp: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(tmp).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .filter(|dir| {
            fs::symlink_metadata(dir).is_ok_and(|found| {
                let age = found.modified().ok().and_then(|at| at.elapsed().ok());
                found.is_dir()
                    && found.uid() == geteuid().as_raw()
                    && age.is_some_and(|age| age > MIN_AGE)
            })
        })
        .collect()
}

/// Ends the servers in `dir` and removes it, unless a run still uses them.
async fn end(dir: &Path) -> anyhow::Result<bool> {
    let postgres_dir = dir.join("postgres");
    let redis_dir = dir.join("redis");
    let places = [
        (
            &postgres_dir,
            postgres::left_in(&postgres_dir),
            Signal::SIGQUIT,
        ),
        (
            &redis_dir,
            redis::left_in(&redis_dir).await,
            Signal::SIGKILL,
        ),
    ];
    // Held until the folder is gone.
    let mut locks = Vec::new();
    for (place, process, signal) in places {
        if !place.exists() {
            continue;
        }
        let Some(lock) = Tenancy::of_abandoned(place)? else {
            return Ok(false);
        };
        locks.push(lock);
        if let Some(process) = process
            && !ends(process, signal).await?
        {
            return Ok(false);
        }
    }
    fs::remove_dir_all(dir)?;
    Ok(true)
}

async fn ends(process: Process, signal: Signal) -> anyhow::Result<bool> {
    process.signal(signal)?;
    Ok(process.ends_within(PATIENCE).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn young_folders_and_those_of_other_names_are_left_alone() {
        let tmp = tempfile::tempdir().unwrap();
        let old = std::time::UNIX_EPOCH + Duration::from_hours(1);
        for name in ["kith-dev-old", "kith-dev-young", "other"] {
            fs::create_dir(tmp.path().join(name)).unwrap();
            if name != "kith-dev-young" {
                let dir = fs::File::open(tmp.path().join(name)).unwrap();
                dir.set_modified(old).unwrap();
            }
        }
        assert_eq!(left_behind(tmp.path()), [tmp.path().join("kith-dev-old")]);
    }
}
