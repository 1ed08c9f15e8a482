//! Refresh tokens: 256 random bits, stored as a hash, each used once. The successor of a token is an
//! HMAC of it under a server key, so a client that lost the answer and asks again gets the same one.

use chrono::TimeDelta;

use super::{Device, EndReason, IDLE, Tokens, store, tokens};
use crate::kernel::mac::hmac_sha256;
use crate::kernel::{Error, OpaqueToken, Result, SessionId, Timestamp, UserId};
use crate::platform::Tx;

/// A repeat within this many seconds, while the successor is unused, gets the same successor.
const GRACE_SECONDS: i64 = 30;
/// Used tokens are kept for so long, in days: one that is used again until then ends its family, and one that
/// is used later is not known.
const USED_KEPT: i64 = 30;
const KEY_PURPOSE: &str = "refresh-token";

/// What became of a refresh token.
#[derive(Debug)]
pub enum Refreshed {
    /// The next pair, for this person.
    Renewed(UserId, Tokens),
    /// It had been used before: its whole family is revoked now.
    Reused(UserId, SessionId),
    /// Its session has ended.
    Ended,
}

/// A refresh token that somebody has, used or not.
#[derive(Clone, Copy)]
pub struct Presented {
    token: OpaqueToken,
    session_id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
}

/// Finds a refresh token, and locks nothing yet; `None` if it is not one of ours.
pub async fn presented(tx: &mut Tx, token: &str) -> Result<Option<Presented>> {
    let Some(token) = OpaqueToken::parse(token) else {
        return Ok(None);
    };
    let found = store::find_family(tx.conn(), &token.hash()).await?;
    Ok(found.map(|(user_id, session_id)| Presented {
        token,
        session_id,
        user_id,
    }))
}

/// Exchanges a refresh token for the next pair. The family's row is locked, so of two exchanges at
/// once one waits for the other. Whoever needs the account's row too locks it before, as those do who
/// end the sessions of an account.
pub async fn refresh(tx: &mut Tx, presented: Presented, device: &Device) -> Result<Refreshed> {
    let (token, session_id) = (presented.token, presented.session_id);
    let now = tx.now();
    let Some(family) = store::lock_family(tx.conn(), session_id).await? else {
        return Ok(Refreshed::Ended);
    };
    if family.revoked || now >= family.expires_at || now >= family.ends_at {
        return Ok(Refreshed::Ended);
    }
    // Read again under the lock: the exchange that we waited for may have used the token.
    let used_at = store::load_used_at(tx.conn(), &token.hash()).await?;
    let successor = match used_at {
        None => Some(issue_successor(tx, token, session_id).await?),
        Some(used_at) => find_successor(tx, token, used_at).await?,
    };
    let Some(successor) = successor else {
        store::revoke(tx.conn(), session_id, EndReason::RefreshTokenReused, now).await?;
        return Ok(Refreshed::Reused(family.user_id, session_id));
    };
    let expires_at = family.ends_at.min(now + IDLE);
    store::touch(tx.conn(), session_id, device, now, expires_at).await?;
    let pair = tokens(tx, family.user_id, session_id, successor.reveal())?;
    Ok(Refreshed::Renewed(family.user_id, pair))
}

/// The person and the session that a refresh token belongs to, used or not.
pub async fn owner_of(tx: &mut Tx, token: &str) -> Result<Option<(UserId, SessionId)>> {
    let Some(presented) = presented(tx, token).await? else {
        return Ok(None);
    };
    let session_id = presented.session_id;
    let family = store::lock_family(tx.conn(), session_id).await?;
    Ok(family.map(|family| (family.user_id, session_id)))
}

async fn issue_successor(
    tx: &mut Tx,
    token: OpaqueToken,
    session_id: SessionId,
) -> Result<OpaqueToken> {
    let now = tx.now();
    let newest = successors(tx, token)
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal(anyhow::anyhow!("there is no key for refresh tokens")))?;
    store::forget_used(tx.conn(), session_id, now - TimeDelta::days(USED_KEPT)).await?;
    store::mark_used(tx.conn(), &token.hash(), now).await?;
    store::insert_refresh_token(tx.conn(), &newest.hash(), session_id, now).await?;
    Ok(newest)
}

/// The successor that was handed out for a used token, if it may be handed out again.
async fn find_successor(
    tx: &mut Tx,
    token: OpaqueToken,
    used_at: Timestamp,
) -> Result<Option<OpaqueToken>> {
    if tx.now().seconds_since(used_at) > GRACE_SECONDS {
        return Ok(None);
    }
    for candidate in successors(tx, token) {
        if store::is_unused(tx.conn(), &candidate.hash()).await? {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// The possible successors of a token: one for each server key, newest first.
fn successors(tx: &Tx, token: OpaqueToken) -> Vec<OpaqueToken> {
    let keys = tx.ctx().config().secret_key.derive(KEY_PURPOSE);
    let successor = |key| OpaqueToken::new(hmac_sha256(key, &[token.secret()]));
    keys.iter().map(successor).collect()
}
