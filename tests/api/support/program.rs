//! The real program as a process of its own, on the database of a [`TestApp`].

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::app::TestApp;
use super::mode::Mode;

/// A running `kith serve`, killed when the test gives up on it.
pub struct Program {
    /// Where it listens.
    pub url: String,
    child: Child,
    dir: tempfile::TempDir,
}

impl Program {
    /// Starts `kith serve` beside `app`, with the same keys. What it logs is kept.
    pub fn start(app: &TestApp, settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let log = std::fs::File::create(dir.path().join("log")).expect("a file");
        let mut child = command(app, dir.path(), settings)
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("kith starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line
            .trim_end()
            .strip_prefix("kith is listening on ")
            .expect("the line tells the address")
            .to_owned();
        Self { url, child, dir }
    }

    /// Runs a command of `kith` beside `app` to its end.
    pub fn run(app: &TestApp, args: &[&str]) -> Output {
        let dir = tempfile::tempdir().expect("a folder");
        let mut command = command(app, dir.path(), &[]);
        command.args(args).stdin(Stdio::null());
        command.output().expect("kith runs")
    }

    /// How many bytes of memory it has; nothing where the system does not tell.
    pub fn memory(&self) -> Option<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).expect("a log in UTF-8")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"));
        kill(pid, signal).expect("the signal arrives");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return status;
            }
            assert!(
                start.elapsed() < Duration::from_secs(15),
                "kith does not stop"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A command of the program, with the database, the keys and the Redis of `app`.
fn command(app: &TestApp, dir: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DATABASE_URL", app.database_url())
        .env("KITH_DIR", dir)
        .env("KITH_ADDR", "127.0.0.1:0")
        .env("KITH_OPS_ADDR", "127.0.0.1:0")
        .env("KITH_LIMITS", "off")
        .env("KITH_JWT_KEYS", "test:0123456789abcdef0123456789abcdef")
        .env("KITH_SECRET_KEY", "fedcba9876543210fedcba9876543210")
        .env("KITH_REDIS_PREFIX", app.redis_prefix())
        .envs(app.redis_url().map(|url| ("REDIS_URL", url)))
        .envs(Mode::of_run().settings().iter().copied())
        .envs(settings.iter().copied())
        .current_dir(dir);
    command
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
