//! A client to copy: signs in, follows channels over a WebSocket, and loses nothing over cut lines, restarts
//! of the server and restarts of its own. `follower.rs` holds the rules; here is only IO.
//!
//! ```sh
//! cargo run --example live -- http://127.0.0.1:8080 alice demo-password conv:ID --keep live.json
//! ```
//!
//! Without a channel it follows the conversation in which something was said last. What is typed, a line at a time, is
//! said in the first conversation that it follows.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it shows what happens"
)]

mod answers;
mod follower;
mod outbox;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use follower::{Act, Event, Follower, Next};
use futures_util::{SinkExt as _, StreamExt as _};
use outbox::Said;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// After so long without a word (the server pings every 25 s) the line counts as dead.
const SILENCE: Duration = Duration::from_secs(40);

#[derive(Parser)]
struct Args {
    /// Where kith is, as `http://127.0.0.1:8080`
    url: String,
    /// A username or an e-mail address
    login: String,
    password: String,
    /// What to follow, as `conv:ID` or `post:ID`
    channels: Vec<String>,
    /// A file for what is to be remembered until the next start
    #[arg(long)]
    keep: Option<PathBuf>,
}

struct Client {
    args: Args,
    http: reqwest::Client,
    access_token: String,
    refresh_token: String,
    follower: Follower,
    /// What is typed.
    typed: mpsc::UnboundedReceiver<String>,
}

/// A connection.
type Line = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The session has ended.
#[derive(Debug)]
struct SignedOut;

impl fmt::Display for SignedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signed out")
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let mut client = Client::sign_in(Args::parse()).await?;
    loop {
        let code = match client.listen().await {
            Ok(code) => code,
            Err(error) if error.is::<SignedOut>() => return Err(error),
            Err(error) => {
                println!("- {error:#}");
                1006
            }
        };
        client.keep()?;
        let Next::Connect(wait) = client.follower.closed(code, rand::random()) else {
            anyhow::bail!("the server closed with {code}: there is no coming back");
        };
        println!("- closed with {code}, back in {} ms", wait.as_millis());
        tokio::time::sleep(wait).await;
    }
}

impl Client {
    async fn sign_in(mut args: Args) -> anyhow::Result<Self> {
        let http = reqwest::Client::new();
        let body = json!({"login": args.login, "password": args.password, "device_name": "live"});
        let login = format!("{}/v1/auth/login", args.url);
        let signed_in = content(http.post(login).json(&body).send().await?).await?;
        let kept = args
            .keep
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok());
        let mut client = Self {
            follower: Follower::new([], ""),
            typed: typed(),
            access_token: text(&signed_in, "/access_token")?,
            refresh_token: text(&signed_in, "/refresh_token")?,
            args: Args {
                channels: std::mem::take(&mut args.channels),
                ..args
            },
            http,
        };
        if client.args.channels.is_empty() {
            let newest = client.get("/v1/conversations?limit=1").await?;
            let id =
                text(&newest, "/data/0/id").context("there is no conversation: name a channel")?;
            client.args.channels.push(format!("conv:{id}"));
        }
        client.follower = Follower::new(client.args.channels.clone(), &kept.unwrap_or_default());
        Ok(client)
    }

    /// One connection, from its ticket to its close; gives the code.
    async fn listen(&mut self) -> anyhow::Result<u16> {
        let ticket = self.ask("POST", "/v1/realtime/tickets").await?;
        let ticket = text(&ticket, "/ticket")?;
        let url = self.args.url.replacen("http", "ws", 1);
        let (mut socket, _) = connect_async(format!("{url}/v1/realtime?ticket={ticket}")).await?;
        let hello = self.follower.hello();
        socket.send(Message::text(hello.to_string())).await?;
        let mut silent = Instant::now() + SILENCE;
        loop {
            let acts = tokio::select! {
                message = timeout_at(silent, socket.next()) => {
                    silent = Instant::now() + SILENCE;
                    let Ok(message) = message else { return Ok(4999) };
                    match message.context("the line broke")?? {
                        Message::Text(text) => self.follower.heard(&text),
                        Message::Close(close) => return Ok(close.map_or(1006, |close| close.code.into())),
                        _ => continue,
                    }
                }
                Some(line) = self.typed.recv() => {
                    let acts = self.say(&line);
                    self.keep()?;
                    acts
                }
            };
            for act in acts {
                if let Some(code) = self.obey(act, &mut socket).await? {
                    return Ok(code);
                }
            }
            self.keep()?;
        }
    }

    /// Does what is to be done; gives a code if that ends the connection.
    async fn obey(&mut self, act: Act, socket: &mut Line) -> anyhow::Result<Option<u16>> {
        match act {
            Act::Show(event) => show(&event),
            Act::Done(said, d) => println!("> {}: {d}", said.op),
            Act::Refused(said, why) => println!("- {} is refused: {why}", said.op),
            Act::Fetch(ch) => self.fetch(&ch).await,
            Act::Lost(ch, why) => println!("- {ch} is followed no more: {why}"),
            Act::Send(frame) => socket.send(Message::text(frame.to_string())).await?,
            Act::Refresh => {
                self.refresh().await?;
                let frame = self.follower.refresh(&self.access_token);
                socket.send(Message::text(frame.to_string())).await?;
            }
            Act::ComeBack => return Ok(Some(4999)),
        }
        Ok(None)
    }

    /// Says what was typed in the first conversation that is followed, under a name that nobody else makes up.
    fn say(&mut self, line: &str) -> Vec<Act> {
        let mut channels = self.args.channels.iter();
        let Some(id) = channels.find_map(|ch| ch.strip_prefix("conv:")) else {
            println!("- there is no conversation to say that in");
            return Vec::new();
        };
        self.follower.say(Said {
            op_id: format!("live-{:032x}", rand::random::<u128>()),
            op: "message.send".to_owned(),
            d: json!({"conversation_id": id, "content": line}),
        })
    }

    /// Shows a channel as the routes tell it: at first, and whenever something could not be replayed.
    async fn fetch(&mut self, ch: &str) {
        let path = match ch.split_once(':') {
            Some(("conv", id)) => format!("/v1/conversations/{id}/messages?limit=20"),
            Some(("post", id)) => format!("/v1/posts/{id}/comments?limit=20&order=newest"),
            Some(("user", _)) => "/v1/me/counts".to_owned(),
            _ => return,
        };
        match self.get(&path).await {
            Ok(found) => println!("= {ch}: {found}"),
            Err(error) => println!("= {ch}: {error:#}"),
        }
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        self.ask("GET", path).await
    }

    /// A request; with a fresh token if the one at hand has run out.
    async fn ask(&mut self, method: &str, path: &str) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.args.url);
        let request = self.http.request(method.parse()?, url);
        let again = request.try_clone().context("a request without a stream")?;
        let mut answer = request.bearer_auth(&self.access_token).send().await?;
        if answer.status() == 401 {
            self.refresh().await?;
            answer = again.bearer_auth(&self.access_token).send().await?;
        }
        content(answer).await
    }

    /// Exchanges the refresh token, which counts once. A 401 here means that the session is over: to come back
    /// takes a name and a password.
    async fn refresh(&mut self) -> anyhow::Result<()> {
        let url = format!("{}/v1/auth/refresh", self.args.url);
        let request = self
            .http
            .post(url)
            .json(&json!({"refresh_token": self.refresh_token}));
        let answer = request.send().await?;
        let is_over = answer.status() == 401;
        let tokens = content(answer).await;
        let tokens = if is_over {
            tokens.context(SignedOut)?
        } else {
            tokens?
        };
        self.access_token = text(&tokens, "/access_token")?;
        self.refresh_token = text(&tokens, "/refresh_token")?;
        Ok(())
    }

    fn keep(&self) -> anyhow::Result<()> {
        match &self.args.keep {
            Some(file) => Ok(std::fs::write(file, self.follower.kept())?),
            None => Ok(()),
        }
    }
}

/// The lines that are typed, as they come: reading them waits for nobody but who types.
fn typed() -> mpsc::UnboundedReceiver<String> {
    let (tell, told) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        let mut lines = lines.filter(|line| !line.trim().is_empty());
        // At the end of the program nobody listens any more.
        while lines.next().is_some_and(|line| tell.send(line).is_ok()) {}
    });
    told
}

fn show(event: &Event) {
    let Event { ch, o, t, d } = event;
    // A state or a hint has no place in its channel.
    let o = o.map_or("-".to_owned(), |o| o.to_string());
    println!("{ch} {o} {t}: {d}");
}

/// What was answered; or, of a refusal, what its problem says (RFC 9457): `code` is for programs, `detail` for
/// people. What stands between may refuse without one.
async fn content(answer: reqwest::Response) -> anyhow::Result<Value> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer.json().await?);
    }
    let problem: Value = answer.json().await.unwrap_or_default();
    let member = |name| problem.get(name).and_then(Value::as_str);
    match (member("code"), member("detail")) {
        (Some(code), Some(detail)) => anyhow::bail!("{detail} ({code})"),
        (Some(code), None) => anyhow::bail!("{code}"),
        _ => anyhow::bail!("the server answered with {status}"),
    }
}

fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found
        .with_context(|| format!("no {pointer} in {value}"))?
        .to_owned())
}
