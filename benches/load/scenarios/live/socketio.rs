//! A Socket.IO server of `benches/peers`, and its protocol: text frames of Engine.IO 4 over a WebSocket.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::wire::Target;
use crate::ws::{Message, Socket};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where clients connect.
const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

/// A running server. It is killed when it is dropped.
pub struct Server {
    /// Its address.
    pub target: Target,
    /// Its process.
    pub pid: u32,
    _child: Child,
}

impl Server {
    /// Starts the program in `dir`, whose packages have to be installed.
    pub async fn start(dir: &Path, redis: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(
            dir.join("node_modules").is_dir(),
            "run `npm ci` in {} first",
            dir.display()
        );
        let mut child = Command::new("node")
            .arg("server.js")
            .env("REDIS_URL", redis)
            .env("NODE_ENV", "production")
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("could not run node")?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line())
            .await
            .context("the server does not answer")??
            .context("the server ended")?;
        let url = line.strip_prefix("listening on ").context("an address")?;
        Ok(Self {
            target: Target::parse(url).await?,
            pid: child.id().context("the server has no process id")?,
            _child: child,
        })
    }
}

/// A socket that is connected and in this room.
pub async fn join(target: &Target, room: &str) -> anyhow::Result<Socket> {
    let mut socket = Socket::open(target, PATH, None).await?;
    expect(&mut socket, "0").await?;
    socket.send("40").await?;
    expect(&mut socket, "40").await?;
    socket
        .send(&format!("420{}", json!(["join", room])))
        .await?;
    expect(&mut socket, "430").await?;
    Ok(socket)
}

/// Waits for a text that begins like this.
async fn expect(socket: &mut Socket, begin: &str) -> anyhow::Result<()> {
    let found = async {
        loop {
            let Message::Text(place) = socket.next().await? else {
                anyhow::bail!("the server closed");
            };
            if socket.text(place).starts_with(begin) {
                return Ok(());
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.with_context(|| format!("{begin} does not come"))?
}

/// A message to a room that reaches its members as a text of `length` bytes, as far as it can be that
/// short: the frame that is sent.
pub fn say(room: &str, number: usize, length: usize) -> String {
    let message = |pad: usize| json!({"room": room, "number": number, "text": "x".repeat(pad)});
    let received = |message: &Value| format!("42{}", json!(["message", message])).len();
    let pad = length.saturating_sub(received(&message(0)));
    format!("42{}", json!(["say", room, message(pad)]))
}
