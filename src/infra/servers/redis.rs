//! A private Redis: a cache that keeps nothing on the disk.

use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::output::{
    clean_command, free_port, last_lines, port_was_taken, process_of, spawn_logged,
};
use super::place::Place;
use super::process::{Process, TICK};
use super::programs::{find_redis, usual_folders};
use super::running::Running;
use super::tenancy::Tenancy;

/// Debian's account for Redis, and the one that every system has.
const ACCOUNTS: &[&str] = &["redis", "nobody"];
/// How long the server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(1);
/// How many ports are tried when other programs snatch them.
const ATTEMPTS: usize = 5;
/// The file that says where a running server is: its process id and its port.
const STATE: &str = "server";

/// How a private Redis is run.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// The folder that it lives in, such as `.kith/redis`.
    pub dir: PathBuf,
    /// For tests: its folder goes when it stops.
    pub throwaway: bool,
    /// The folders to look for `redis-server` in; the machine's usual ones when `None`.
    pub programs: Option<Vec<PathBuf>>,
}

impl RedisOptions {
    /// A server in `dir`, from the machine's own program.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            throwaway: false,
            programs: None,
        }
    }
}

/// A Redis of kith's own. It stops with [`Self::stop`]; a server left behind by a killed run is
/// taken over by the next start in the same folder.
pub struct PrivateRedis {
    running: Running,
    port: u16,
    password: String,
    adopted: bool,
}

impl PrivateRedis {
    /// Starts the server in the folder of `options`, or takes over the one that already runs
    /// there.
    pub async fn start(options: RedisOptions) -> anyhow::Result<Self> {
        let program = find_redis(&options.programs.unwrap_or_else(usual_folders))?;
        let place = Place::open(&options.dir, ACCOUNTS)?;
        let tenancy = Tenancy::enter(&place).await?;
        let password = place.secret()?;
        let found = find_running(&place.dir, &password).await;
        let mut running = Running::idle(place, tenancy, options.throwaway);
        let server = if let Some((process, port)) = found {
            running.process = Some(process);
            Self {
                running,
                port,
                password,
                adopted: true,
            }
        } else {
            Self::launch(running, &program, password).await?
        };
        server.running.tenancy.settle()?;
        tracing::info!(
            process.id = server.process_id(),
            adopted = server.adopted,
            "the private Redis is ready"
        );
        Ok(server)
    }

    /// A share in the server that runs in the folder of `options`, if one does: it starts none.
    pub async fn adopt(options: RedisOptions) -> anyhow::Result<Option<Self>> {
        // Asked before anything is opened: where nothing runs, no folder is made.
        if left_in(&options.dir).await.is_none() {
            return Ok(None);
        }
        let place = Place::open(&options.dir, ACCOUNTS)?;
        let tenancy = Tenancy::enter(&place).await?;
        let password = place.secret()?;
        let Some((process, port)) = find_running(&place.dir, &password).await else {
            return Ok(None);
        };
        let mut running = Running::idle(place, tenancy, options.throwaway);
        running.process = Some(process);
        running.tenancy.settle()?;
        Ok(Some(Self {
            running,
            port,
            password,
            adopted: true,
        }))
    }

    /// The server's address, with its password.
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/", self.password, self.port)
    }

    /// The server's process.
    pub fn process_id(&self) -> i32 {
        self.running.process.map_or(0, Process::id)
    }

    /// Whether the server was already running.
    pub fn was_adopted(&self) -> bool {
        self.adopted
    }

    /// Stops the server and waits for its end; unless another run of kith still uses it.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.running.stop().await
    }

    async fn launch(
        mut running: Running,
        program: &Path,
        password: String,
    ) -> anyhow::Result<Self> {
        let log = running.place.path("redis.log");
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            let process = spawn(&running.place, program, port, &password, &log)?;
            running.process = Some(process);
            if wait_until_ready(process, port, &password).await? {
                let state = format!("{} {port}\n", process.id());
                running.place.write_private(STATE, &state)?;
                return Ok(Self {
                    running,
                    port,
                    password,
                    adopted: false,
                });
            }
            running.process = None;
            if !port_was_taken(&log) {
                break;
            }
        }
        bail!(
            "Redis did not start in {}. It said:\n{}",
            running.place.dir.display(),
            last_lines(&log)
        )
    }
}

/// Starts the program. Its settings go through its standard input, where nobody else can read
/// the password, as they could in a command line.
fn spawn(
    place: &Place,
    program: &Path,
    port: u16,
    password: &str,
    log: &Path,
) -> anyhow::Result<Process> {
    let mut command = clean_command(program);
    command.arg("-").stdin(Stdio::piped());
    if let Some(account) = place.account {
        account.wear(&mut command);
    }
    let mut child = spawn_logged(&mut command, log)?;
    let process = process_of(&child)?;
    let settings = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndaemonize no\n\
         save \"\"\nappendonly no\nmaxmemory 512mb\nmaxmemory-policy allkeys-lfu\n"
    );
    let mut input = child.stdin.take().context("Redis has no standard input")?;
    // A server that ended at once closes its input; its log says more than this error would.
    if let Err(error) = input.write_all(settings.as_bytes()) {
        tracing::debug!(%error, "Redis did not read its settings");
    }
    Ok(process)
}

/// Waits until the server answers; `false` if it ended instead.
async fn wait_until_ready(process: Process, port: u16, password: &str) -> anyhow::Result<bool> {
    let start = Instant::now();
    while process.is_alive() {
        if ask_process_id(port, password).await == Some(process) {
            return Ok(true);
        }
        if start.elapsed() > PATIENCE {
            bail!(
                "Redis (process {}) runs but does not answer on port {port}",
                process.id()
            );
        }
        tokio::time::sleep(TICK).await;
    }
    Ok(false)
}

/// The process of the server that runs in the folder `dir`, if there is one.
pub(super) async fn left_in(dir: &Path) -> Option<Process> {
    let password = fs::read_to_string(dir.join("password")).ok()?;
    let (process, _port) = find_running(dir, password.trim()).await?;
    Some(process)
}

/// The server that an earlier run left in `dir`: known by its password, which is nobody else's.
async fn find_running(dir: &Path, password: &str) -> Option<(Process, u16)> {
    let state = fs::read_to_string(dir.join(STATE)).ok()?;
    let (pid, port) = state.trim().split_once(' ')?;
    let process = Process::new(pid.parse().ok()?)?;
    let port = port.parse().ok()?;
    let answers = process.is_alive() && ask_process_id(port, password).await == Some(process);
    answers.then_some((process, port))
}

/// Signs in and asks the server for its process id: the plain protocol needs no client library.
async fn ask_process_id(port: u16, password: &str) -> Option<Process> {
    let talk = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let question = format!("AUTH {password}\r\nINFO server\r\nQUIT\r\n");
        stream.write_all(question.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(ANSWER, talk).await.ok()?.ok()?;
    let pid = answer
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"))?;
    Process::new(pid.trim().parse().ok()?)
}
