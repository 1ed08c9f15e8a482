//! This test program, started once more in the part of a kith that others end by signals.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use kith::infra::servers::{PrivatePostgres, PrivateRedis, run_with};

use super::{cache, lasting, signal};

/// Not a test of its own: the program that the tests above send signals to. It runs a command
/// that tells the servers' process ids and the signal it gets.
#[tokio::test]
async fn runner() {
    let Some(dir) = std::env::var_os("KITH_TEST_RUNNER").map(PathBuf::from) else {
        return;
    };
    let script = r#"trap 'exit 42' INT; trap 'exit 43' TERM
        dir=${DATABASE_URL##*host=}; dir=${dir%/run}
        read -r postgres < "$dir/data/postmaster.pid"
        read -r redis port < "$dir/../redis/server"
        echo "$postgres $redis" > "$0"
        while kill -0 $PPID; do sleep 0.05; done"#;
    let ids = dir.join("ids");
    let command = ["sh".into(), "-c".into(), script.into(), ids.into()];
    let code = run_with(&command).await.unwrap();
    std::process::exit(code.into());
}

/// Not a test of its own: the program that the adoption test starts and kills.
#[tokio::test]
async fn starter() {
    let Some(dir) = std::env::var_os("KITH_TEST_STARTER").map(PathBuf::from) else {
        return;
    };
    let postgres = PrivatePostgres::start(lasting(&dir)).await.unwrap();
    let redis = PrivateRedis::start(cache(&dir)).await.unwrap();
    let ids = format!("{} {}\n", postgres.process_id(), redis.process_id());
    std::fs::write(dir.join("ids"), ids).unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
}

/// A started part, and the file in which it tells the process ids of its servers.
pub(crate) struct Starter {
    child: Child,
    ids: PathBuf,
}

impl Starter {
    /// Starts lasting servers in `dir`.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_as("starter", dir)
    }

    /// Starts the test called `role`, which does its part.
    pub(crate) fn start_as(role: &str, dir: &Path) -> Self {
        let ids = dir.join("ids");
        std::fs::write(&ids, "").unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([&format!("starter::{role}"), "--exact"])
            .env(format!("KITH_TEST_{}", role.to_uppercase()), dir)
            .env("TMPDIR", dir)
            // No terminal: it would count as the sender of every SIGINT.
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, ids }
    }

    /// Sends a signal once the servers run, and waits for the program's end.
    pub(crate) fn end_by(mut self, name: &str) -> (ExitStatus, (i32, i32)) {
        let pids = self.wait();
        signal(self.child.id().try_into().unwrap(), name);
        (self.child.wait().unwrap(), pids)
    }

    /// Kills the program once its servers run, and returns their process ids.
    pub(crate) fn kill(mut self) -> (i32, i32) {
        let pids = self.wait();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        pids
    }

    fn wait(&mut self) -> (i32, i32) {
        loop {
            let said = std::fs::read_to_string(&self.ids).unwrap_or_default();
            if let Some((postgres, redis)) = said.strip_suffix('\n').and_then(|s| s.split_once(' '))
            {
                return (postgres.parse().unwrap(), redis.parse().unwrap());
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {ended:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
