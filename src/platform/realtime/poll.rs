//! Long poll: one request for what came since the last, by the same frames and the same resume. Sending
//! the cursor that one answer gave is the receipt for it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::close::Close;
use super::conn::Conn;
use super::cursor::Cursor;
use super::hub::Hub;
use super::joining;
use super::queue::Item;
use super::sse::{Arrived, Wanted, arrive, lost};
use super::{greet, socket};
use crate::infra::db;
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::http::no_content;
use crate::platform::sessions::CurrentUser;

/// Most events of an answer, and most bytes.
const MOST_EVENTS: usize = 200;
const MOST_BYTES: usize = 256 * 1024;
/// What comes together is answered together.
const TOGETHER: Duration = Duration::from_millis(5);

/// Answers a poll.
pub(super) async fn answer(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    user: CurrentUser,
    wanted: Wanted,
    wait: Duration,
) -> Result<HttpResponse> {
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
    let Arrived {
        reply,
        joined,
        mut cursor,
    } = arrived;
    let mut ctl: Vec<Value> = Vec::new();
    let gone = forget_refused(&reply, &mut cursor, &mut ctl);
    let lost: serde_json::Map<String, Value> = lost(&reply)
        .into_iter()
        .filter(|(channel, _)| !gone.contains(channel))
        .collect();
    if !lost.is_empty() {
        return unrecoverable(ctx, &cursor, &lost);
    }
    if is_first {
        ctl.push(json!({"op": "hello", "d": reply}));
    }
    let (task_ctx, task_hub, task_conn) = (ctx.clone(), hub.clone(), Arc::clone(conn));
    let following = actix_web::rt::spawn(async move {
        joining::follow(&task_ctx, &task_hub, &task_conn, joined).await
    });
    db::stand_back().await;
    let patience = if ctl.is_empty() { wait } else { Duration::ZERO };
    let mut events = Events::default();
    let outcome = events.gather(conn, patience, &mut cursor).await;
    following.abort();
    match outcome {
        Some(close) if close.code == Close::REPLACED.code => {
            let words = "A newer poll of this connection took over.";
            return Err(Error::new(Code::Superseded, words));
        }
        Some(close) if close.code == Close::REVOKED.code => {
            return Err(Error::from(Code::SessionRevoked));
        }
        Some(close) => ctl.push(close.bye()),
        None => {}
    }
    ctl.extend(events.ctl);
    if events.json.is_empty() && ctl.is_empty() {
        return Ok(no_content());
    }
    render(ctx, &cursor, &events.json, &ctl)
}

/// Channels that the person may not listen to any more are told of once, and then forgotten.
fn forget_refused(reply: &Value, cursor: &mut Cursor, ctl: &mut Vec<Value>) -> HashSet<String> {
    let subs = reply.get("subs").and_then(Value::as_object);
    let mut gone = HashSet::new();
    for (channel, sub) in subs.into_iter().flatten() {
        if let Some(error) = sub.get("err") {
            ctl.push(
                json!({"op": "unsubscribed", "ch": channel, "reason": "removed",
                "retry": false, "err": error}),
            );
            if let Ok(channel) = channel.parse() {
                cursor.forget(&channel);
            }
            gone.insert(channel.clone());
        }
    }
    gone
}

/// What was taken from the queue.
#[derive(Default)]
struct Events {
    json: Vec<Bytes>,
    ctl: Vec<Value>,
    bytes: usize,
}

impl Events {
    /// Takes what there is, or what comes first within `patience`; gives how the connection ended, if it
    /// did.
    async fn gather(
        &mut self,
        conn: &Conn,
        patience: Duration,
        cursor: &mut Cursor,
    ) -> Option<Close> {
        let mut patience = patience.max(TOGETHER);
        while self.json.len() < MOST_EVENTS && self.bytes < MOST_BYTES {
            match tokio::time::timeout(patience, conn.queue.next()).await {
                Ok(Ok(item)) => self.add(&item, cursor),
                Ok(Err(close)) => return Some(close),
                Err(_quiet) => return None,
            }
            if !self.json.is_empty() || !self.ctl.is_empty() {
                patience = TOGETHER;
            }
        }
        None
    }

    fn add(&mut self, item: &Item, cursor: &mut Cursor) {
        let json = item.text.json();
        match &item.frame {
            Some(frame) => {
                if frame.offset > 0 {
                    cursor.note(&frame.channel, frame.offset);
                }
                self.bytes += json.len();
                self.json.push(json);
            }
            // That the replay is over says nothing here: the answer does.
            None => match serde_json::from_slice::<Value>(&json) {
                Ok(word) if word.get("op") == Some(&json!("replayed")) => {}
                Ok(word) => self.ctl.push(word),
                Err(_no_word) => {}
            },
        }
    }
}

fn render(ctx: &Ctx, cursor: &Cursor, events: &[Bytes], ctl: &[Value]) -> Result<HttpResponse> {
    let mut body = BytesMut::from(&b"{\"events\":["[..]);
    for (place, event) in events.iter().enumerate() {
        if place > 0 {
            body.extend_from_slice(b",");
        }
        body.extend_from_slice(event);
    }
    let rest = json!({"cursor": cursor.seal(ctx)?, "ctl": ctl}).to_string();
    body.extend_from_slice(b"],");
    body.extend_from_slice(rest.get(1..).unwrap_or_default().as_bytes());
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("application/json")
        .body(body.freeze()))
}

/// Some of it is gone: what is there is to be fetched anew, and the cursor goes on from now.
fn unrecoverable(
    ctx: &Ctx,
    cursor: &Cursor,
    lost: &serde_json::Map<String, Value>,
) -> Result<HttpResponse> {
    let code = Code::Unrecoverable;
    let body = json!({
        "type": format!("/docs/errors#{}", code.as_str()),
        "title": code.title(),
        "status": 410,
        "code": code.as_str(),
        "detail": "Fetch what `subs` names anew, and go on with `cursor`.",
        "subs": lost,
        "cursor": cursor.seal(ctx)?,
    });
    Ok(HttpResponse::Gone()
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("application/problem+json")
        .body(body.to_string()))
}
