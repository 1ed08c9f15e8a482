//! Another e-mail address: asked for with the password, and there once its link is followed.

use super::super::jobs::Mail;
use super::super::model::{ClaimedPassword, Email, EventKind};
use super::super::store;
use super::confirm::{Caller, confirm};
use super::links::{charge, link_expired};
use super::note;
use crate::domains::users;
use crate::kernel::{Error, Result};
use crate::platform::limits::{Gate, policies};
use crate::platform::sessions::Device;
use crate::platform::write::transaction;
use crate::platform::{Ctx, Tx};

/// Mails a link to a new address. Until it is followed, the account keeps the address that it has.
pub async fn request_email_change(
    ctx: &Ctx,
    gate: &Gate,
    caller: &Caller,
    password: &ClaimedPassword,
    email: &Email,
) -> Result<()> {
    let me = caller.me;
    let confirmed = confirm(ctx, gate, caller, password).await?;
    let mail = Mail::ChangeAddress {
        user_id: me.id,
        email: email.clone(),
    };
    charge(gate, &policies::VERIFICATION_MAIL, &mail, caller.address).await?;
    transaction(ctx, async |tx: &mut Tx| {
        confirmed.hold(tx, me).await?;
        guard_free(tx, caller, email).await?;
        store::set_pending_email(tx.conn(), me.id, email).await?;
        let kind = EventKind::EmailChangeRequested;
        note(tx, me.id, kind, &caller.device, Some(me.session_id)).await?;
        tx.enqueue(&mail.job()?).await
    })
    .await
}

/// Refuses the address of another account, and the one that the caller has.
async fn guard_free(tx: &mut Tx, caller: &Caller, email: &Email) -> Result<()> {
    let holder = store::find_by_email(tx.conn(), email.as_str()).await?;
    if holder.is_some_and(|known| known.user_id != caller.me.id) {
        return Err(store::email_taken());
    }
    let own = store::find_recipient(tx.conn(), caller.me.id).await?;
    if own.is_some_and(|own| own.email == email.as_str()) {
        let detail = "This is the address of your account already.";
        return Err(Error::invalid_field("/email", "unchanged", detail));
    }
    Ok(())
}

/// Makes the address that a link was mailed to that of its account, which it confirms too, and tells the one
/// before.
pub(super) async fn follow_email_change(
    tx: &mut Tx,
    token_hash: &[u8; 32],
    device: &Device,
) -> Result<()> {
    let now = tx.now();
    let owner = store::use_change_token(tx.conn(), token_hash, now)
        .await?
        .ok_or_else(link_expired)?;
    let user_id = owner.user_id;
    let before = store::replace_email(tx.conn(), user_id, &owner.email, now).await?;
    users::tell_changed(tx, user_id, Some(user_id));
    note(tx, user_id, EventKind::EmailChanged, device, None).await?;
    let mail = Mail::AddressChanged {
        user_id,
        email: before,
    };
    tx.enqueue(&mail.job()?).await
}
