//! Running a command beside throwaway servers: tests, above all.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};

use super::PrivateServers;
use super::process::Process;
use super::sweep::{self, sweep};

/// Runs `command` with `DATABASE_URL` and `REDIS_URL` of servers that live as long as it does,
/// and returns its exit code (128 + n if signal n ended it, as a shell does). SIGTERM and SIGHUP
/// are handed on to it, and so is SIGINT unless a terminal has sent it to both already.
pub async fn run_with(command: &[OsString]) -> anyhow::Result<u8> {
    let Some((program, arguments)) = command.split_first() else {
        bail!("no command was given. Example: kith dev -- cargo test");
    };
    sweep().await;
    let dir = tempfile::Builder::new()
        .prefix(sweep::PREFIX)
        // The accounts that the servers run under have to pass; the servers' own folders are
        // closed to all others.
        .permissions(Permissions::from_mode(0o711))
        .tempdir()
        .context("could not make a temporary folder")?;
    // From here on no signal ends this program before the servers have stopped.
    let mut signals = Signals::listen()?;
    let servers = tokio::select! {
        servers = PrivateServers::start(dir.path(), true) => servers?,
        received = signals.next() => return Ok(exit_code_of_signal(received)),
    };
    let child = tokio::process::Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", servers.postgres.url())
        .env("REDIS_URL", servers.redis.url())
        .spawn();
    let result = match child {
        Ok(mut child) => attend(&mut child, &mut signals).await,
        Err(error) => Err(error).with_context(|| format!("could not run {}", program.display())),
    };
    servers.stop().await?;
    result.map(exit_code)
}

/// Waits for the end of the child and hands signals on to it.
async fn attend(child: &mut Child, signals: &mut Signals) -> anyhow::Result<ExitStatus> {
    let process = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Process::new)
        .context("the command has no process id")?;
    // Ctrl-C reaches every program in the foreground; a second one would tell many of them to
    // drop everything.
    let from_terminal = std::io::stdin().is_terminal() || std::io::stderr().is_terminal();
    loop {
        tokio::select! {
            status = child.wait() => return status.context("could not wait for the command"),
            received = signals.next() => {
                if received != Signal::SIGINT || !from_terminal {
                    process.signal(received)?;
                }
            }
        }
    }
}

/// The signals that ask a program to end.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("could not listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hang_up.recv() => Signal::SIGHUP,
        }
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

fn exit_code_of_signal(signal: Signal) -> u8 {
    match signal {
        Signal::SIGHUP => 129,
        Signal::SIGINT => 130,
        _ => 143,
    }
}
