//! The data of a private Postgres: its folder, the programs that fit it, and its settings.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::infra::servers::output::{clean_command, quote};
use crate::infra::servers::place::Place;
use crate::infra::servers::programs::{PostgresPrograms, find_postgres};

/// The file that marks a folder whose data goes when its server stops.
const THROWAWAY: &str = "throwaway";

/// A data folder that the programs at hand can run.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Postgres' data folder.
    pub(super) data: PathBuf,
    /// The programs of the version that made it.
    pub(super) programs: PostgresPrograms,
    /// What TCP clients must know. The socket needs no password.
    pub(super) password: String,
}

impl Cluster {
    /// The data in `place`, made if there is none. Data of a version that this machine has no
    /// programs for is refused.
    pub(super) async fn open(
        place: &Place,
        folders: &[PathBuf],
        throwaway: bool,
    ) -> anyhow::Result<Self> {
        let data = place.path("data");
        let made_by = version_of(&data)?;
        let cluster = Self {
            programs: find_postgres(folders, made_by)?,
            password: place.secret()?,
            data,
        };
        match made_by {
            Some(major) if major != cluster.programs.major => {
                bail!(cluster.refusal(place, major))
            }
            // What is there is not thrown away unless it was made for that.
            Some(_) if throwaway && !place.path(THROWAWAY).exists() => bail!(
                "{} holds data that is to last: give the throwaway server another folder",
                cluster.data.display()
            ),
            Some(_) => {}
            None => {
                cluster.create(place, throwaway).await?;
                if throwaway {
                    place.write_private(THROWAWAY, "")?;
                }
            }
        }
        Ok(cluster)
    }

    /// The server's arguments.
    pub(super) fn arguments(&self, port: u16, socket_dir: &Path, throwaway: bool) -> Vec<OsString> {
        let mut settings = vec![
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_permissions=0700".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "log_checkpoints=off".to_owned(),
            // Our statements are short: compiling them costs more than running them.
            "jit=off".to_owned(),
            "cluster_name=kith".to_owned(),
        ];
        let rest: &[&str] = if throwaway {
            &[
                "max_connections=300",
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
                "wal_level=minimal",
                "max_wal_senders=0",
                // Whoever measures wants to know when something was committed.
                "track_commit_timestamp=on",
            ]
        } else {
            &["max_connections=100"]
        };
        settings.extend(rest.iter().map(|&setting| setting.to_owned()));
        let mut sockets = OsString::from("unix_socket_directories=");
        sockets.push(socket_dir);
        let mut arguments = vec![OsString::from("-D"), self.data.clone().into(), "-c".into()];
        arguments.push(sockets);
        for setting in settings {
            arguments.extend(["-c".into(), setting.into()]);
        }
        arguments
    }

    /// Makes the data folder, beside its final name: half a folder is never taken for a whole one.
    async fn create(&self, place: &Place, throwaway: bool) -> anyhow::Result<()> {
        let draft = place.path("data.new");
        let mut said = String::new();
        // Some systems lack the first, which knows the letters of all languages.
        for locale in ["C.UTF-8", "C"] {
            if draft.exists() {
                fs::remove_dir_all(&draft)
                    .with_context(|| format!("could not remove {}", draft.display()))?;
            }
            let mut command = clean_command(&self.programs.bin.join("initdb"));
            command
                .current_dir("/")
                .args(["--username=kith", "--encoding=UTF8"])
                .args(["--auth-local=trust", "--auth-host=scram-sha-256"])
                .arg(format!("--locale={locale}"))
                .arg("--pwfile")
                .arg(place.path("password"))
                .arg("-D")
                .arg(place.room("data.new")?);
            if throwaway {
                command.arg("--no-sync");
            }
            if let Some(account) = place.account {
                account.wear(&mut command);
            }
            let output = tokio::process::Command::from(command)
                .kill_on_drop(true)
                .output()
                .await
                .with_context(|| {
                    format!("could not run initdb in {}", self.programs.bin.display())
                })?;
            if output.status.success() {
                return fs::rename(&draft, &self.data)
                    .with_context(|| format!("could not make {}", self.data.display()));
            }
            said = String::from_utf8_lossy(&output.stderr).into_owned();
        }
        bail!(
            "Postgres could not make its data folder in {}. initdb said:\n{}",
            place.dir.display(),
            quote(&said)
        )
    }

    fn refusal(&self, place: &Place, major: u32) -> String {
        format!(
            "{data} holds data of Postgres {major}, and this machine has Postgres {here}. \
             Postgres reads only the data of its own major version. Either\n  \
             - install Postgres {major} beside the other one \
             (Debian, Ubuntu: apt-get install postgresql-{major}) and start kith again; or\n  \
             - carry the data over: with Postgres {major} installed, start kith, save it with \
             `pg_dump --format=custom --file=kith.dump DATABASE_URL`, stop kith, move the folder \
             away, start kith with Postgres {here}, and load it with \
             `pg_restore --clean --if-exists --dbname=DATABASE_URL kith.dump`; or\n  \
             - if you do not need the data, remove it: rm -r {dir}",
            data = self.data.display(),
            here = self.programs.major,
            dir = place.dir.display(),
        )
    }
}

/// The major version that made the folder `data`; `None` if there is no such folder.
fn version_of(data: &Path) -> anyhow::Result<Option<u32>> {
    if !data.exists() {
        return Ok(None);
    }
    let path = data.join("PG_VERSION");
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "{} is not a folder of Postgres: {} can't be read. If it holds nothing of yours, \
             remove it and start again.",
            data.display(),
            path.display()
        )
    })?;
    // Before version 10 a major version had two parts.
    let major = text.trim().split('.').next().unwrap_or_default();
    major.parse().map(Some).with_context(|| {
        format!(
            "{} does not say a version: {:?}",
            path.display(),
            text.trim()
        )
    })
}
