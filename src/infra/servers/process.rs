//! A running server, known by its process id alone: it may be our child, or one that we adopted.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How often a waiter looks.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// A process of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process(Pid);

impl Process {
    /// The process with this id; `None` for numbers that name no single process.
    pub(super) fn new(pid: i32) -> Option<Self> {
        (pid > 1).then(|| Self(Pid::from_raw(pid)))
    }

    /// Its id.
    pub(super) fn id(self) -> i32 {
        self.0.as_raw()
    }

    /// Whether it still runs. A child that has ended is reaped here.
    pub(super) fn is_alive(self) -> bool {
        match waitpid(self.0, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => true,
            Ok(_) => false,
            // Not our child: it was adopted, or reaped before.
            Err(_) => kill(self.0, None) != Err(Errno::ESRCH) && !self.is_zombie(),
        }
    }

    /// Sends a signal. One that has just ended needs none.
    pub(super) fn signal(self, signal: Signal) -> anyhow::Result<()> {
        match kill(self.0, signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(anyhow::Error::new(error)
                .context(format!("could not send {signal} to process {}", self.id()))),
        }
    }

    /// Waits for its end; `false` if it still runs after `limit`.
    pub(super) async fn ends_within(self, limit: Duration) -> bool {
        let start = Instant::now();
        while self.is_alive() {
            if start.elapsed() > limit {
                return false;
            }
            tokio::time::sleep(TICK).await;
        }
        true
    }

    /// The same for a destructor, which can't await.
    pub(super) fn ends_within_blocking(self, limit: Duration) -> bool {
        let start = Instant::now();
        while self.is_alive() {
            if start.elapsed() > limit {
                return false;
            }
            std::thread::sleep(TICK);
        }
        true
    }

    /// The folder it works in, where the system tells (Linux).
    pub(super) fn working_dir(self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/cwd", self.id())).ok()
    }

    /// Ended, but not yet collected by its parent: containers often have nobody who collects.
    fn is_zombie(self) -> bool {
        fs::read_to_string(format!("/proc/{}/stat", self.id())).is_ok_and(|stat| {
            // The state follows the name, which stands in brackets and may hold anything.
            stat.rsplit_once(") ")
                .is_some_and(|(_, rest)| rest.starts_with('Z'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::zombie_processes, reason = "is_alive is to collect it")]
    fn a_child_that_has_ended_is_not_alive() {
        let child = std::process::Command::new("true").spawn().unwrap();
        let process = Process::new(child.id().try_into().unwrap()).unwrap();
        assert!(process.ends_within_blocking(Duration::from_secs(5)));
        assert!(!process.is_alive());
        assert!(process.signal(Signal::SIGTERM).is_ok());
    }

    #[test]
    fn numbers_that_name_a_group_or_the_first_process_are_refused() {
        assert!(
            [-5, -1, 0, 1]
                .into_iter()
                .all(|pid| Process::new(pid).is_none())
        );
    }
}
