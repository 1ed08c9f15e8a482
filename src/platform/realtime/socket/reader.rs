//! What a client says on a socket, and what comes of it.

use std::future::pending;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix_http::ws::{CloseCode, CloseReason, Frame, Item as Piece, ProtocolError};
use actix_web::web::BytesMut;
use tokio::net::tcp::ReadHalf;
use tokio::time::sleep_until;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::incoming::{Incoming, MOST_BYTES};
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::realtime::close::Close;
use crate::platform::realtime::conn::Conn;
use crate::platform::realtime::frame::Text;
use crate::platform::realtime::greet::{Hello, greet};
use crate::platform::realtime::hub::Hub;
use crate::platform::realtime::joining;
use crate::platform::realtime::talk::Talk;
use crate::platform::realtime::wire::{self, Request, Unread};
use crate::platform::sessions::CurrentUser;

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

/// What has come of a message that comes in pieces.
struct Pieces {
    whole: BytesMut,
    count: u32,
    until: Instant,
}

/// Hears a client.
pub(in crate::platform::realtime) struct Reader {
    ctx: Ctx,
    hub: Hub,
    conn: Arc<Conn>,
    /// Who the upgrade said it is.
    known: Option<CurrentUser>,
    /// The end of a process waits for what was begun.
    _open: TaskTrackerToken,
    talk: Option<Talk>,
    pieces: Option<Pieces>,
    allowance: (f64, Instant),
    strikes: Vec<Instant>,
    unread: u32,
}

impl Reader {
    /// The reader of this connection.
    pub(in crate::platform::realtime) fn new(
        ctx: Ctx,
        hub: Hub,
        conn: Arc<Conn>,
        known: Option<CurrentUser>,
    ) -> Self {
        Self {
            _open: hub.0.sockets.token(),
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

    /// Who is at both ends.
    pub(super) fn parties(&self) -> (Ctx, Hub, Arc<Conn>) {
        (self.ctx.clone(), self.hub.clone(), Arc::clone(&self.conn))
    }

    /// Hears the client until either side ends it, and has the reason be told.
    pub(super) async fn run(self, incoming: &mut Incoming, stream: &ReadHalf<'_>) {
        let (_ctx, hub, conn) = self.parties();
        let mut reader = Box::new(self);
        let close = loop {
            let frame = tokio::select! {
                frame = incoming.next(stream, reader.most_bytes()) => frame,
                () = conn.gone.notified() => break Close::NORMAL,
                () = reader.is_late() => break Close::TOO_BIG,
            };
            conn.heard.store(hub.now(), Ordering::Relaxed);
            let frame = match frame {
                Ok(Some(frame)) => frame,
                Err(error) => break why(&error),
                Ok(None) => break Close::NORMAL,
            };
            // A task of its own: what was begun is finished, whatever becomes of the line; and what an answer
            // needs is there only while one is made: most sockets wait most of the time.
            let hearing = actix_web::rt::spawn(async move {
                let heard = reader.hear(frame).await;
                (reader, heard)
            });
            let Ok((back, heard)) = hearing.await else {
                break Close::SERVER_ERROR;
            };
            reader = back;
            if let Err(close) = heard {
                break close;
            }
            if conn.is_ending() {
                break Close::NORMAL;
            }
        };
        conn.end_after_all(close, hub.now());
    }

    /// How long a message may be: nothing much is kept of somebody who is not known.
    const fn most_bytes(&self) -> usize {
        if self.talk.is_none() && self.known.is_none() {
            MOST_BYTES_OF_A_STRANGER
        } else {
            MOST_BYTES
        }
    }

    /// Waits until the rest of a message that comes in pieces should have come, whatever else the client says.
    async fn is_late(&self) {
        match &self.pieces {
            Some(pieces) => sleep_until(pieces.until.into()).await,
            None => pending().await,
        }
    }

    async fn hear(&mut self, frame: Frame) -> std::result::Result<(), Close> {
        match frame {
            Frame::Text(text) => self.text(&text).await,
            Frame::Continuation(piece) => match self.piece(piece)? {
                Some(whole) => self.text(&whole).await,
                None => Ok(()),
            },
            Frame::Ping(bytes) => {
                self.conn.queue.put_control(Text::pong(&bytes));
                Ok(())
            }
            Frame::Pong(_) => Ok(()),
            Frame::Binary(_) => Err(Close::NOT_TEXT),
            Frame::Close(reason) => {
                let says_goodbye = is_goodbye(reason.as_ref());
                self.conn
                    .said_goodbye
                    .store(says_goodbye, Ordering::Relaxed);
                Err(Close::NORMAL)
            }
        }
    }

    /// Puts pieces of a message together: few, and not much.
    fn piece(&mut self, piece: Piece) -> std::result::Result<Option<BytesMut>, Close> {
        let (bytes, is_last) = match piece {
            Piece::FirstText(bytes) if self.pieces.is_none() => {
                self.pieces = Some(Pieces {
                    whole: BytesMut::new(),
                    count: 0,
                    until: Instant::now() + self.hub.pace().message(),
                });
                (bytes, false)
            }
            Piece::Continue(bytes) => (bytes, false),
            Piece::Last(bytes) => (bytes, true),
            Piece::FirstBinary(_) => return Err(Close::NOT_TEXT),
            Piece::FirstText(_) => return Err(Close::PROTOCOL),
        };
        let most = self.most_bytes();
        let Some(pieces) = &mut self.pieces else {
            return Err(Close::PROTOCOL);
        };
        pieces.count += 1;
        if pieces.whole.len() + bytes.len() > most || pieces.count > MOST_PIECES {
            return Err(Close::TOO_BIG);
        }
        pieces.whole.extend_from_slice(&bytes);
        let pieces = is_last.then(|| self.pieces.take()).flatten();
        Ok(pieces.map(|pieces| pieces.whole))
    }

    async fn text(&mut self, text: &[u8]) -> std::result::Result<(), Close> {
        if text.len() > self.most_bytes() {
            return Err(Close::TOO_BIG);
        }
        if std::str::from_utf8(text).is_err() {
            return Err(Close::NOT_UTF8);
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
                self.talk = Talk::of(&self.ctx, &self.hub, Arc::clone(&self.conn));
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

/// Whether a client that closes does not mean to come back: pages close without a code, with 1000 or, when
/// they are left, with 1001. Whoever takes a line for dead closes it with another code, and resumes.
fn is_goodbye(reason: Option<&CloseReason>) -> bool {
    reason.is_none_or(|reason| matches!(reason.code, CloseCode::Normal | CloseCode::Away))
}

/// Why a socket ends that cannot be read.
fn why(error: &ProtocolError) -> Close {
    match error {
        ProtocolError::Overflow => Close::TOO_BIG,
        // What the codec says where a bit is set that nobody has agreed on.
        ProtocolError::Io(error) if error.kind() == ErrorKind::InvalidData => Close::PROTOCOL,
        ProtocolError::Io(_) => Close::NORMAL,
        _ => Close::PROTOCOL,
    }
}
