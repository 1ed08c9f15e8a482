//! A Redis of a test's own, which it may kill, halt and start again at the same address, and a line to it that
//! holds back what goes one way.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

/// A server that listens on a socket in a folder of its own.
pub struct OwnRedis {
    dir: tempfile::TempDir,
    child: Option<Child>,
}

impl OwnRedis {
    /// One that does not run yet.
    pub fn away() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self { dir, child: None }
    }

    /// One that runs.
    pub async fn start() -> Self {
        let mut redis = Self::away();
        redis.restart().await;
        redis
    }

    /// Its address, the same at every start.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Starts it with what it has saved, if anything.
    pub async fn restart(&mut self) {
        self.kill();
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(self.socket())
            .arg("--dir")
            .arg(self.dir.path())
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.expect("redis-server starts"));
        let began = Instant::now();
        while self.ask::<String>(&redis::cmd("PING")).await.is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "Redis does not answer"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Saves what it holds: the next start begins with that.
    pub async fn save(&self) {
        let saved = self.ask::<()>(&redis::cmd("SAVE")).await;
        saved.expect("it saves");
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Lets it answer nothing until [`Self::resume`]; its connections stay open.
    pub fn halt(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Asks it something.
    pub async fn ask<T: redis::FromRedisValue>(&self, cmd: &redis::Cmd) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut conn = client.get_multiplexed_async_connection().await?;
        cmd.query_async(&mut conn).await
    }

    /// Where it listens.
    pub fn socket(&self) -> std::path::PathBuf {
        self.dir.path().join("socket")
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
        kill(pid, signal).expect("the signal arrives");
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A line to a Redis.
pub struct RedisLine {
    url: String,
    up: watch::Sender<bool>,
    down: watch::Sender<bool>,
}

impl RedisLine {
    /// One that lets everything through.
    pub async fn to(redis: &OwnRedis) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let (up, down) = (watch::Sender::new(true), watch::Sender::new(true));
        let (goes_up, goes_down) = (up.subscribe(), down.subscribe());
        let socket = redis.socket();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.expect("Redis answers");
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, goes_up.clone()));
                tokio::spawn(pass(from_server, to_client, goes_down.clone()));
            }
        });
        let url = format!("redis://{addr}");
        Self { url, up, down }
    }

    /// The address of its near end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether questions get through. What is held back goes when they do again.
    pub fn passes_questions(&self, passes: bool) {
        self.up.send_replace(passes);
    }

    /// Whether answers get through.
    pub fn passes_answers(&self, passes: bool) {
        self.down.send_replace(passes);
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut passes: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        // The test that would let it through is over.
        let is_over = passes.wait_for(|passes| *passes).await.is_err();
        if is_over || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
