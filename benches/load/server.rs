//! Processes of `kith serve` that are measured, and a Redis that may be killed.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::draw::get;
use super::wire::{Connection, Target};

/// How long a server may take to answer, and to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program that is measured.
const PROGRAM: &str = env!("CARGO_BIN_EXE_kith");

/// A running kith. It is killed when it is dropped.
pub struct Server {
    /// Its address.
    pub target: Target,
    /// Its process.
    pub pid: u32,
    /// Where it shows what it counts.
    ops: String,
    child: Child,
}

impl Server {
    /// Starts the program beside this benchmark with these settings and no others, and waits until it
    /// answers. Its log goes to a file in `dir`.
    pub async fn start(dir: &Path, settings: &[(String, String)]) -> anyhow::Result<Self> {
        let log = dir.join("serve.log");
        let writer = File::options().create(true).append(true).open(&log)?;
        let ops = format!("127.0.0.1:{}", free_port()?);
        let mut child = program(settings, dir)
            .env("KITH_OPS_ADDR", &ops)
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(writer)
            .spawn()
            .with_context(|| format!("could not run {PROGRAM}"))?;
        let pid = child.id().context("the server has no process id")?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let announced = async {
            while let Some(line) = lines.next_line().await? {
                if let Some((_, url)) = line.split_once("kith is listening on ") {
                    return anyhow::Ok(Some(url.trim().to_owned()));
                }
            }
            Ok(None)
        };
        let url = tokio::time::timeout(PATIENCE, announced)
            .await
            .context("the server does not answer")??;
        let Some(url) = url else {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            anyhow::bail!("the server ended. It said:\n{said}");
        };
        // What it prints later goes nowhere, but has to be read.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            target: Target::parse(&url).await?,
            pid,
            ops,
            child,
        })
    }

    /// Runs the program beside this benchmark with these settings and `args`, and reads the JSON that it prints.
    pub async fn ask(
        dir: &Path,
        settings: &[(String, String)],
        args: &[&str],
    ) -> anyhow::Result<serde_json::Value> {
        let output = program(settings, dir).args(args).output().await?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            format!("kith {} failed. It said:\n{said}", args.join(" "))
        })
    }

    /// A figure that it shows, by its name with its labels.
    pub async fn figure(&self, name: &str) -> anyhow::Result<f64> {
        let target = Target::parse(&format!("http://{}", self.ops)).await?;
        let mut connection = Connection::new(&target);
        connection.ask(&get("/metrics".to_owned(), None)).await?;
        let figures = String::from_utf8_lossy(connection.body()).into_owned();
        let mut lines = figures.lines();
        let figure = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(figure.with_context(|| format!("no {name}"))?.parse()?)
    }

    /// Kills it as the kernel would.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to stop and waits for its end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        signal(self.pid, Signal::SIGTERM)?;
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .context("the server does not end")??;
        Ok(())
    }
}

/// The program with these settings and no others.
fn program(settings: &[(String, String)], dir: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"))
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .current_dir(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// A Redis on a port of its own that can be killed and come back empty. It is killed when it is dropped.
pub struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    /// Starts one on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let port = free_port()?;
        Ok(Self {
            port,
            child: launch(port).await?,
        })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Kills it as the kernel would.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Starts it again, empty.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.child = launch(self.port).await?;
        Ok(())
    }
}

/// A port of this machine that nobody listens at.
pub fn free_port() -> std::io::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}

async fn launch(port: u16) -> anyhow::Result<Child> {
    let child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no"])
        .args(["--maxmemory", "512mb", "--maxmemory-policy", "allkeys-lfu"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("could not run redis-server")?;
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_ok()
        {
            return Ok(child);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    anyhow::bail!("redis-server does not answer on port {port}")
}

fn signal(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).context("a process id")?;
    Ok(kill(Pid::from_raw(pid), signal)?)
}
