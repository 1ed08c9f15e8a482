//! Finding the machine's own server programs.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;

/// The server programs of one major version of Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PostgresPrograms {
    /// The major version, such as 15.
    pub(super) major: u32,
    /// The folder with `postgres` and `initdb`.
    pub(super) bin: PathBuf,
}

/// Where versioned packages put a version's programs: (the folder of versions, the path below).
const VERSIONED: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
];

/// The folders that are searched when nothing else is said: those of `PATH` and those of
/// versioned packages, which are not on it.
pub(super) fn usual_folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect();
    for (versions, below) in VERSIONED {
        let entries = fs::read_dir(versions).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path().join(below)));
    }
    // Red Hat's packages carry the version in the folder's name.
    let entries = fs::read_dir("/usr").into_iter().flatten().flatten();
    folders.extend(entries.map(|entry| entry.path().join("bin")));
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    folders
}

/// The newest Postgres in `folders`; or the newest of major version `wanted`, if there is one.
pub(super) fn find_postgres(
    folders: &[PathBuf],
    wanted: Option<u32>,
) -> anyhow::Result<PostgresPrograms> {
    let mut found = BTreeMap::new();
    for bin in folders {
        if bin.join("initdb").is_file()
            && let Some(major) = major_version(&bin.join("postgres"))
        {
            found.entry(major).or_insert_with(|| bin.clone());
        }
    }
    let same = wanted.and_then(|major| found.remove_entry(&major));
    if let Some((major, bin)) = same.or_else(|| found.pop_last()) {
        return Ok(PostgresPrograms { major, bin });
    }
    bail!(
        "Postgres is not installed on this machine, and no DATABASE_URL names one elsewhere. \
         Install its server programs:\n    \
         Debian, Ubuntu:  apt-get install postgresql\n    \
         Fedora:          dnf install postgresql-server\n    \
         macOS:           brew install postgresql@17\n\
         or set DATABASE_URL to a Postgres that you run yourself."
    )
}

/// The program `redis-server` in `folders`, or Valkey's, which speaks the same protocol.
pub(super) fn find_redis(folders: &[PathBuf]) -> anyhow::Result<PathBuf> {
    for name in ["redis-server", "valkey-server"] {
        for folder in folders {
            let program = folder.join(name);
            if program.is_file() {
                return Ok(program);
            }
        }
    }
    bail!(
        "Redis is not installed on this machine, and no REDIS_URL names one elsewhere. \
         Install its server program:\n    \
         Debian, Ubuntu:  apt-get install redis-server\n    \
         Fedora:          dnf install valkey\n    \
         macOS:           brew install redis\n\
         or set REDIS_URL to a Redis that you run yourself."
    )
}

/// A client program of Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresClient {
    /// Its major version, such as 15.
    pub major: u32,
    /// Where it is.
    pub program: PathBuf,
}

/// The client program `name` (`pg_dump`, say) that suits a server of major version `server`: of the
/// same version or, failing that, of the next later one. An older one can't read a newer server.
pub fn find_postgres_client(name: &str, server: u32) -> anyhow::Result<PostgresClient> {
    client_in(&usual_folders(), name, server)
}

fn client_in(folders: &[PathBuf], name: &str, server: u32) -> anyhow::Result<PostgresClient> {
    let mut found = BTreeMap::new();
    for folder in folders {
        let program = folder.join(name);
        if let Some(major) = major_version(&program) {
            found.entry(major).or_insert(program);
        }
    }
    if let Some((major, program)) = found.range(server..).next() {
        return Ok(PostgresClient {
            major: *major,
            program: program.clone(),
        });
    }
    match found.last_key_value() {
        Some((major, program)) => bail!(
            "{} is of version {major} and can't serve a Postgres of version {server}. Install the \
             client programs of version {server} or later.",
            program.display()
        ),
        None => bail!(
            "{name} is not installed on this machine. Install Postgres' client programs, of version \
             {server} or later:\n    \
             Debian, Ubuntu:  apt-get install postgresql-client\n    \
             Fedora:          dnf install postgresql\n    \
             macOS:           brew install libpq"
        ),
    }
}

/// Asks a program of Postgres for its major version.
fn major_version(program: &Path) -> Option<u32> {
    if !program.is_file() {
        return None;
    }
    let output = Command::new(program).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15, and `17beta1` is 17.
fn parse_version(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let end = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    version.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_version_is_read_from_what_the_program_says() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(parse_version(debian), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 17beta1"), Some(17));
        assert_eq!(parse_version("something else 3"), None);
    }

    #[test]
    fn the_newest_is_chosen_unless_another_version_is_wanted() {
        let root = tempfile::tempdir().unwrap();
        let folders: Vec<PathBuf> = [9, 16, 14].map(|major| fake(root.path(), major)).into();
        assert_eq!(find_postgres(&folders, None).unwrap().major, 16);
        assert_eq!(find_postgres(&folders, Some(14)).unwrap().bin, folders[2]);
        assert_eq!(find_postgres(&folders, Some(12)).unwrap().major, 16);
    }

    #[test]
    fn missing_programs_are_an_error_that_says_how_to_install_them() {
        let error = find_postgres(&[], None).unwrap_err().to_string();
        assert!(error.contains("apt-get install postgresql"), "{error}");
        let error = find_redis(&[]).unwrap_err().to_string();
        assert!(error.contains("apt-get install redis-server"), "{error}");
    }

    #[test]
    fn a_client_is_never_older_than_its_server() {
        let root = tempfile::tempdir().unwrap();
        let folders: Vec<PathBuf> = [14, 16, 17].map(|major| fake(root.path(), major)).into();
        let client = |server| client_in(&folders, "initdb", server);
        for (server, major, folder) in [(14, 14, 0), (15, 16, 1)] {
            let program = folders[folder].join("initdb");
            assert_eq!(client(server).unwrap(), PostgresClient { major, program });
        }
        let error = client(18).unwrap_err().to_string();
        assert!(error.contains("of version 17 and can't serve"), "{error}");
        let error = client_in(&folders, "pg_dump", 15).unwrap_err().to_string();
        assert!(error.contains("not installed"), "{error}");
    }

    /// A folder whose `postgres` only tells a version.
    fn fake(root: &Path, major: u32) -> PathBuf {
        let bin = root.join(format!("{major}/bin"));
        fs::create_dir_all(&bin).unwrap();
        let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {major}.1'\n");
        for name in ["postgres", "initdb"] {
            fs::write(bin.join(name), &script).unwrap();
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(bin.join(name), mode).unwrap();
        }
        bin
    }
}
