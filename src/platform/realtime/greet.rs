//! The first word: who it is, what they have, and where they stand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};

use super::close::Close;
use super::conn::{Conn, Who};
use super::hub::{Hub, millis};
use super::joining::{self, Ask, EVERYBODY, Joined};
use super::replay::Position;
use super::session;
use super::{Channel, inbox, presence, queue, sight, socket};
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::sessions::{self, CurrentUser};

/// Most connections of a person to this process.
const MOST_OF_A_PERSON: usize = 10;
/// The version of the protocol.
const VERSION: u32 = 1;

/// What a client says first.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hello {
    /// The version of the protocol; 1 when left out.
    pub v: Option<u32>,
    /// The client's own name for its device.
    #[serde(rename = "device")]
    pub(super) _device: Option<String>,
    /// What the client calls itself.
    #[serde(rename = "client")]
    pub(super) _client: Option<String>,
    /// What the client can do.
    #[serde(rename = "caps")]
    pub(super) _caps: Vec<String>,
    /// An access token, for clients that can send it in no other way.
    pub token: Option<String>,
    /// What the client has already.
    pub resume: Option<Resume>,
}

/// What a client has already.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Resume {
    /// The name of its former connection.
    pub session: Option<String>,
    /// Up to where it has each channel.
    pub pos: BTreeMap<String, Position>,
}

/// What is answered, and the subscriptions that wait behind their gates.
pub(super) type Greeting = (Value, Vec<Joined>);

/// Greets somebody. A refusal ends the connection.
pub(super) async fn greet(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    known: Option<CurrentUser>,
    hello: Hello,
) -> std::result::Result<Greeting, (Close, Error)> {
    conn.greets.store(true, Ordering::Relaxed);
    if hello.v.is_some_and(|version| version != VERSION) {
        let words = "This server speaks version 1.";
        return Err((Close::VERSION, Error::new(Code::ValidationFailed, words)));
    }
    let user = match (known, &hello.token) {
        (Some(user), _) => user,
        (None, Some(token)) => signed_in(ctx, conn, token)
            .await
            .map_err(|error| (refusal(&error), error))?,
        (None, None) => return Err((Close::BAD_TICKET, Error::from(Code::Unauthenticated))),
    };
    let resume = hello.resume.unwrap_or_default();
    let former = resume
        .session
        .filter(|name| session::is_name_of(ctx, name, user.id));
    conn.identify(Who {
        user,
        live: former
            .clone()
            .unwrap_or_else(|| session::new_name(ctx, user.id)),
    });
    take_over(hub, conn, former.is_some())?;
    // Seated first and asked afterwards: whoever is signed out in between is found by one or the other.
    let living = sessions::living(ctx, user.id, user.session_id).await;
    living.map_err(|error| (refusal(&error), error))?;
    welcome(ctx, hub, conn, resume.pos, former.is_some())
        .await
        .map_err(|error| (Close::SERVER_ERROR, error))
}

/// How a connection ends whose caller is refused.
pub(super) fn refusal(error: &Error) -> Close {
    match error.code() {
        Code::AccountSuspended => Close::SUSPENDED,
        Code::SessionRevoked => Close::REVOKED,
        Code::TokenExpired => Close::TOKEN_EXPIRED,
        Code::Unavailable | Code::Internal => Close::SERVER_ERROR,
        _ => Close::BAD_TICKET,
    }
}

async fn signed_in(ctx: &Ctx, conn: &Conn, token: &str) -> Result<CurrentUser> {
    let bearer = sessions::verify(ctx, token)?;
    let ends = u64::try_from(bearer.ends).unwrap_or_default();
    conn.token_ends.store(ends, Ordering::Relaxed);
    ctx.cache().step().await;
    sessions::living(ctx, bearer.user_id, bearer.session_id).await
}

/// Counts the connection among those of its person; one here that it resumes ends first.
fn take_over(
    hub: &Hub,
    conn: &Arc<Conn>,
    resumes: bool,
) -> std::result::Result<(), (Close, Error)> {
    let Some(who) = conn.who() else {
        return Ok(());
    };
    let mut others = hub.seat(conn);
    if !resumes {
        conn.comes_first();
    }
    if conn.is_ending() {
        // It was sent away while it was asked who it is.
        hub.leave(conn);
        let words = "The connection has ended.";
        return Err((Close::SERVER_ERROR, Error::new(Code::Unavailable, words)));
    }
    if resumes {
        for other in &others {
            if other.who().is_some_and(|its| its.live == who.live) {
                other.end(Close::REPLACED, hub.now());
            }
        }
    }
    others.retain(|other| !other.is_ending());
    if others.len() >= MOST_OF_A_PERSON {
        let words = "You have too many connections. Close one first.";
        let error = Error::new(Code::QuotaExceeded, words);
        return Err((Close::TOO_MANY_CONNECTIONS, error));
    }
    Ok(())
}

async fn welcome(
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
    mut positions: BTreeMap<String, Position>,
    takes_over: bool,
) -> Result<Greeting> {
    let who = conn
        .who()
        .ok_or_else(|| Error::from(Code::Unauthenticated))?;
    let user_id = who.user.id;
    let hooks = hub.0.options.hooks;
    conn.set_sight(&sight::look(ctx, hub, user_id).await?);
    let resumes = !positions.is_empty();
    let own = [inbox(user_id), EVERYBODY];
    let mut asks: Vec<Ask> = own
        .into_iter()
        .map(|channel| Ask {
            position: positions.remove(&channel.to_string()),
            channel,
        })
        .collect();
    let mut unread = serde_json::Map::new();
    for (name, position) in positions {
        match name.parse::<Channel>() {
            Ok(channel) if asks.len() < joining::most(conn.transport) + 2 => asks.push(Ask {
                channel,
                position: Some(position),
            }),
            _ => {
                unread.insert(name, json!({"recovered": false, "reason": "limit"}));
            }
        }
    }
    let joined = joining::join(ctx, hub, conn, asks).await?;
    if takes_over {
        // Not before this instance hears the inbox: of two that take over at once, each hears the other's word.
        session::claim(ctx, hub, conn).await;
    }
    let mut subs = joining::replies(&joined);
    let is_whole = unread.is_empty() && is_recovered(&subs);
    if let Some(subs) = subs.as_object_mut() {
        subs.extend(unread);
    }
    presence::arrive(ctx, hub, conn).await;
    let pace = hub.pace();
    let reply = json!({
        "session": who.live,
        "user": user_id,
        "resumed": match (resumes, is_whole) {
            (false, _) => "none",
            (true, true) => "full",
            (true, false) => "partial",
        },
        "ping_ms": millis(pace.ping()),
        "pong_ms": millis(pace.pong()),
        "max_frame": socket::MOST_BYTES,
        "max_subs": joining::most(conn.transport),
        "max_queue": queue::MOST_FRAMES,
        "server_ts": ctx.now().micros() / 1_000,
        "counts": (hooks.counts)(ctx.clone(), user_id).await?,
        "subs": subs,
    });
    Ok((reply, joined))
}

fn is_recovered(subs: &Value) -> bool {
    let subs = subs.as_object().into_iter().flatten();
    subs.filter_map(|(_, sub)| sub.get("recovered"))
        .all(|recovered| *recovered == Value::Bool(true))
}
