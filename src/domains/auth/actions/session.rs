//! Sessions: opened, continued, ended.

use super::super::events::CameIn;
use super::super::model::EventKind;
use super::super::store;
use super::note;
use crate::domains::users;
use crate::kernel::{Code, Error, Result, SessionId, UserId};
use crate::platform::sessions::{
    self, AccountState, CurrentUser, Device, EndReason, Refreshed, Tokens,
};
use crate::platform::write::transaction;
use crate::platform::{Ctx, Tx};

/// Opens a session and notes it in the security log.
pub async fn issue_session(tx: &mut Tx, user_id: UserId, device: &Device) -> Result<Tokens> {
    let tokens = sessions::open(tx, user_id, device).await?;
    let session_id = Some(tokens.session_id);
    note(tx, user_id, EventKind::SignedIn, device, session_id).await?;
    tx.emit_at_once(&CameIn(user_id));
    Ok(tokens)
}

fn ended() -> Error {
    Error::new(
        Code::SessionRevoked,
        "The session has ended. Sign in again.",
    )
}

fn unknown() -> Error {
    Error::new(
        Code::InvalidToken,
        "The refresh token is not valid. Sign in again.",
    )
}

/// Exchanges a refresh token for the next pair. What a repeated token revokes is committed before
/// the refusal.
pub async fn refresh(ctx: &Ctx, token: &str, device: &Device) -> Result<Tokens> {
    let outcome = transaction(ctx, async |tx: &mut Tx| {
        let Some(presented) = sessions::presented(tx, token).await? else {
            return Ok(None);
        };
        // The account before the session, as those do who suspend or delete it.
        let standing = store::hold_standing(tx.conn(), presented.user_id).await?;
        let outcome = sessions::refresh(tx, presented, device).await?;
        match &outcome {
            Refreshed::Reused(user_id, session_id) => {
                let kind = EventKind::RefreshReused;
                note(tx, *user_id, kind, device, Some(*session_id)).await?;
            }
            Refreshed::Renewed(user_id, _) => judge(tx, *user_id, &standing).await?,
            Refreshed::Ended => {}
        }
        Ok(Some(outcome))
    })
    .await?;
    match outcome {
        Some(Refreshed::Renewed(_, tokens)) => Ok(tokens),
        Some(Refreshed::Reused(..) | Refreshed::Ended) => Err(ended()),
        None => Err(unknown()),
    }
}

/// Refuses somebody who may not use their account now.
pub(super) async fn refuse_suspended(tx: &mut Tx, user_id: UserId) -> Result<()> {
    let standing = store::hold_standing(tx.conn(), user_id).await?;
    judge(tx, user_id, &standing).await
}

/// The same of somebody whose standing is held.
async fn judge(tx: &mut Tx, user_id: UserId, standing: &store::Standing) -> Result<()> {
    let now = tx.now();
    let until = standing.suspended_until;
    match standing.state {
        AccountState::Active => Ok(()),
        state if state.is_suspended(until, now) => Err(sessions::suspended(until)),
        // Over, and not lifted yet.
        AccountState::Suspended => {
            users::set_state(tx.conn(), user_id, AccountState::Active, None, None, now)
                .await
                .map(drop)
        }
        AccountState::Deleted => Err(ended()),
    }
}

/// Ends the session that the caller came by.
pub async fn sign_out(ctx: &Ctx, me: CurrentUser, device: &Device) -> Result<()> {
    transaction(ctx, async |tx: &mut Tx| {
        end_own(tx, me.id, me.session_id, device).await
    })
    .await
}

/// Ends the session that a refresh token belongs to. One that is not ours ends nothing.
pub async fn sign_out_by_token(ctx: &Ctx, token: &str, device: &Device) -> Result<()> {
    transaction(ctx, async |tx: &mut Tx| {
        match sessions::owner_of(tx, token).await? {
            Some((user_id, session_id)) => end_own(tx, user_id, session_id, device).await,
            None => Ok(()),
        }
    })
    .await
}

async fn end_own(
    tx: &mut Tx,
    user_id: UserId,
    session_id: SessionId,
    device: &Device,
) -> Result<()> {
    if sessions::end_own(tx, user_id, session_id, EndReason::SignedOut).await? {
        note(tx, user_id, EventKind::SignedOut, device, Some(session_id)).await?;
    }
    Ok(())
}

/// Ends one of a person's sessions from another one.
pub async fn revoke_one(
    tx: &mut Tx,
    me: CurrentUser,
    session_id: SessionId,
    device: &Device,
) -> Result<()> {
    if !sessions::end_own(tx, me.id, session_id, EndReason::Revoked).await? {
        return Err(Error::not_found());
    }
    let kind = EventKind::SessionRevoked;
    note(tx, me.id, kind, device, Some(session_id)).await
}

/// Ends all of a person's sessions, but for `kept`.
pub async fn revoke_all(
    tx: &mut Tx,
    me: CurrentUser,
    kept: Option<SessionId>,
    device: &Device,
) -> Result<()> {
    sessions::end_all(tx, me.id, kept, EndReason::Revoked).await?;
    let kind = EventKind::SessionsRevoked;
    note(tx, me.id, kind, device, Some(me.session_id)).await
}
