//! The WebSocket: what is sent is the response's body, taken from the queue as the client takes it;
//! what is heard is read by one task.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::web::{Bytes, BytesMut};
use actix_ws::{Item as Piece, Message, MessageStream, ProtocolError};

use super::body::Encode;
use super::close::Close;
use super::conn::Conn;
use super::frame::Text;
use super::greet::{Hello, greet};
use super::hub::Hub;
use super::queue::Item;
use super::talk::Talk;
use super::wire::{self, Request, Unread};
use super::{joining, presence, typing};
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::sessions::CurrentUser;

/// The largest message of a client.
pub const MOST_BYTES: usize = 32 * 1024;
/// The largest first message of somebody who is not known.
const MOST_BYTES_OF_A_STRANGER: usize = 4 * 1024;
/// Most pieces of one message.
const MOST_PIECES: u32 = 64;
/// Frames that may come at once, and how many are allowed again within a minute.
const BURST: f64 = 30.0;
const A_MINUTE: f64 = 120.0;
/// Refusals for too many frames within a minute that end a connection.
const MOST_STRIKES: usize = 3;
/// Frames that could not be read, after which the connection ends.
const MOST_UNREAD: u32 = 10;

/// How a socket is written to.
pub(super) struct Messages {
    /// The body that the handshake made. It sends nothing; its end is the reader's end.
    pub(super) _line: BoxBody,
}

impl Encode for Messages {
    fn item(&mut self, _conn: &Conn, item: &Item) -> Bytes {
        item.text.message().clone()
    }

    fn close(&mut self, close: &Close) -> Bytes {
        goodbye(close)
    }
}

/// A word of control for those who see no close codes, and the close.
fn goodbye(close: &Close) -> Bytes {
    let mut bytes = BytesMut::new();
    if close.code >= 4_000 {
        bytes.extend_from_slice(Text::json_of(&close.bye()).message());
    }
    bytes.extend_from_slice(&close.frame());
    bytes.freeze()
}

/// Reads a socket until it ends.
pub(super) struct Reader {
    pub(super) ctx: Ctx,
    pub(super) hub: Hub,
    pub(super) conn: Arc<Conn>,
    /// Who the upgrade said it is.
    pub(super) known: Option<CurrentUser>,
    talk: Option<Talk>,
    pieces: Option<(BytesMut, u32)>,
    allowance: (f64, Instant),
    strikes: Vec<Instant>,
    unread: u32,
}

impl Reader {
    /// The reader of this connection.
    pub(super) fn new(ctx: Ctx, hub: Hub, conn: Arc<Conn>, known: Option<CurrentUser>) -> Self {
        Self {
            ctx,
            hub,
            conn,
            known,
            talk: None,
            pieces: None,
            allowance: (BURST, Instant::now()),
            strikes: Vec::new(),
            unread: 0,
        }
    }

    /// Reads until either side ends it.
    pub(super) async fn run(mut self, mut stream: MessageStream) {
        let gone = Arc::clone(&self.conn);
        loop {
            let message = tokio::select! {
                message = stream.recv() => message,
                () = gone.gone.notified() => None,
            };
            let Some(message) = message else { break };
            self.conn.heard.store(self.hub.now(), Ordering::Relaxed);
            let heard = match message {
                // What an answer needs is there only while one is made: most sockets wait most of the time.
                Ok(message) => Box::pin(self.hear(message)).await,
                Err(ProtocolError::Overflow) => Err(Close::TOO_BIG),
                Err(ProtocolError::Io(_)) => break,
                Err(_other) => Err(Close::PROTOCOL),
            };
            if let Err(close) = heard {
                self.conn.end_after_all(close, self.hub.now());
                break;
            }
            if self.conn.is_ending() {
                break;
            }
        }
        drop(stream);
        self.conn.end_after_all(Close::NORMAL, self.hub.now());
        Box::pin(leave(&self.ctx, &self.hub, &self.conn)).await;
    }

    async fn hear(&mut self, message: Message) -> std::result::Result<(), Close> {
        match message {
            Message::Text(text) => self.text(text.as_bytes()).await,
            Message::Continuation(piece) => match self.piece(piece)? {
                Some(whole) => self.text(&whole).await,
                None => Ok(()),
            },
            Message::Ping(bytes) => {
                self.conn.queue.put_control(Text::pong(&bytes));
                Ok(())
            }
            Message::Pong(_) | Message::Nop => Ok(()),
            Message::Binary(_) => Err(Close::NOT_TEXT),
            Message::Close(_) => {
                self.conn.said_goodbye.store(true, Ordering::Relaxed);
                Err(Close::NORMAL)
            }
        }
    }

    /// Puts pieces of a message together: few, and not much.
    fn piece(&mut self, piece: Piece) -> std::result::Result<Option<BytesMut>, Close> {
        let (bytes, is_last) = match piece {
            Piece::FirstText(bytes) if self.pieces.is_none() => {
                self.pieces = Some((BytesMut::new(), 0));
                (bytes, false)
            }
            Piece::Continue(bytes) => (bytes, false),
            Piece::Last(bytes) => (bytes, true),
            Piece::FirstBinary(_) => return Err(Close::NOT_TEXT),
            Piece::FirstText(_) => return Err(Close::PROTOCOL),
        };
        let Some((whole, count)) = &mut self.pieces else {
            return Err(Close::PROTOCOL);
        };
        *count += 1;
        if whole.len() + bytes.len() > MOST_BYTES || *count > MOST_PIECES {
            return Err(Close::TOO_BIG);
        }
        whole.extend_from_slice(&bytes);
        let whole = is_last.then(|| self.pieces.take()).flatten();
        Ok(whole.map(|(whole, _)| whole))
    }

    async fn text(&mut self, text: &[u8]) -> std::result::Result<(), Close> {
        if self.talk.is_none() && self.known.is_none() && text.len() > MOST_BYTES_OF_A_STRANGER {
            return Err(Close::TOO_BIG);
        }
        for frame in wire::read(text) {
            match frame {
                Ok(request) => self.frame(request).await?,
                Err(Unread { id, error }) => {
                    self.say(id, &Err(error));
                    self.unread += 1;
                    if self.unread > MOST_UNREAD {
                        return Err(Close::TOO_MANY_ERRORS);
                    }
                }
            }
            if self.conn.is_ending() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn frame(&mut self, request: Request) -> std::result::Result<(), Close> {
        if let Some(wait) = self.is_too_many() {
            let error = Error::from(Code::RateLimited).with_retry_after(wait);
            self.say(request.id, &Err(error));
            return self.strike();
        }
        let id = request.id;
        let Some(talk) = self.talk.clone() else {
            return self.greet(request).await;
        };
        if request.op == "hello" {
            let error = Error::new(Code::Conflict, "You have said hello already.");
            self.say(id, &Err(error));
            return Ok(());
        }
        let outcome = talk.ctx.admission().scope(talk.run(request)).await;
        self.say(id, &outcome.d);
        let followed = joining::follow(&self.ctx, &self.hub, &self.conn, outcome.joined).await;
        followed.map_err(|_error| Close::POSITION_LOST)
    }

    async fn greet(&mut self, request: Request) -> std::result::Result<(), Close> {
        if request.op != "hello" {
            let words = "Say hello first.";
            self.say(request.id, &Err(Error::new(Code::MalformedRequest, words)));
            return if self.known.is_some() {
                Ok(())
            } else {
                Err(Close::BAD_TICKET)
            };
        }
        let hello: Hello = match request.inbound.body() {
            Ok(hello) => hello,
            Err(error) => {
                self.say(request.id, &Err(error));
                return Ok(());
            }
        };
        match greet(&self.ctx, &self.hub, &self.conn, self.known, hello).await {
            Ok((reply, joined)) => {
                self.talk = self.conn.who().map(|who| Talk {
                    ctx: self.ctx.clone(),
                    hub: self.hub.clone(),
                    conn: Arc::clone(&self.conn),
                    user: who.user,
                });
                self.say(request.id, &Ok(reply));
                let followed = joining::follow(&self.ctx, &self.hub, &self.conn, joined).await;
                followed.map_err(|_error| Close::POSITION_LOST)
            }
            Err((close, error)) => {
                self.say(request.id, &Err(error));
                Err(close)
            }
        }
    }

    fn say(&self, id: Option<i64>, outcome: &Result<serde_json::Value>) {
        self.conn.say(&wire::reply(id, outcome), self.hub.now());
    }

    /// Whether this frame is one too many, and for how many seconds.
    fn is_too_many(&mut self) -> Option<u32> {
        if !self.ctx.limiter().is_enabled() {
            return None;
        }
        let (left, since) = self.allowance;
        let gained = since.elapsed().as_secs_f64() * A_MINUTE / 60.0;
        let left = (left + gained).min(BURST);
        let is_enough = left >= 1.0;
        self.allowance = (if is_enough { left - 1.0 } else { left }, Instant::now());
        (!is_enough).then_some(1)
    }

    fn strike(&mut self) -> std::result::Result<(), Close> {
        self.strikes
            .retain(|at| at.elapsed() < Duration::from_mins(1));
        self.strikes.push(Instant::now());
        if self.strikes.len() >= MOST_STRIKES {
            return Err(Close::RATE_LIMITED);
        }
        Ok(())
    }
}

/// Forgets a connection; whoever should know is told once.
pub(super) async fn leave(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>) {
    if hub.leave(conn) {
        typing::left(hub, conn);
        presence::depart(ctx, hub, conn).await;
    }
}
