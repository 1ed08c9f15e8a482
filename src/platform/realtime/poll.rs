//! Long poll: one request for what came since the last, by the same frames and the same resume. Sending
//! the cursor that one answer gave is the receipt for it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::arrival::{Arrived, Wanted, arrive, is_unsure, refused};
use super::close::Close;
use super::conn::Conn;
use super::hub::Hub;
use super::queue::Item;
use super::sse::lost;
use super::{Channel, gap, greet, joining, socket, wishes};
use crate::infra::db;
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::http::{ProblemBody, no_content};
use crate::platform::sessions::CurrentUser;

/// Most events of an answer, and most bytes.
const MOST_EVENTS: usize = 200;
const MOST_BYTES: usize = 256 * 1024;
/// What comes together is answered together.
const TOGETHER: Duration = Duration::from_millis(5);
/// How long what was missed may take to come, however little the client waits.
const REPLAY: Duration = Duration::from_secs(2);

// It is only described: what is told is an error with these members.
/// The answer to a poll when what it missed could not be made good (RFC 9457, with members of its own).
#[derive(Serialize, ToSchema)]
#[schema(as = RealtimeGone)]
pub(super) struct Gone<'a> {
    #[serde(flatten)]
    problem: ProblemBody<'a>,
    /// Why, by channel: what is there is to be fetched anew.
    #[schema(value_type = HashMap<String, Value>)]
    subs: Map<String, Value>,
    /// Goes into the next poll, which goes on from now.
    cursor: String,
}

/// A poll's stay. Where the line breaks and nobody waits for the answer any more, the connection ends all
/// the same.
struct Visit<'a> {
    hub: &'a Hub,
    conn: &'a Conn,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.conn.end(Close::NORMAL, self.hub.now());
    }
}

/// Answers a poll.
pub(super) async fn answer(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    user: CurrentUser,
    wanted: Wanted,
    wait: Duration,
) -> Result<HttpResponse> {
    let _visit = Visit { hub, conn };
    let is_first = wanted.cursor.is_none();
    let arrived = match arrive(ctx, hub, conn, user, wanted).await {
        Ok(arrived) => arrived,
        Err(error) => {
            conn.end(greet::refusal(&error), hub.now());
            socket::leave(ctx, hub, conn).await;
            return Err(error);
        }
    };
    let answer = collect(ctx, hub, conn, arrived, is_first, wait).await;
    conn.end(Close::NORMAL, hub.now());
    socket::leave(ctx, hub, conn).await;
    answer
}

async fn collect(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    arrived: Arrived,
    is_first: bool,
    wait: Duration,
) -> Result<HttpResponse> {
    let Arrived { reply, joined } = arrived;
    let mut ctl: Vec<Value> = Vec::new();
    if let Some(lost) = lost_of(conn, &reply, &mut ctl)? {
        return Err(unrecoverable(cursor_of(ctx, conn)?, lost));
    }
    let mut events = Events {
        waits_for_replay: joining::has_replay(&joined),
        json: gap::missed(ctx, hub, conn, &reply, is_first).await?,
        refused: refused(&reply).map(|(name, _)| name.clone()).collect(),
        ..Events::default()
    };
    if is_first {
        ctl.push(json!({"op": "hello", "d": reply}));
    }
    let (task_ctx, task_hub, task_conn) = (ctx.clone(), hub.clone(), Arc::clone(conn));
    let following = actix_web::rt::spawn(async move {
        joining::follow(&task_ctx, &task_hub, &task_conn, joined).await
    });
    db::stand_back().await;
    let has_news = !ctl.is_empty() || !events.json.is_empty();
    let patience = if has_news { Duration::ZERO } else { wait };
    let outcome = events.gather(conn, patience).await;
    following.abort();
    ctl.extend(outcome.as_ref().map(goodbye).transpose()?);
    let live = conn.who().map(|who| who.live.as_str()).unwrap_or_default();
    wishes::forget(ctx, hub, live, &events.ended).await;
    ctl.extend(events.ctl);
    // Whoever was spared all that there was goes on from behind it.
    if events.json.is_empty() && ctl.is_empty() && !events.has_moved {
        return Ok(no_content());
    }
    render(ctx, conn, &events.json, &ctl)
}

/// What is said of the end of the connection, or that it is none of the client's any more.
fn goodbye(close: &Close) -> Result<Value> {
    if close.code == Close::REPLACED.code {
        let words = "A newer poll of this connection took over.";
        return Err(Error::new(Code::Superseded, words));
    }
    if close.code == Close::REVOKED.code {
        return Err(Error::from(Code::SessionRevoked));
    }
    Ok(close.bye())
}

/// The channels of which something cannot be made good, with those that are refused, if there are any;
/// where some are only refused, words say so.
fn lost_of(conn: &Conn, reply: &Value, ctl: &mut Vec<Value>) -> Result<Option<Map<String, Value>>> {
    if is_unsure(reply) {
        // The client asks again, by the same cursor.
        let words = "Some channel could not be asked about. Poll again.";
        return Err(Error::new(Code::Unavailable, words).with_retry_after(1));
    }
    let gone = forget_refused(conn, reply, ctl);
    let mut lost = lost(reply);
    if lost.keys().all(|channel| gone.contains(channel)) {
        return Ok(None);
    }
    for (channel, error) in refused(reply) {
        lost.insert(channel.clone(), json!({"recovered": false, "err": error}));
    }
    Ok(Some(lost))
}

/// Channels that the person may not listen to any more are told of once, and then left.
fn forget_refused(conn: &Conn, reply: &Value, ctl: &mut Vec<Value>) -> HashSet<String> {
    let mut gone = HashSet::new();
    let over = json!(Code::QuotaExceeded.as_str());
    for (channel, error) in refused(reply) {
        let is_over = error.get("code") == Some(&over);
        ctl.push(
            json!({"op": "unsubscribed", "ch": channel, "retry": false, "err": error,
            "reason": if is_over { "limit" } else { "removed" }}),
        );
        if let Ok(channel) = channel.parse() {
            conn.stands_no_more_in(&channel, true);
        }
        gone.insert(channel.clone());
    }
    gone
}

/// What was taken from the queue.
#[derive(Default)]
struct Events {
    json: Vec<Bytes>,
    ctl: Vec<Value>,
    /// Channels that are listened to no more.
    ended: Vec<Channel>,
    /// Channels that the answer refuses. Whoever asked for one while they were removed from it is told so by it, too.
    refused: HashSet<String>,
    /// Whether there is more of what was missed.
    waits_for_replay: bool,
    /// Whether the cursor has moved over what the client is spared.
    has_moved: bool,
    bytes: usize,
}

impl Events {
    /// Takes what there is, or what comes first within `patience`; gives how the connection ended, if it
    /// did.
    async fn gather(&mut self, conn: &Conn, patience: Duration) -> Option<Close> {
        let latest = Instant::now() + patience.max(TOGETHER);
        let replayed = Instant::now() + patience.max(REPLAY);
        let mut last = None;
        while self.json.len() < MOST_EVENTS && self.bytes < MOST_BYTES {
            let until = match last {
                _ if self.waits_for_replay => replayed,
                Some(last) => last + TOGETHER,
                None => latest,
            };
            match tokio::time::timeout_at(until, conn.queue.next()).await {
                Ok(Ok(item)) if self.add(&item, conn) => last = Some(Instant::now()),
                Ok(Ok(_known)) => {}
                Ok(Err(close)) => return Some(close),
                Err(_quiet) => return None,
            }
        }
        None
    }

    /// Adds an item; says whether it is worth an answer.
    fn add(&mut self, item: &Item, conn: &Conn) -> bool {
        let json = item.text.json();
        match &item.frame {
            Some(frame) => {
                conn.with_cursor(|own| {
                    frame.offset > 0 && own.advance(&frame.channel, frame.offset)
                });
                if gap::is_known(conn, frame, &json) {
                    return false;
                }
                self.bytes += json.len();
                self.json.push(json);
            }
            None => match serde_json::from_slice(&json) {
                Ok(word) => return self.add_word(word, conn),
                Err(_no_word) => return false,
            },
        }
        true
    }

    fn add_word(&mut self, word: Value, conn: &Conn) -> bool {
        let op = word.get("op").and_then(Value::as_str).unwrap_or_default();
        let has_moved = conn.with_cursor(|cursor| cursor.heed(&word));
        // That the replay is over says nothing here: the answer does, by its cursor.
        if op == "replayed" {
            self.waits_for_replay = false;
            self.has_moved |= has_moved == Some(true);
            return false;
        }
        let name = word.get("ch").and_then(Value::as_str).unwrap_or_default();
        if op == "unsubscribed" {
            if let Ok(channel) = name.parse() {
                conn.stands_no_more_in(&channel, true);
                self.ended.push(channel);
            }
            if self.refused.contains(name) {
                return false;
            }
        }
        self.ctl.push(word);
        true
    }
}

/// The cursor of a connection, as it travels.
fn cursor_of(ctx: &Ctx, conn: &Conn) -> Result<String> {
    let sealed = conn.with_cursor(|cursor| cursor.seal(ctx));
    sealed.unwrap_or_else(|| Err(Error::internal(anyhow::anyhow!("a poll without a cursor"))))
}

fn render(ctx: &Ctx, conn: &Conn, events: &[Bytes], ctl: &[Value]) -> Result<HttpResponse> {
    let mut body = BytesMut::from(&b"{\"events\":["[..]);
    for (place, event) in events.iter().enumerate() {
        if place > 0 {
            body.extend_from_slice(b",");
        }
        body.extend_from_slice(event);
    }
    let rest = json!({"cursor": cursor_of(ctx, conn)?, "ctl": ctl}).to_string();
    body.extend_from_slice(b"],");
    body.extend_from_slice(rest.get(1..).unwrap_or_default().as_bytes());
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("application/json")
        .body(body.freeze()))
}

/// Some of it is gone: what is there is to be fetched anew, and the cursor goes on from now.
fn unrecoverable(cursor: String, lost: Map<String, Value>) -> Error {
    let words = "Fetch what `subs` names anew, and go on with `cursor`.";
    let own = [("subs", Value::Object(lost)), ("cursor", cursor.into())];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    Error::new(Code::Unrecoverable, words).with_members(own.into_iter().collect())
}
