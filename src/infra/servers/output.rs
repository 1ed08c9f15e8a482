//! What a server says: into a file beside its data, from which an error quotes the end.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::process::Process;

/// Lines that an error quotes.
const QUOTED: usize = 15;

/// Starts `command` in the background with its output in `log`, which is begun anew. The server
/// gets a process group of its own, so that a Ctrl-C meant for kith doesn't reach it: kith still
/// needs it to finish the requests it is answering.
pub(super) fn spawn_logged(
    command: &mut Command,
    log: &Path,
) -> anyhow::Result<std::process::Child> {
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        // Statements, and so people's data, may end up in it.
        .mode(0o600)
        .open(log)
        .and_then(|file| Ok((file.try_clone()?, file)));
    let (out, err) = opened.with_context(|| format!("could not write {}", log.display()))?;
    command
        .current_dir("/")
        .stdout(out)
        .stderr(err)
        .process_group(0)
        .spawn()
        .with_context(|| format!("could not start {}", command.get_program().display()))
}

/// The process of a child that was just started.
pub(super) fn process_of(child: &std::process::Child) -> anyhow::Result<Process> {
    i32::try_from(child.id())
        .ok()
        .and_then(Process::new)
        .context("the system gave a process id that is no process id")
}

/// A command that sees nothing of kith's environment but what a program needs to be found:
/// settings such as `PGDATA` must not reach a private server.
pub(super) fn clean_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("TZ", "UTC").stdin(Stdio::null());
    for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// The last lines of a log, indented for an error message.
pub(super) fn last_lines(log: &Path) -> String {
    quote(&fs::read_to_string(log).unwrap_or_default())
}

/// The last lines of `text`, indented for an error message.
pub(super) fn quote(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let skipped = lines.len().saturating_sub(QUOTED);
    let shown: Vec<String> = lines
        .iter()
        .skip(skipped)
        .map(|line| format!("    {line}"))
        .collect();
    if shown.is_empty() {
        "    (it said nothing)".to_owned()
    } else {
        shown.join("\n")
    }
}

/// A loopback port that nobody listens on just now. Another program may still take it first, so
/// callers try again with another one.
pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .context("could not get a free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Whether a log says that the port was taken.
pub(super) fn port_was_taken(log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|text| text.contains("Address already in use"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_quotes_the_last_lines_only() {
        let lines: Vec<String> = (0..40).map(|line| format!("line {line}")).collect();
        let quoted = quote(&lines.join("\n"));
        assert_eq!(quoted.lines().count(), QUOTED);
        assert!(quoted.starts_with("    line 25") && quoted.ends_with("    line 39"));
        assert_eq!(quote("\n \n"), "    (it said nothing)");
    }
}
