//! The name under which a connection is resumed, and what instances ask of each other's connections.
//!
//! The name is made so that nobody else can use it, and is kept nowhere. What is asked goes by way of
//! the person's inbox, which every connection of theirs hears anyway.

use std::sync::Arc;

use redis::Pipeline;
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::close::Close;
use super::conn::Conn;
use super::hub::Hub;
use super::joining::{self, Ask};
use super::talk::Talk;
use super::{Channel, Inbound, hot, inbox, presence, typing, wire};
use crate::infra::redis::{PATIENT, Script};
use crate::kernel::UserId;
use crate::kernel::ids::Id as _;
use crate::kernel::mac::hmac_sha256;
use crate::platform::Ctx;

/// What words between instances begin with; frames begin with a brace.
pub const MARK: &[u8] = b"!";

/// Says when it is, and tells of it.
pub static TAKE: Script = Script::new(|| {
    redis::Script::new(
        r"
local time = redis.call('TIME')
local at = time[1] * 1000000 + time[2]
redis.call('PUBLISH', ARGV[1], ARGV[2] .. string.format('%.0f', at) .. ARGV[3])
return at
",
    )
});

/// What is asked of the connection with a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Word {
    /// Another connection took over: `by` names it.
    Taken {
        /// The instance and the number of the newer connection.
        by: String,
        /// When it did, in microseconds since 1970, on the clock of Redis: those of instances differ. It is the last
        /// member of all.
        #[serde(default = "latest")]
        at: i64,
    },
    /// Listen to these channels.
    Join(Vec<Ask>),
    /// Listen to these no more.
    Part(Vec<Channel>),
    /// Do this, which is about the connection and needs no reply.
    Do {
        /// What.
        op: String,
        /// Its content.
        d: serde_json::Value,
    },
}

const fn latest() -> i64 {
    i64::MAX
}

#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    live: String,
    word: Word,
}

/// A new name for a connection of this person.
pub(super) fn new_name(ctx: &Ctx, user_id: UserId) -> String {
    let id = Uuid::from_bytes(ctx.ids().bytes()).simple().to_string();
    let mac = macs(ctx, &id, user_id).into_iter().next();
    format!("s_{id}{}", mac.unwrap_or_default())
}

/// Whether a name was made for this person.
pub(super) fn is_name_of(ctx: &Ctx, name: &str, user_id: UserId) -> bool {
    let parts = name
        .strip_prefix("s_")
        .and_then(|rest| rest.split_at_checked(32));
    parts.is_some_and(|(id, given)| {
        macs(ctx, id, user_id)
            .iter()
            .any(|right| right.as_bytes().ct_eq(given.as_bytes()).into())
    })
}

/// What proves a name, under every key that counts; the first is today's.
fn macs(ctx: &Ctx, id: &str, user_id: UserId) -> Vec<String> {
    let keys = ctx.config().secret_key.derive("live-session");
    let mac = |key: &[u8; 32]| hmac_sha256(key, &[id.as_bytes(), user_id.uuid().as_bytes()]);
    let hex = |mac: [u8; 32]| {
        let first = mac
            .first_chunk()
            .map_or(0, |first| u64::from_be_bytes(*first));
        format!("{first:016x}")
    };
    keys.iter().map(mac).map(hex).collect()
}

/// Asks the connection with a name, wherever it is.
pub(super) async fn ask(ctx: &Ctx, hub: &Hub, user_id: UserId, live: &str, word: Word) {
    let asked = Asked {
        live: live.to_owned(),
        word,
    };
    let channel = inbox(user_id);
    let mut is_told = false;
    if ctx.redis().is_up()
        && let Ok(words) = serde_json::to_vec(&asked)
    {
        let mut pipe = Pipeline::new();
        pipe.cmd("PUBLISH")
            .arg(hot::topic_of(ctx.redis(), &channel))
            .arg([MARK, &words].concat())
            .ignore();
        let told: Result<(), _> = ctx.redis().query_within(&pipe, PATIENT).await;
        is_told = told.is_ok();
    }
    // Others may hear it although this one does not.
    if is_told && hub.is_listening() {
        return;
    }
    obey(ctx, hub, user_id, &asked);
}

/// Ends all connections on other instances that have the name of this one and took it over before.
pub(super) async fn claim(ctx: &Ctx, hub: &Hub, conn: &Conn) {
    let Some(who) = conn.who().filter(|_| !conn.is_ending()) else {
        return;
    };
    let (user_id, live) = (who.user.id, who.live.as_str());
    let by = hub.signature(conn.number);
    let mut is_told = false;
    let taking = async {
        let taken = take_turn(ctx, user_id, live, &by).await;
        is_told = taken.is_some();
        // Whoever cannot be told of it has to be told again.
        taken.unwrap_or_else(|| ctx.now().micros())
    };
    let at = conn.take_turn(taking).await;
    if !is_told {
        ask(ctx, hub, user_id, live, Word::Taken { by, at }).await;
    }
}

/// Takes a turn and tells of it, in one step; gives it, or nothing without Redis.
async fn take_turn(ctx: &Ctx, user_id: UserId, live: &str, by: &str) -> Option<i64> {
    if !ctx.redis().is_up() {
        return None;
    }
    let (head, tail) = around_the_turn(live, by)?;
    let mut pipe = Pipeline::new();
    pipe.cmd("EVALSHA")
        .arg(TAKE.get_hash())
        .arg(0)
        .arg(hot::topic_of(ctx.redis(), &inbox(user_id)))
        .arg([MARK, head.as_bytes()].concat())
        .arg(tail);
    let (at,): (i64,) = ctx.redis().query_within(&pipe, PATIENT).await.ok()?;
    Some(at)
}

/// What is said of a connection that takes over, before and behind when it does.
fn around_the_turn(live: &str, by: &str) -> Option<(String, &'static str)> {
    let word = Word::Taken {
        by: by.to_owned(),
        at: 0,
    };
    let live = live.to_owned();
    let asked = serde_json::to_string(&Asked { live, word }).ok()?;
    Some((asked.strip_suffix("0}}}")?.to_owned(), "}}}"))
}

/// Hears what an instance asks.
pub(super) fn hear(ctx: &Ctx, hub: &Hub, channel: &Channel, words: &[u8]) {
    if let Ok(asked) = serde_json::from_slice(words) {
        obey(ctx, hub, UserId::from_uuid(channel.id), &asked);
    }
}

fn obey(ctx: &Ctx, hub: &Hub, user_id: UserId, asked: &Asked) {
    let conns = hub.conns_of(user_id).into_iter();
    let named = conns.filter(|conn| conn.who().is_some_and(|who| who.live == asked.live));
    for conn in named {
        match &asked.word {
            Word::Taken { by, at } => give_way(ctx, hub, conn, by, *at),
            Word::Part(channels) => {
                for channel in channels {
                    joining::part(hub, &conn, channel);
                }
            }
            Word::Do { op, d } => obey_frame(ctx, hub, conn, op, d.clone()),
            Word::Join(asks) => {
                let (ctx, hub, asks) = (ctx.clone(), hub.clone(), asks.clone());
                tokio::spawn(async move { obey_join(&ctx, &hub, &conn, asks).await });
            }
        }
    }
}

/// Ends a connection whose name another one took over after it. The word may have been long on its way, and this
/// one be the newer, or about to be: then the other ends, which may have begun to listen after it was told so. Of
/// those on one instance, whoever was seated last has ended the others.
fn give_way(ctx: &Ctx, hub: &Hub, conn: Arc<Conn>, by: &str, at: i64) {
    let own = hub.signature(conn.number);
    let instance = |signature: &str| signature.rsplit_once(':').map(|(name, _)| name.to_owned());
    if instance(by) == instance(&own) {
        return;
    }
    if (conn.turn(), own.as_str()) < (at, by) {
        conn.end(Close::REPLACED, hub.now());
    } else {
        let (ctx, hub) = (ctx.clone(), hub.clone());
        tokio::spawn(async move { claim(&ctx, &hub, &conn).await });
    }
}

/// Listens to more; what there is no room for is told as ended.
pub(super) async fn obey_join(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>, mut asks: Vec<Ask>) {
    // What is asked twice is done once.
    let _turn = conn.joins.lock().await;
    asks.retain(|ask| conn.room(&ask.channel).is_none());
    if asks.is_empty() {
        return;
    }
    let room = joining::free(conn).min(asks.len());
    for over in asks.split_off(room) {
        let error = wire::refusal(&joining::too_many(conn.transport));
        let words = json!({"op": "unsubscribed", "ch": over.channel.to_string(),
            "reason": "limit", "retry": false, "err": error});
        conn.say(&words, hub.now());
    }
    let joined = joining::join(ctx, hub, conn, asks).await;
    let followed = match joined {
        Ok(joined) => joining::follow(ctx, hub, conn, joined).await,
        Err(error) => Err(error),
    };
    if followed.is_err() {
        conn.end(Close::POSITION_LOST, hub.now());
    }
}

fn obey_frame(ctx: &Ctx, hub: &Hub, conn: Arc<Conn>, op: &str, d: serde_json::Value) {
    let Some(talk) = Talk::of(ctx, hub, conn) else {
        return;
    };
    let inbound = Inbound { d, op_id: None };
    let (is_away, starts) = (op == "presence.set", op == "typing.start");
    tokio::spawn(async move {
        let done = if is_away {
            presence::set(&talk, &inbound).await
        } else if starts {
            typing::start(&talk, &inbound)
        } else {
            typing::stop(&talk, &inbound)
        };
        if let Err(error) = done {
            tracing::debug!(?error, "a frame from elsewhere was refused");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_put_where_it_is_read() {
        let (head, tail) = around_the_turn("s_1", "kith-1:7").expect("words");
        let asked: Asked =
            serde_json::from_str(&format!("{head}1763660000123456{tail}")).expect("what is asked");
        let Word::Taken { by, at } = asked.word else {
            panic!("another word");
        };
        assert_eq!((asked.live.as_str(), by.as_str()), ("s_1", "kith-1:7"));
        assert_eq!(at, 1_763_660_000_123_456);
    }
}
