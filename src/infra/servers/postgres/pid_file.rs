//! The file in which a running Postgres says who and where it is.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::infra::servers::process::Process;

/// What `postmaster.pid` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    /// The server's process.
    pub(super) process: Process,
    /// The port of its TCP address, which also names its socket.
    pub(super) port: u16,
    /// The folder of its socket.
    pub(super) socket_dir: PathBuf,
}

impl PidFile {
    /// Reads the file in the folder `data`; `None` if no server has put a whole one there.
    pub(super) fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(path(data)).ok()?)
    }

    /// Whether the process is alive and, as far as the system tells, a Postgres of this folder.
    pub(super) fn is_of(&self, data: &Path) -> bool {
        self.process.is_alive() && self.process.working_dir().is_none_or(|dir| dir == data)
    }

    /// Takes the file of a server that is no more away.
    pub(super) fn remove(data: &Path) -> anyhow::Result<()> {
        let path = path(data);
        fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))
    }

    /// The lines are: process, data folder, time of start, port, folder of the socket, and more.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        Some(Self {
            process: Process::new(lines.next()?.trim().parse().ok()?)?,
            port: lines.nth(2)?.trim().parse().ok()?,
            socket_dir: PathBuf::from(lines.next()?),
        })
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_running_server_is_understood() {
        let text = "812\n/srv/data\n1763670000\n40123\n/srv\n127.0.0.1\n  1 2\nready\n";
        let file = PidFile::parse(text).unwrap();
        assert_eq!((file.process.id(), file.port), (812, 40123));
        assert_eq!(file.socket_dir, Path::new("/srv"));
    }

    #[test]
    fn half_a_file_is_none() {
        assert_eq!(PidFile::parse("812\n/srv/data\n1763670000\n"), None);
        assert_eq!(PidFile::parse(""), None);
    }
}
