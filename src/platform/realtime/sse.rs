//! Server-sent events: the same frames downwards, commands by `POST`. The id of an event is a cursor of
//! all channels; it comes with the first event and with the last before the stream falls silent, after
//! every 32nd and after a second, and by itself when what is listened to changes. So a client that comes
//! back has little twice, and one that was sent nothing yet knows where to go on from.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::time::sleep;
use actix_web::web::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::arrival::Arrived;
use super::close::Close;
use super::conn::Conn;
use super::frame::Text;
use super::hub::Hub;
use super::joining::{self, Joined};
use super::queue::Item;
use super::{figures, socket};
use crate::platform::Ctx;

/// Events between two ids.
const EVENTS_A_CURSOR: u32 = 32;
/// Milliseconds between two ids of a stream that never falls silent.
const MILLIS_A_CURSOR: u64 = 1_000;
/// After how many milliseconds a client comes back whose line broke, and by how many that differs from
/// one to the other: they do not come together.
const RETRY: (u16, u16) = (2_000, 3_000);

/// A stream of events: the body of its response, taken from the queue as the client takes it.
pub(super) struct Events {
    ctx: Ctx,
    hub: Hub,
    conn: Arc<Conn>,
    /// What goes before all events.
    head: Option<Bytes>,
    /// Events since the last id, and when that was sent.
    since: (u32, u64),
    is_over: bool,
}

impl Events {
    fn item(&mut self, item: &Item) -> Bytes {
        let json = item.text.json();
        if json.is_empty() {
            return written("ctl", self.id(false).as_deref(), &json);
        }
        self.since.0 += 1;
        let kind = if let Some(frame) = &item.frame {
            let moved = frame.offset > 0;
            (self.conn).with_cursor(|own| moved && own.advance(&frame.channel, frame.offset));
            "event"
        } else {
            if let Ok(word) = serde_json::from_slice(&json) {
                self.conn.with_cursor(|cursor| cursor.heed(&word));
            }
            "ctl"
        };
        written(kind, self.id(false).as_deref(), &json)
    }

    /// The cursor, where it is time to tell it.
    fn id(&mut self, is_last: bool) -> Option<String> {
        let has_moved = self.conn.has_moved.swap(false, Ordering::Relaxed);
        let (events, now) = (self.since.0, self.hub.now());
        let is_time = is_last
            || events >= EVENTS_A_CURSOR
            || now.saturating_sub(self.since.1) >= MILLIS_A_CURSOR
            || self.conn.queue.depth().0 == 0;
        if !has_moved && (events == 0 || !is_time) {
            return None;
        }
        self.since = (0, now);
        let sealed = self.conn.with_cursor(|cursor| cursor.seal(&self.ctx));
        sealed.and_then(Result::ok)
    }
}

impl MessageBody for Events {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        if let Some(head) = this.head.take() {
            return Poll::Ready(Some(Ok(head)));
        }
        let Some(next) = this.conn.queue.take(context.waker()) else {
            return Poll::Pending;
        };
        this.conn.wrote.store(this.hub.now(), Ordering::Relaxed);
        let bytes = match next {
            Ok(item) => {
                figures::sent();
                this.item(&item)
            }
            Err(close) => {
                this.is_over = true;
                let bye = close.bye().to_string();
                written("ctl", this.id(true).as_deref(), bye.as_bytes())
            }
        };
        Poll::Ready(Some(Ok(bytes)))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // The line is gone, or the goodbye was said: either way nothing more is sent.
        self.conn.end(Close::NORMAL, self.hub.now());
    }
}

/// An event of the stream. Without content it is a comment that keeps the line open, or an id alone, which
/// readers take note of and tell nobody of.
fn written(kind: &str, id: Option<&str>, json: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(json.len() + id.map_or(0, str::len) + 40);
    if let Some(id) = id {
        bytes.extend_from_slice(b"id: ");
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(b"\n");
    }
    if !json.is_empty() {
        bytes.extend_from_slice(b"event: ");
        bytes.extend_from_slice(kind.as_bytes());
        bytes.extend_from_slice(b"\ndata: ");
        bytes.extend_from_slice(json);
        bytes.extend_from_slice(b"\n");
    }
    if bytes.is_empty() {
        bytes.extend_from_slice(b": ka\n");
    }
    bytes.extend_from_slice(b"\n");
    bytes.freeze()
}

/// How long a client whose line broke waits before it comes back.
fn retry(ctx: &Ctx) -> Bytes {
    let (least, more) = RETRY;
    let millis = least + u16::from_be_bytes(ctx.ids().bytes()) % (more + 1);
    Bytes::from(format!("retry: {millis}\n\n"))
}

/// Begins a stream of events.
pub(super) fn stream(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>, arrived: Arrived) -> Events {
    let Arrived { reply, joined } = arrived;
    let lost = lost(&reply);
    // Whoever is sent nothing else goes on from here.
    conn.has_moved.store(true, Ordering::Relaxed);
    conn.say(&json!({"op": "hello", "d": reply}), hub.now());
    if !lost.is_empty() {
        conn.say(&json!({"op": "resync", "d": lost}), hub.now());
    }
    actix_web::rt::spawn(keep(ctx.clone(), hub.clone(), Arc::clone(conn), joined));
    Events {
        ctx: ctx.clone(),
        hub: hub.clone(),
        conn: Arc::clone(conn),
        head: Some(retry(ctx)),
        since: (0, hub.now()),
        is_over: false,
    }
}

async fn keep(ctx: Ctx, hub: Hub, conn: Arc<Conn>, joined: Vec<Joined>) {
    if joining::follow(&ctx, &hub, &conn, joined).await.is_err() {
        conn.end(Close::POSITION_LOST, hub.now());
    }
    conn.gone.notified().await;
    socket::leave(&ctx, &hub, &conn).await;
    // Nothing else comes over its line: a client that does not take the goodbye is cut off.
    sleep(hub.pace().goodbye()).await;
    conn.cut();
}

/// The channels that could not be recovered, and why.
pub(super) fn lost(reply: &Value) -> serde_json::Map<String, Value> {
    let subs = reply.get("subs").and_then(Value::as_object);
    let lost = subs.into_iter().flatten().filter_map(|(channel, sub)| {
        let is_lost = sub.get("recovered") == Some(&Value::Bool(false));
        is_lost.then(|| (channel.clone(), sub.clone()))
    });
    lost.collect()
}

/// A comment that keeps a silent line open.
pub(super) fn comment() -> Text {
    Text::ping()
}
