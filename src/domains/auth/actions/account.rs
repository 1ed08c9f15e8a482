//! What wants the password once more: a new one, a recent confirmation, the end of the account.

use super::super::events::{AccountDeleted, PasswordReplaced};
use super::super::jobs::Mail;
use super::super::model::{ClaimedPassword, EventKind, Password, Purpose};
use super::super::store;
use super::confirm::{Caller, confirm};
use super::note;
use super::password::{hash_password, require_strong};
use crate::domains::users;
use crate::kernel::Result;
use crate::platform::limits::Gate;
use crate::platform::sessions::{self, EndReason};
use crate::platform::write::transaction;
use crate::platform::{Ctx, Tx};

/// Changes the password, ends all other sessions unless they are to be kept, and says so by mail.
pub async fn change_password(
    ctx: &Ctx,
    gate: &Gate,
    caller: &Caller,
    current: &ClaimedPassword,
    new: &Password,
    keep_other_sessions: bool,
) -> Result<()> {
    let (me, device) = (caller.me, &caller.device);
    let confirmed = confirm(ctx, gate, caller, current).await?;
    let known = store::find_recipient(&mut *ctx.conn().await?, me.id).await?;
    if let Some(known) = &known {
        let context = [&*known.username, &known.email, &known.display_name];
        require_strong(ctx, new, "/new_password", context).await?;
    }
    let hash = hash_password(ctx, new).await?;
    transaction(ctx, async |tx: &mut Tx| {
        let now = tx.now();
        confirmed.hold(tx, me).await?;
        store::update_password(tx.conn(), me.id, &hash, now).await?;
        store::expire_mail_tokens(tx.conn(), me.id, Purpose::ResetPassword, now).await?;
        sessions::note_confirmed(tx, me.session_id).await?;
        if !keep_other_sessions {
            let (kept, reason) = (Some(me.session_id), EndReason::PasswordChanged);
            sessions::end_all(tx, me.id, kept, reason).await?;
            tx.emit(&PasswordReplaced {
                user_id: me.id,
                at: now,
            })?;
        }
        let kind = EventKind::PasswordChanged;
        note(tx, me.id, kind, device, Some(me.session_id)).await?;
        let mail = Mail::PasswordChanged { user_id: me.id };
        tx.enqueue(&mail.job()?).await
    })
    .await
}

/// Notes that the caller just gave their password.
pub async fn reauthenticate(
    ctx: &Ctx,
    gate: &Gate,
    caller: &Caller,
    claimed: &ClaimedPassword,
) -> Result<()> {
    let me = caller.me;
    let confirmed = confirm(ctx, gate, caller, claimed).await?;
    transaction(ctx, async |tx: &mut Tx| {
        confirmed.hold(tx, me).await?;
        sessions::note_confirmed(tx, me.session_id).await?;
        let kind = EventKind::Reauthenticated;
        note(tx, me.id, kind, &caller.device, Some(me.session_id)).await
    })
    .await
}

/// Deletes the account, takes its address and password away and ends all its sessions.
pub async fn delete_account(
    ctx: &Ctx,
    gate: &Gate,
    caller: &Caller,
    claimed: &ClaimedPassword,
) -> Result<()> {
    let me = caller.me;
    let confirmed = confirm(ctx, gate, caller, claimed).await?;
    transaction(ctx, async |tx: &mut Tx| {
        confirmed.hold(tx, me).await?;
        users::mark_deleted(tx, me.id).await?;
        store::erase_credential(tx.conn(), me.id).await?;
        store::delete_mail_tokens_of(tx.conn(), me.id).await?;
        sessions::end_all(tx, me.id, None, EndReason::AccountDeleted).await?;
        tx.emit(&AccountDeleted { user_id: me.id })?;
        let kind = EventKind::AccountDeleted;
        note(tx, me.id, kind, &caller.device, Some(me.session_id)).await
    })
    .await
}
