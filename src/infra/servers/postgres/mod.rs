//! A private Postgres: made on the first start, found again on the next.

mod cluster;
mod pid_file;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use self::cluster::Cluster;
use self::pid_file::PidFile;
use super::output::{
    clean_command, free_port, last_lines, port_was_taken, process_of, spawn_logged,
};
use super::place::Place;
use super::process::{Process, TICK};
use super::programs::usual_folders;
use super::running::Running;
use super::store;
use super::tenancy::Tenancy;

/// Debian's account for Postgres, and the one that every system has.
const ACCOUNTS: &[&str] = &["postgres", "nobody"];
/// How long a server may take until it answers; recovery after a power cut takes its time.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many ports are tried when other programs snatch them.
const ATTEMPTS: usize = 5;

/// How a private Postgres is run.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The folder that it lives in, such as `.kith/postgres`.
    pub dir: PathBuf,
    /// For tests: writes nothing through to the disk, and its folder goes when it stops.
    pub throwaway: bool,
    /// The folders to look for `postgres` in; the machine's usual ones when `None`.
    pub programs: Option<Vec<PathBuf>>,
}

impl PostgresOptions {
    /// A lasting server in `dir`, from the machine's own programs.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            throwaway: false,
            programs: None,
        }
    }
}

/// A Postgres of kith's own. It stops with [`Self::stop`]; a server left behind by a killed run
/// is taken over by the next start in the same folder.
pub struct PrivatePostgres {
    running: Running,
    port: u16,
    socket_dir: PathBuf,
    password: String,
    adopted: bool,
}

impl PrivatePostgres {
    /// Starts the server in the folder of `options`, or takes over the one that already runs
    /// there, and makes sure that it has the database `kith`.
    pub async fn start(options: PostgresOptions) -> anyhow::Result<Self> {
        let folders = options.programs.unwrap_or_else(usual_folders);
        let place = Place::open(&options.dir, ACCOUNTS)?.within_reach()?;
        let tenancy = Tenancy::enter(&place).await?;
        let cluster = Cluster::open(&place, &folders, options.throwaway).await?;
        let mut running = Running::idle(place, tenancy, options.throwaway);
        running.orderly = Signal::SIGINT;
        running.hard = Signal::SIGQUIT;
        let server = match Self::adopt(running, &cluster).await? {
            Ok(server) => server,
            Err(running) => Self::launch(running, &cluster).await?,
        };
        store::create_database(&server.connect_options("postgres")).await?;
        server.running.tenancy.settle()?;
        tracing::info!(
            process.id = server.process_id(),
            postgres.version = cluster.programs.major,
            adopted = server.adopted,
            "the private Postgres is ready"
        );
        Ok(server)
    }

    /// The address for sqlx and psql: over the socket, which only the owner of its folder (and
    /// root) can reach, and which therefore needs no password.
    pub fn url(&self) -> String {
        let Self {
            port, socket_dir, ..
        } = self;
        format!(
            "postgres://kith@localhost:{port}/kith?host={}",
            socket_dir.display()
        )
    }

    /// The address for programs that speak no sockets: over TCP, with the password in it.
    pub fn tcp_url(&self) -> String {
        let Self { port, password, .. } = self;
        format!("postgres://kith:{password}@127.0.0.1:{port}/kith")
    }

    /// The server's process.
    pub fn process_id(&self) -> i32 {
        self.running.process.map_or(0, Process::id)
    }

    /// Whether the server was already running.
    pub fn was_adopted(&self) -> bool {
        self.adopted
    }

    /// Stops the server in an orderly way and waits for its end; unless another run of kith
    /// still uses it.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.running.stop().await
    }

    /// The server that an earlier run left behind, if there is one.
    async fn adopt(
        mut running: Running,
        cluster: &Cluster,
    ) -> anyhow::Result<Result<Self, Running>> {
        let Some(found) = PidFile::read(&cluster.data) else {
            return Ok(Err(running));
        };
        if !found.is_of(&cluster.data) {
            // After a reboot the id may be another program's, and Postgres would wait for that.
            PidFile::remove(&cluster.data)?;
            return Ok(Err(running));
        }
        running.process = Some(found.process);
        running.spare = spare(&found.socket_dir, &running.place);
        let server = Self {
            running,
            port: found.port,
            socket_dir: found.socket_dir,
            password: cluster.password.clone(),
            adopted: true,
        };
        if server.is_ready(&cluster.data).await? {
            return Ok(Ok(server));
        }
        // It was on its way out.
        let Self { mut running, .. } = server;
        running.process = None;
        Ok(Err(running))
    }

    async fn launch(mut running: Running, cluster: &Cluster) -> anyhow::Result<Self> {
        let log = running.place.path("postgres.log");
        let socket_dir = socket_dir(&running.place)?;
        running.spare = spare(&socket_dir, &running.place);
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            let mut command = clean_command(&cluster.programs.bin.join("postgres"));
            command.args(cluster.arguments(port, &socket_dir, running.throwaway));
            if let Some(account) = running.place.account {
                account.wear(&mut command);
            }
            running.process = Some(process_of(&spawn_logged(&mut command, &log)?)?);
            let server = Self {
                running,
                port,
                socket_dir: socket_dir.clone(),
                password: cluster.password.clone(),
                adopted: false,
            };
            if server.is_ready(&cluster.data).await? {
                return Ok(server);
            }
            Self { running, .. } = server;
            running.process = None;
            if !port_was_taken(&log) {
                break;
            }
        }
        bail!(
            "Postgres did not start in {}. It said:\n{}",
            running.place.dir.display(),
            last_lines(&log)
        )
    }

    /// Waits until the server answers; `false` if it ended instead.
    async fn is_ready(&self, data: &Path) -> anyhow::Result<bool> {
        let options = self.connect_options("postgres");
        let start = Instant::now();
        while self.running.process.is_some_and(Process::is_alive) {
            match store::data_directory(&options).await {
                Ok(dir) if Path::new(&dir) == data => return Ok(true),
                Ok(dir) => bail!("the server at {} keeps its data in {dir}", self.url()),
                Err(error) if start.elapsed() > PATIENCE => {
                    return Err(error).with_context(|| {
                        format!(
                            "Postgres (process {}) runs but does not answer. Its log is {}",
                            self.process_id(),
                            self.running.place.path("postgres.log").display()
                        )
                    });
                }
                Err(_) => tokio::time::sleep(TICK).await,
            }
        }
        Ok(false)
    }

    fn connect_options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket_dir)
            .port(self.port)
            .username("kith")
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }
}

/// The process of the server that runs in the folder `dir`, if there is one.
pub(super) fn left_in(dir: &Path) -> Option<Process> {
    let data = std::fs::canonicalize(dir.join("data")).ok()?;
    let found = PidFile::read(&data)?;
    found.is_of(&data).then_some(found.process)
}

/// The folder for the socket. The system takes only short paths for sockets (103 bytes on
/// macOS), and Postgres and URLs only plain ones: then it is a new folder below `/tmp`, of mode
/// 0700.
fn socket_dir(place: &Place) -> anyhow::Result<PathBuf> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
    let room = place.path("run");
    let path = room.to_str().unwrap_or(" ");
    if path.len() + "/.s.PGSQL.65535.lock".len() <= 103 && path.chars().all(is_plain) {
        return place.room("run");
    }
    let dir = tempfile::Builder::new()
        .prefix("kith-")
        .tempdir_in("/tmp")
        .context("could not make a folder for Postgres' socket below /tmp")?
        .keep();
    if let Some(account) = place.account {
        account.give(&dir)?;
    }
    Ok(dir)
}

/// The socket's folder, if it has to be removed apart from the place.
fn spare(socket_dir: &Path, place: &Place) -> Option<PathBuf> {
    (socket_dir != place.path("run") && socket_dir.starts_with("/tmp"))
        .then(|| socket_dir.to_owned())
}
