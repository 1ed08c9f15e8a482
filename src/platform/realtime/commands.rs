//! Commands of those who have no socket: the same frames in a request, the replies in its answer. Any
//! instance takes them; what concerns the connection is passed to wherever it is.

use std::sync::Arc;

use serde_json::{Value, json};

use super::conn::{Conn, Who};
use super::cursor::MOST_CHANNELS;
use super::hub::Hub;
use super::joining::{self, Ask};
use super::session::{self, Word};
use super::talk::{Subscribe, Talk, Unsubscribe};
use super::wire::{self, Request};
use super::{Channel, wishes};
use crate::kernel::{Error, Result};
use crate::platform::Ctx;

/// Does what frames ask, one after the other, and gives the replies.
pub(super) async fn run(talk: &Talk, live: Option<&str>, body: Value) -> Value {
    let mut replies = Vec::new();
    for frame in wire::read_value(body) {
        replies.push(match frame {
            Ok(request) => {
                let id = request.id;
                wire::reply(id, &run_one(talk, live, request).await)
            }
            Err(unread) => wire::reply(unread.id, &Err(unread.error)),
        });
    }
    Value::Array(replies)
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
        let own = Talk {
            conn: Arc::clone(&conn),
            ..talk.clone()
        };
        let outcome = own.run(request).await;
        joining::follow(&talk.ctx, &talk.hub, &conn, outcome.joined).await?;
        return outcome.d;
    }
    match request.op.as_str() {
        "subscribe" => subscribe(talk, live, request.inbound.body()?).await,
        "unsubscribe" => unsubscribe(talk, live, request.inbound.body()?).await,
        _ => {
            let word = Word::Do {
                op: request.op,
                d: request.inbound.d,
            };
            session::ask(&talk.ctx, &talk.hub, talk.user.id, live, word).await;
            Ok(json!({}))
        }
    }
}

/// The stream of this name, if it is here.
fn find(talk: &Talk, live: &str) -> Option<Arc<Conn>> {
    let mut conns = talk.hub.conns_of(talk.user.id).into_iter();
    let is_it = |conn: &Arc<Conn>| {
        let is_named = conn.who().is_some_and(|who| who.live == live);
        is_named && !conn.is_ending() && conn.transport != super::conn::Transport::Poll
    };
    conns.rfind(is_it)
}

/// Says where each channel stands, and has the connection listen from there on.
async fn subscribe(talk: &Talk, live: &str, body: Subscribe) -> Result<Value> {
    let asks = talk.wanted(&body)?;
    if asks.len() > MOST_CHANNELS {
        let words = "A connection of this kind listens to at most 32 channels.";
        return Err(Error::invalid_field("/chs", "out_of_range", words));
    }
    let joined = joining::join(&talk.ctx, &talk.hub, &talk.conn, asks).await?;
    let replies = joining::replies(&joined);
    let epoch = talk.hub.epoch();
    let asks: Vec<Ask> = joining::places(&joined)
        .into_iter()
        .map(|(channel, o)| Ask {
            channel,
            position: Some(super::replay::Position {
                e: epoch.to_string(),
                o,
            }),
        })
        .collect();
    talk.hub.leave(&talk.conn);
    let wanted = asks
        .iter()
        .map(|ask| (ask.channel.clone(), ask.position.clone()));
    wishes::note(&talk.ctx, &talk.hub, live, wanted.collect()).await;
    session::ask(&talk.ctx, &talk.hub, talk.user.id, live, Word::Join(asks)).await;
    Ok(json!({"subs": replies}))
}

async fn unsubscribe(talk: &Talk, live: &str, body: Unsubscribe) -> Result<Value> {
    let channels: Vec<Channel> = body.chs.into_iter().chain(body.ch).collect();
    let wanted = channels.iter().map(|channel| (channel.clone(), None));
    wishes::note(&talk.ctx, &talk.hub, live, wanted.collect()).await;
    let names: Vec<String> = channels.iter().map(Channel::to_string).collect();
    session::ask(
        &talk.ctx,
        &talk.hub,
        talk.user.id,
        live,
        Word::Part(channels),
    )
    .await;
    Ok(json!({"chs": names}))
}

/// A party for commands that are of no connection.
pub(super) fn party(
    ctx: &Ctx,
    hub: &Hub,
    conn: Arc<Conn>,
    user: crate::platform::sessions::CurrentUser,
) -> Talk {
    conn.identify(Who {
        user,
        live: String::new(),
    });
    Talk {
        ctx: ctx.clone(),
        hub: hub.clone(),
        conn,
        user,
    }
}
