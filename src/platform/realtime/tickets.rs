//! Tickets: what a page may put into the address of a socket. Each opens one, within thirty seconds,
//! for the session that asked for it and from the origin that asked for it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::Pipeline;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::hub::{Hub, lock, millis};
use crate::infra::redis::PATIENT;
use crate::kernel::mac::hmac_sha256;
use crate::kernel::{Code, Error, Result, SessionId, UserId};
use crate::platform::Ctx;
use crate::platform::sessions::{self, CurrentUser};

/// How long a ticket counts.
pub const LIFE: Duration = Duration::from_secs(30);

/// Tickets that were used here lately, and until when that is remembered.
pub(super) type Used = Mutex<HashMap<Uuid, u64>>;

/// What a ticket says.
#[derive(Debug, Serialize, Deserialize)]
struct Ticket {
    n: Uuid,
    u: UserId,
    s: SessionId,
    /// The origin that it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    o: Option<String>,
    /// Until when, in milliseconds since 1970.
    x: i64,
    /// When the token runs out that it was asked for with, in seconds since 1970; 0 is not known.
    #[serde(default)]
    e: u64,
}

/// Who comes, and how long they may stay by what they came with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guest {
    /// The person and their session.
    pub user: CurrentUser,
    /// When the token runs out, in seconds since 1970; 0 is not known.
    pub token_ends: u64,
}

/// A ticket for this session. The socket that it opens lives no longer than one with the token itself.
pub(super) fn make(ctx: &Ctx, guest: Guest, origin: Option<&str>) -> Result<String> {
    let Guest { user, token_ends } = guest;
    let life = i64::try_from(LIFE.as_millis()).unwrap_or_default();
    let ticket = Ticket {
        n: Uuid::from_bytes(ctx.ids().bytes()),
        u: user.id,
        s: user.session_id,
        o: origin.map(str::to_owned),
        x: ctx.now().micros() / 1_000 + life,
        e: token_ends,
    };
    let words = serde_json::to_vec(&ticket).map_err(Error::internal)?;
    let mac = macs(ctx, &words).into_iter().next().unwrap_or_default();
    Ok(format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(words),
        URL_SAFE_NO_PAD.encode(mac)
    ))
}

/// What proves a ticket, under every key that counts; the first is today's.
fn macs(ctx: &Ctx, words: &[u8]) -> Vec<[u8; 32]> {
    let keys = ctx.config().secret_key.derive("live-ticket");
    keys.iter().map(|key| hmac_sha256(key, &[words])).collect()
}

/// The person of a ticket, which is used up by that.
pub(super) async fn redeem(
    ctx: &Ctx,
    hub: &Hub,
    text: &str,
    origin: Option<&str>,
) -> Result<Guest> {
    let refused = || {
        let words =
            "The ticket is not valid: too old, used, or made for another origin. Get another.";
        Error::new(Code::InvalidToken, words)
    };
    let ticket = read(ctx, text).ok_or_else(refused)?;
    let is_late = ticket.x <= ctx.now().micros() / 1_000;
    let is_elsewhere = ticket.o.is_some() && ticket.o.as_deref() != origin;
    if is_late || is_elsewhere || !is_first(ctx, hub, ticket.n).await {
        return Err(refused());
    }
    Ok(Guest {
        user: sessions::living(ctx, ticket.u, ticket.s).await?,
        token_ends: ticket.e,
    })
}

fn read(ctx: &Ctx, text: &str) -> Option<Ticket> {
    let (words, given) = text.split_once('.')?;
    let words = URL_SAFE_NO_PAD.decode(words).ok()?;
    let given = URL_SAFE_NO_PAD.decode(given).ok()?;
    let is_ours = macs(ctx, &words)
        .iter()
        .any(|mac| mac.ct_eq(given.as_slice()).into());
    is_ours
        .then(|| serde_json::from_slice(&words).ok())
        .flatten()
}

/// Whether a ticket is used for the first time, here and elsewhere. Without Redis only this process
/// is asked.
async fn is_first(ctx: &Ctx, hub: &Hub, ticket: Uuid) -> bool {
    let now = hub.now();
    let is_first_here = {
        let mut used = lock(&hub.0.used);
        used.retain(|_, until| *until > now);
        used.insert(ticket, now + millis(LIFE)).is_none()
    };
    if !is_first_here || !ctx.redis().is_up() {
        return is_first_here;
    }
    let mut pipe = Pipeline::new();
    pipe.cmd("SET")
        .arg(ctx.redis().key(format_args!("live:used:{ticket}")))
        .arg(1)
        .arg("NX")
        .arg("PX")
        .arg(millis(LIFE));
    let set: std::result::Result<(Option<String>,), _> =
        ctx.redis().query_within(&pipe, PATIENT).await;
    // Without an answer this process is the only one that can be asked.
    set.map_or(true, |(set,)| set.is_some())
}
