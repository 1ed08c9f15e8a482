//! Commands of those who have no socket: the same frames in a request, the replies in its answer. Any
//! instance takes them; what concerns the connection is passed to wherever it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::conn::{Conn, Transport, Who};
use super::hub::Hub;
use super::joining;
use super::session::{self, Word};
use super::talk::{Subscribe, Talk, Unsubscribe};
use super::wire::{self, Request};
use super::wishes::{self, Noted, Wanted};
use super::{Channel, Inbound, presence, typing};
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::limits::{Gate, Subject, policies};
use crate::platform::sessions::CurrentUser;

/// Once replies have so many bytes, the frames after them are left undone.
const MOST_BYTES: usize = 1024 * 1024;

fn too_much() -> Error {
    let words = "The answers to the frames before are long. Send this frame again by itself.";
    Error::new(Code::PayloadTooLarge, words)
}

/// Does what frames ask, one after the other, and gives the replies.
/// Each after the first counts as a request.
pub(super) async fn run(
    talk: &Talk,
    gate: &Gate,
    live: Option<&str>,
    frames: Vec<Request>,
) -> Value {
    let mut replies = Vec::new();
    let mut bytes = 0;
    for request in frames {
        let id = request.id;
        let outcome = if bytes > MOST_BYTES {
            Err(too_much())
        } else {
            match charge(talk, gate, replies.is_empty()).await {
                Ok(()) => run_one(talk, live, request).await,
                Err(refused) => Err(refused),
            }
        };
        let reply = wire::reply(id, &outcome);
        bytes += reply.to_string().len();
        replies.push(reply);
    }
    Value::Array(replies)
}

async fn charge(talk: &Talk, gate: &Gate, is_first: bool) -> Result<()> {
    if is_first {
        return Ok(());
    }
    let check = Subject::User(talk.user.id).check(&policies::GENERAL);
    gate.pass(vec![check]).await.map(drop)
}

async fn run_one(talk: &Talk, live: Option<&str>, request: Request) -> Result<Value> {
    let is_about_connection = matches!(
        request.op.as_str(),
        "subscribe" | "unsubscribe" | "typing.start" | "typing.stop" | "presence.set"
    );
    if !is_about_connection {
        return talk.run(request).await.d;
    }
    let live = live.ok_or_else(|| {
        let words = "Name your connection in the header Rt-Session.";
        Error::invalid_field("", "required", words)
    })?;
    if let Some(conn) = find(talk, live) {
        return run_here(talk, live, &conn, request).await;
    }
    let noted = wishes::find(&talk.ctx, &talk.hub, live).await;
    match request.op.as_str() {
        "subscribe" => subscribe(talk, live, &noted, request.inbound.body()?).await,
        "unsubscribe" => unsubscribe(talk, live, &noted, request.inbound.body()?).await,
        "presence.set" => set_presence(talk, live, &noted, request.inbound).await,
        _ => type_for(talk, live, &noted, request).await,
    }
}

/// The stream of this name, if it is here.
fn find(talk: &Talk, live: &str) -> Option<Arc<Conn>> {
    let mut conns = talk.hub.conns_of(talk.user.id).into_iter();
    let is_it = |conn: &Arc<Conn>| {
        let is_named = conn.who().is_some_and(|who| who.live == live);
        is_named && !conn.is_ending() && conn.transport != Transport::Poll
    };
    conns.rfind(is_it)
}

/// Does what a frame asks of a stream that is here. What it listens to from now on is noted too: its
/// line may break before the client has been told the cursor that says so.
async fn run_here(talk: &Talk, live: &str, conn: &Arc<Conn>, request: Request) -> Result<Value> {
    let own = Talk {
        conn: Arc::clone(conn),
        ..talk.clone()
    };
    let is_end = request.op == "unsubscribe";
    let outcome = own.run(request).await;
    let wanted: Wanted = match &outcome.d {
        Ok(d) if is_end => ended(d),
        _ => joining::positions(&talk.hub, &outcome.joined)
            .into_iter()
            .map(|ask| (ask.channel, ask.position))
            .collect(),
    };
    let noted = wishes::find(&talk.ctx, &talk.hub, live).await;
    wishes::want(&talk.ctx, &talk.hub, live, &noted, wanted).await;
    joining::follow(&talk.ctx, &talk.hub, conn, outcome.joined).await?;
    outcome.d
}

/// The channels that the answer to `unsubscribe` names.
fn ended(d: &Value) -> Wanted {
    let names = d.get("chs").and_then(Value::as_array);
    let channels = names.into_iter().flatten().filter_map(|name| {
        let channel = name.as_str()?.parse().ok()?;
        Some((channel, None))
    });
    channels.collect()
}

/// A command's own stay in rooms: it is only to learn where they stand.
struct Visit<'a>(&'a Talk);

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.hub.leave(&self.0.conn);
    }
}

/// Says where each channel stands, and has the connection listen from there on.
async fn subscribe(talk: &Talk, live: &str, noted: &Noted, body: Subscribe) -> Result<Value> {
    let asks = talk.wanted(&body)?;
    noted.guard(&asks)?;
    let visit = Visit(talk);
    let joined = joining::join(&talk.ctx, &talk.hub, &talk.conn, asks).await?;
    let asks = joining::positions(&talk.hub, &joined);
    drop(visit);
    let wanted = asks
        .iter()
        .map(|ask| (ask.channel.clone(), ask.position.clone()));
    wishes::want(&talk.ctx, &talk.hub, live, noted, wanted.collect()).await;
    session::ask(&talk.ctx, &talk.hub, talk.user.id, live, Word::Join(asks)).await;
    Ok(talk.stands(&joined, body.snapshot).await)
}

async fn unsubscribe(talk: &Talk, live: &str, noted: &Noted, body: Unsubscribe) -> Result<Value> {
    body.guard()?;
    let known = noted.channels();
    let channels: Vec<Channel> = (body.chs.into_iter().chain(body.ch))
        .filter(|channel| !channel.is_inbox() && *channel != joining::EVERYBODY)
        .filter(|channel| {
            let known = known.as_ref();
            known.is_none_or(|known| known.contains(&channel.to_string()))
        })
        .collect();
    let wanted = channels.iter().map(|channel| (channel.clone(), None));
    wishes::want(&talk.ctx, &talk.hub, live, noted, wanted.collect()).await;
    let names: Vec<String> = channels.iter().map(Channel::to_string).collect();
    let word = Word::Part(channels);
    session::ask(&talk.ctx, &talk.hub, talk.user.id, live, word).await;
    Ok(json!({"chs": names}))
}

/// Whether somebody looks at the device. That of a poll is remembered: it has no connection that lasts.
async fn set_presence(talk: &Talk, live: &str, noted: &Noted, inbound: Inbound) -> Result<Value> {
    presence::check(&inbound)?;
    talk.conn.is_away.store(noted.is_away, Ordering::Relaxed);
    if !noted.is_stream() {
        presence::set(talk, &inbound).await?;
        let is_away = talk.conn.is_away.load(Ordering::Relaxed);
        wishes::set_away(&talk.ctx, &talk.hub, live, is_away).await;
    }
    let word = Word::Do {
        op: "presence.set".to_owned(),
        d: inbound.d,
    };
    session::ask(&talk.ctx, &talk.hub, talk.user.id, live, word).await;
    Ok(json!({}))
}

/// Somebody types, or no more. Between two polls that is of no connection, and ends by itself.
async fn type_for(talk: &Talk, live: &str, noted: &Noted, request: Request) -> Result<Value> {
    let known = noted.channels();
    let channel = typing::place_apart(talk, &request.inbound, known.as_ref()).await?;
    let starts = request.op == "typing.start";
    if !noted.is_stream() {
        return typing::apart(talk, channel, starts).await;
    }
    let word = Word::Do {
        op: request.op,
        d: request.inbound.d,
    };
    session::ask(&talk.ctx, &talk.hub, talk.user.id, live, word).await;
    Ok(typing::answer(&talk.hub, starts))
}

/// A party for commands, about the connection of this name if they name one.
pub(super) fn party(
    ctx: &Ctx,
    hub: &Hub,
    conn: Arc<Conn>,
    user: CurrentUser,
    live: Option<&str>,
) -> Talk {
    conn.identify(Who {
        user,
        live: live.unwrap_or_default().to_owned(),
    });
    Talk {
        ctx: ctx.clone(),
        hub: hub.clone(),
        conn,
        user,
    }
}
