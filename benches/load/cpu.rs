//! CPU time and memory of processes, as the kernel counts them.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The kernel tells user-space times in hundredths of a second on every machine.
const MICROS_A_TICK: u64 = 10_000;
/// How often the memory of a process is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// CPU time used so far, in microseconds.
#[derive(Debug, Clone, Default)]
pub struct Cpu {
    servers: Option<u64>,
    generator: u64,
}

/// CPU time used in a span, in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// By the servers; unknown if no process is.
    pub servers: Option<u64>,
    /// By this program.
    pub generator: u64,
}

impl Cpu {
    /// What `pids` and this process have used.
    pub fn now(pids: &[u32]) -> Self {
        let servers: Option<Vec<u64>> = pids.iter().map(|pid| used(&pid.to_string())).collect();
        Self {
            servers: servers
                .filter(|each| !each.is_empty())
                .map(|each| each.iter().sum()),
            generator: used("self").unwrap_or_default(),
        }
    }

    /// What was used since `before`.
    pub fn since(&self, before: &Self) -> Used {
        Used {
            servers: self
                .servers
                .zip(before.servers)
                .map(|(now, then)| now.saturating_sub(then)),
            generator: self.generator.saturating_sub(before.generator),
        }
    }
}

/// The resident memory of a process, in bytes.
pub fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// Keeps the most memory that a process has had, until it is aborted.
pub async fn watch_memory(pid: u32, most: Arc<AtomicU64>) {
    loop {
        most.fetch_max(resident(pid).unwrap_or_default(), Ordering::Relaxed);
        tokio::time::sleep(LOOK).await;
    }
}

fn used(process: &str) -> Option<u64> {
    let (user, system) = times(process)?;
    Some(user + system)
}

/// User and system time of a process in microseconds, from its line in `/proc`.
pub fn times(process: &str) -> Option<(u64, u64)> {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold anything, and ends with the last bracket.
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user * MICROS_A_TICK, system * MICROS_A_TICK))
}
