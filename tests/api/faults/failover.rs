//! The primary dies under Sentinels, and its replica takes its place.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::pair_at;
use super::redis::under_traffic;
use crate::support::mode;

/// A failover, after the Sentinel has waited before it calls a primary dead.
const LONGEST: Duration = Duration::from_secs(20);

/// A primary, its replica, and a Sentinel that watches them.
struct Watched {
    dir: tempfile::TempDir,
    primary: u16,
    replica: u16,
    sentinel: u16,
    children: Vec<Child>,
}

impl Watched {
    async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        // Sentinels know servers by their ports: these were free a moment ago.
        let free = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let [primary, replica, sentinel] = [&free[0], &free[1], &free[2]].map(port);
        drop(free);
        let mut watched = Self {
            dir,
            primary,
            replica,
            sentinel,
            children: Vec::new(),
        };
        watched.run(&format!("port {primary}"));
        watched.run(&format!("port {replica}\nreplicaof 127.0.0.1 {primary}"));
        let watch = format!(
            "port {sentinel}\nsentinel monitor main 127.0.0.1 {primary} 1\n\
             sentinel down-after-milliseconds main 300\nsentinel failover-timeout main 2000"
        );
        watched.run(&watch);
        watched
            .wait("the replica is known", sentinel, "replicas")
            .await;
        watched
    }

    /// Starts a server or a Sentinel with these lines of settings.
    fn run(&mut self, settings: &str) {
        let number = self.children.len();
        let file = self.dir.path().join(format!("{number}.conf"));
        let shared = "bind 127.0.0.1\nrepl-diskless-sync-delay 0\nsave \"\"\n";
        let is_sentinel = settings.contains("sentinel");
        let shared = if is_sentinel {
            "bind 127.0.0.1\n"
        } else {
            shared
        };
        std::fs::write(&file, format!("{shared}{settings}\n")).expect("settings");
        let mut command = Command::new("redis-server");
        command.arg(&file).current_dir(self.dir.path());
        if is_sentinel {
            command.arg("--sentinel");
        }
        let child = command.stdout(Stdio::null()).spawn();
        self.children.push(child.expect("redis-server starts"));
    }

    async fn ask<T: redis::FromRedisValue>(
        port: u16,
        command: &redis::Cmd,
    ) -> redis::RedisResult<T> {
        let client = redis::Client::open(("127.0.0.1", port))?;
        let mut conn = client.get_multiplexed_async_connection().await?;
        command.query_async(&mut conn).await
    }

    async fn wait(&self, what: &str, sentinel: u16, list: &str) {
        let mut command = redis::cmd("SENTINEL");
        command.arg(list).arg("main");
        let began = Instant::now();
        loop {
            let listed: redis::RedisResult<Vec<redis::Value>> = Self::ask(sentinel, &command).await;
            if listed.is_ok_and(|listed| !listed.is_empty()) && self.follows().await {
                return;
            }
            assert!(began.elapsed() < LONGEST, "not yet: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether the replica has what the primary has.
    async fn follows(&self) -> bool {
        let info = Self::ask(self.replica, redis::cmd("INFO").arg("replication")).await;
        info.is_ok_and(|info: String| info.contains("master_link_status:up"))
    }

    /// Kills the primary and waits until the replica takes writes.
    async fn fail_over(&mut self) {
        let primary = self.children.first_mut().expect("it runs");
        primary.kill().expect("it is killed");
        let began = Instant::now();
        let write = || {
            let mut command = redis::cmd("SET");
            command.arg("proof").arg(1).arg("EX").arg(60);
            command
        };
        while Self::ask::<()>(self.replica, &write()).await.is_err() {
            assert!(began.elapsed() < LONGEST, "no failover");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It may have ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

#[tokio::test]
async fn after_a_failover_the_new_primary_is_used_and_nothing_was_untrue() {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let mut watched = Watched::start().await;
    let url = format!("redis+sentinel://127.0.0.1:{}/main", watched.sentinel);
    let (one, other) = pair_at(&url).await;
    let replica = watched.replica;
    assert_ne!(replica, watched.primary);
    under_traffic(&one, &other, async {
        watched.fail_over().await;
        for app in [&one, &other] {
            app.wait_for_redis().await;
        }
    })
    .await;
    let clients: String = Watched::ask(replica, redis::cmd("CLIENT").arg("LIST"))
        .await
        .expect("a list");
    let of_kith = clients.lines().filter(|line| line.contains("cmd=")).count();
    assert!(of_kith > 3, "nobody uses the new primary: {clients}");
}
