//! A line between kith and a server that tests can cut.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::redis::OwnRedis;

/// What is to go wrong.
#[derive(Default)]
struct Faults {
    /// What the transaction sends whose commit is to be lost.
    lose_commit: std::sync::Mutex<Option<String>>,
    /// Whether nothing that is sent arrives.
    lose_all: AtomicBool,
}

/// Where a server is.
#[derive(Debug, Clone)]
enum Server {
    Socket(PathBuf),
    Address(String, u16),
}

/// Passes bytes between kith and a server: the tests' Postgres, or a Redis.
pub struct Proxy {
    addr: SocketAddr,
    server: Server,
    faults: Arc<Faults>,
    open: Mutex<Option<CancellationToken>>,
}

impl Proxy {
    /// A proxy that lets everything through.
    pub async fn open() -> Self {
        let proxy = Self::shut().await;
        proxy.restore().await;
        proxy
    }

    /// A proxy that refuses connections, as if Postgres were away.
    pub async fn shut() -> Self {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names a server for tests");
        Self::to(postgres_of(&url)).await
    }

    /// A proxy to a Redis, that lets everything through.
    pub async fn before(redis: &OwnRedis) -> Self {
        let proxy = Self::to(Server::Socket(redis.socket())).await;
        proxy.restore().await;
        proxy
    }

    async fn to(server: Server) -> Self {
        // Bound for a moment, to learn of a port that is free.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self {
            addr: listener.local_addr().expect("an address"),
            server,
            faults: Arc::default(),
            open: Mutex::default(),
        }
    }

    /// The URL of a database, by way of this proxy.
    pub fn url_of(&self, url: &str) -> String {
        let url = reqwest::Url::parse(url).expect("a URL");
        let password = url.password().map(|password| format!(":{password}"));
        format!(
            "postgres://{}{}@{}{}?sslmode=disable",
            url.username(),
            password.unwrap_or_default(),
            self.addr,
            url.path()
        )
    }

    /// The URL of the Redis behind this proxy.
    pub fn redis_url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// Cuts all connections, and refuses new ones.
    pub async fn cut(&self) {
        if let Some(token) = self.open.lock().await.take() {
            token.cancel();
        }
    }

    /// Lets connections through again.
    pub async fn restore(&self) {
        let listener = loop {
            // The port is free again once the cut listener is gone.
            match TcpListener::bind(self.addr).await {
                Ok(listener) => break listener,
                Err(_in_use) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            }
        };
        let token = CancellationToken::new();
        *self.open.lock().await = Some(token.clone());
        let (server, faults) = (self.server.clone(), Arc::clone(&self.faults));
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = token.cancelled() => return,
                };
                let (client, _) = accepted.expect("a connection");
                let (server, token, faults) = (server.clone(), token.clone(), Arc::clone(&faults));
                tokio::spawn(async move {
                    tokio::select! {
                        () = connect(client, &server, &faults) => {}
                        () = token.cancelled() => {}
                    }
                });
            }
        });
    }

    /// The next commit of a transaction that sends `mark` reaches Postgres, but its reply is lost
    /// and the connection with it. Others, of work that goes on by itself, pass.
    pub fn lose_commit_of(&self, mark: &str) {
        *self.faults.lose_commit.lock().expect("a lock") = Some(mark.to_owned());
    }

    /// From now on nothing that kith sends arrives, and its connections stay; or everything does again.
    pub fn lose_all(&self, lost: bool) {
        self.faults.lose_all.store(lost, Ordering::SeqCst);
    }
}

/// Where the Postgres of a URL is.
fn postgres_of(url: &str) -> Server {
    let url = reqwest::Url::parse(url).expect("a URL");
    let folder = url.query_pairs().find(|(name, _)| name == "host");
    let port = url.port().unwrap_or(5432);
    match folder.filter(|(_, folder)| folder.starts_with('/')) {
        Some((_, folder)) => Server::Socket(format!("{folder}/.s.PGSQL.{port}").into()),
        None => Server::Address(url.host_str().unwrap_or("127.0.0.1").to_owned(), port),
    }
}

async fn connect(client: TcpStream, server: &Server, faults: &Faults) {
    match server {
        Server::Socket(path) => {
            let socket = UnixStream::connect(path).await;
            pipe(client, socket.expect("the server answers"), faults).await;
        }
        Server::Address(host, port) => {
            let socket = TcpStream::connect((host.as_str(), *port)).await;
            pipe(client, socket.expect("the server answers"), faults).await;
        }
    }
}

async fn pipe(
    client: TcpStream,
    server: impl AsyncRead + AsyncWrite + Send + 'static,
    faults: &Faults,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let swallow = AtomicBool::new(false);
    let upwards = async {
        let mut bytes = vec![0; 16 * 1024];
        let mut is_marked = false;
        while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
            if faults.lose_all.load(Ordering::SeqCst) {
                continue;
            }
            let says = |word: &[u8]| bytes[..read].windows(word.len()).any(|part| part == word);
            is_marked |= is_mark(faults, &says);
            if is_marked && says(b"COMMIT") {
                *faults.lose_commit.lock().expect("a lock") = None;
                swallow.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&bytes[..read]).await.is_err() {
                return;
            }
        }
    };
    let downwards = async {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from_server.read(&mut bytes).await {
            if swallow.load(Ordering::SeqCst) || to_client.write_all(&bytes[..read]).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = upwards => {}
        () = downwards => {}
    }
}

/// Whether these bytes hold the mark, if there is one.
fn is_mark(faults: &Faults, says: &impl Fn(&[u8]) -> bool) -> bool {
    let mark = faults.lose_commit.lock().expect("a lock");
    mark.as_ref().is_some_and(|mark| says(mark.as_bytes()))
}
