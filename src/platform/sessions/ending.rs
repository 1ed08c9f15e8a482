//! Why sessions end before their time, and how.

use super::store;
use crate::kernel::{Result, SessionId, UserId};
use crate::platform::Tx;
use crate::words;

words! {
    /// Why a session was ended. It is written down for operators.
    pub enum EndReason {
        /// Its person signed out.
        SignedOut = "signed_out",
        /// Its person ended it from another one, or all of theirs.
        Revoked = "revoked",
        /// The same device signed in again.
        Replaced = "replaced",
        /// A refresh token of it was used twice.
        RefreshTokenReused = "refresh_token_reused",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// The password was set by a link in a mail.
        PasswordReset = "password_reset",
        /// The account was suspended.
        Suspended = "suspended",
        /// The account was deleted.
        AccountDeleted = "account_deleted",
        /// An operator ended it on the command line.
        Operator = "operator",
    }
}

/// Ends a session, whoever it belongs to; says whether it was alive.
pub async fn end(tx: &mut Tx, session_id: SessionId, reason: EndReason) -> Result<bool> {
    let now = tx.now();
    store::revoke(tx.conn(), session_id, reason, now).await
}

/// Ends a session of this person; says whether it was theirs, and alive.
pub async fn end_own(
    tx: &mut Tx,
    user_id: UserId,
    session_id: SessionId,
    reason: EndReason,
) -> Result<bool> {
    let now = tx.now();
    store::revoke_own(tx.conn(), user_id, session_id, reason, now).await
}

/// Ends all sessions of a person but for `kept`; says how many those were.
pub async fn end_all(
    tx: &mut Tx,
    user_id: UserId,
    kept: Option<SessionId>,
    reason: EndReason,
) -> Result<u64> {
    let now = tx.now();
    store::revoke_all(tx.conn(), user_id, kept, reason, now).await
}
