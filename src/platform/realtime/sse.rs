//! Server-sent events: the same frames downwards, commands by `POST`. The id of an event is a cursor of
//! all channels; it comes with the last event before the stream falls silent, and with every 32nd, so a
//! client that comes back has no more than those twice.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::time::sleep;
use actix_web::web::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::close::Close;
use super::conn::Conn;
use super::cursor::{Cursor, MOST_CHANNELS};
use super::frame::Text;
use super::greet::{Hello, Resume, greet};
use super::hub::Hub;
use super::joining::{self, Ask, Joined};
use super::queue::Item;
use super::{Channel, figures, socket, wishes};
use crate::kernel::{Error, Result};
use crate::platform::Ctx;
use crate::platform::sessions::CurrentUser;

/// Events between two ids.
const EVENTS_A_CURSOR: u32 = 32;

/// A stream of events: the body of its response, taken from the queue as the client takes it.
pub(super) struct Events {
    ctx: Ctx,
    hub: Hub,
    conn: Arc<Conn>,
    cursor: Cursor,
    /// Events since the last id.
    since: u32,
    is_over: bool,
}

impl Events {
    fn item(&mut self, item: &Item) -> Bytes {
        let json = item.text.json();
        let Some(frame) = &item.frame else {
            return written("ctl", None, &json);
        };
        if frame.offset > 0 {
            self.cursor.note(&frame.channel, frame.offset);
        }
        self.since += 1;
        let is_last = self.conn.queue.depth().0 == 0;
        let id = if is_last || self.since >= EVENTS_A_CURSOR {
            self.since = 0;
            self.cursor.seal(&self.ctx).ok()
        } else {
            None
        };
        written("event", id.as_deref(), &json)
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
                written("ctl", None, close.bye().to_string().as_bytes())
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

/// An event of the stream; without content it is a comment that keeps the line open.
fn written(kind: &str, id: Option<&str>, json: &[u8]) -> Bytes {
    if json.is_empty() {
        return Bytes::from_static(b": ka\n\n");
    }
    let mut bytes = BytesMut::with_capacity(json.len() + 32);
    bytes.extend_from_slice(b"event: ");
    bytes.extend_from_slice(kind.as_bytes());
    if let Some(id) = id {
        bytes.extend_from_slice(b"\nid: ");
        bytes.extend_from_slice(id.as_bytes());
    }
    bytes.extend_from_slice(b"\ndata: ");
    bytes.extend_from_slice(json);
    bytes.extend_from_slice(b"\n\n");
    bytes.freeze()
}

/// What a client of a transport without a first frame asks for.
pub(super) struct Wanted {
    pub(super) cursor: Option<Cursor>,
    pub(super) channels: Vec<Channel>,
}

impl Wanted {
    /// Reads a cursor and a list of channels.
    pub(super) fn read(
        ctx: &Ctx,
        user: CurrentUser,
        cursor: Option<&str>,
        channels: Option<&str>,
    ) -> Result<Self> {
        let names = channels.unwrap_or_default().split(',');
        let channels: Vec<Channel> = names
            .filter(|name| !name.is_empty())
            .map(|name| name.parse().map_err(|_no_channel| no_channel()))
            .collect::<Result<_>>()?;
        if channels.len() > MOST_CHANNELS {
            return Err(no_channel());
        }
        let cursor = cursor.filter(|text| !text.is_empty());
        Ok(Self {
            cursor: cursor
                .map(|text| Cursor::open(ctx, text, user.id))
                .transpose()?,
            channels,
        })
    }
}

impl Wanted {
    /// Adds what the connection has asked for by commands since its cursor was made.
    pub(super) async fn add_noted(&mut self, ctx: &Ctx, hub: &Hub) {
        let Some(cursor) = &mut self.cursor else {
            return;
        };
        let live = cursor.live.clone();
        for (channel, position) in wishes::find(ctx, hub, &live).await {
            match position {
                Some(position) => cursor.add(&channel, &position),
                None => cursor.forget(&channel),
            }
        }
    }
}

fn no_channel() -> Error {
    let words = "Up to 32 channels as `conv:{id}`, with commas between them.";
    Error::invalid_field("?chs", "invalid", words)
}

/// What came of an arrival without a first frame.
pub(super) struct Arrived {
    pub(super) reply: Value,
    pub(super) joined: Vec<Joined>,
    pub(super) cursor: Cursor,
}

/// Greets somebody, and joins what their cursor and their address name.
pub(super) async fn arrive(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    user: CurrentUser,
    wanted: Wanted,
) -> Result<Arrived> {
    let known = wanted.cursor.as_ref().map(Cursor::positions);
    let hello = Hello {
        resume: Some(Resume {
            session: wanted.cursor.as_ref().map(|cursor| cursor.live.clone()),
            pos: known
                .into_iter()
                .flatten()
                .map(|(channel, position)| (channel.to_string(), position))
                .collect(),
        }),
        ..Hello::default()
    };
    let greeted = greet(ctx, hub, conn, Some(user), hello).await;
    let (mut reply, mut joined) = greeted.map_err(|(_close, error)| error)?;
    let asks: Vec<Ask> = wanted
        .channels
        .into_iter()
        .filter(|channel| conn.room(channel).is_none())
        .map(|channel| Ask {
            channel,
            position: None,
        })
        .collect();
    if !asks.is_empty() {
        let more = joining::join(ctx, hub, conn, asks).await?;
        if let (Some(Value::Object(subs)), Value::Object(replies)) =
            (reply.get_mut("subs"), joining::replies(&more))
        {
            subs.extend(replies);
        }
        joined.extend(more);
    }
    let live = conn.who().map(|who| who.live.clone()).unwrap_or_default();
    let mut cursor = Cursor::new(user.id, live, joining::epoch(hub, &joined));
    for (channel, offset) in joining::places(&joined) {
        cursor.note(&channel, offset);
    }
    Ok(Arrived {
        reply,
        joined,
        cursor,
    })
}

/// Begins a stream of events.
pub(super) fn stream(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>, arrived: Arrived) -> Events {
    let Arrived {
        reply,
        joined,
        cursor,
    } = arrived;
    let lost = lost(&reply);
    conn.say(&json!({"op": "hello", "d": reply}), hub.now());
    if !lost.is_empty() {
        conn.say(&json!({"op": "resync", "d": lost}), hub.now());
    }
    actix_web::rt::spawn(keep(ctx.clone(), hub.clone(), Arc::clone(conn), joined));
    Events {
        ctx: ctx.clone(),
        hub: hub.clone(),
        conn: Arc::clone(conn),
        cursor,
        since: 0,
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
