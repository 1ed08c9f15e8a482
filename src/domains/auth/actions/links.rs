//! What the links in mails do, and how they are asked for.

use std::net::IpAddr;

use super::super::events::PasswordReplaced;
use super::super::jobs::Mail;
use super::super::model::{Email, EventKind, Password, Purpose};
use super::super::store;
use super::email::follow_email_change;
use super::note;
use super::password::{hash_password, require_strong};
use crate::domains::users;
use crate::infra::ratelimit::Policy;
use crate::kernel::{Code, Error, OpaqueToken, Result, UserId};
use crate::platform::limits::{Gate, Subject, policies};
use crate::platform::sessions::{self, Device, EndReason};
use crate::platform::write::transaction;
use crate::platform::{Ctx, Tx};

/// Queues a mail with a link that sets a new password. Whether there is such an account only the
/// job finds out, so the answer tells nothing and takes no longer.
pub async fn request_reset(ctx: &Ctx, gate: &Gate, email: &Email, address: IpAddr) -> Result<()> {
    let mail = Mail::ResetPassword {
        email: email.clone(),
    };
    charge(gate, &policies::PASSWORD_MAIL, &mail, address).await?;
    queue(ctx, &mail).await
}

/// Queues a mail with a link that confirms an address: the caller's own, or one that may have an
/// account.
pub async fn request_verification(
    ctx: &Ctx,
    gate: &Gate,
    mail: &Mail,
    address: IpAddr,
) -> Result<()> {
    charge(gate, &policies::VERIFICATION_MAIL, mail, address).await?;
    queue(ctx, mail).await
}

/// Charges a mail to whoever is to get it, and to where it is asked for unless they ask themselves.
pub(super) async fn charge(
    gate: &Gate,
    policy: &'static Policy,
    mail: &Mail,
    address: IpAddr,
) -> Result<()> {
    let subjects = match mail {
        Mail::VerifyEmail { user_id }
        | Mail::PasswordChanged { user_id }
        | Mail::AddressChanged { user_id, .. } => vec![Subject::User(*user_id)],
        Mail::ChangeAddress { user_id, email } => {
            let account = Subject::Account(email.as_str().to_owned());
            vec![Subject::User(*user_id), account]
        }
        Mail::VerifyAddress { email } | Mail::ResetPassword { email } => {
            let account = Subject::Account(email.as_str().to_owned());
            vec![account, Subject::Address(address)]
        }
    };
    let checks = subjects.iter().map(|subject| subject.check(policy));
    gate.pass(checks.collect()).await.map(drop)
}

async fn queue(ctx: &Ctx, mail: &Mail) -> Result<()> {
    let job = mail.job()?;
    transaction(ctx, async |tx: &mut Tx| tx.enqueue(&job).await).await
}

pub(super) fn link_expired() -> Error {
    Error::new(
        Code::LinkExpired,
        "The link was used, is too old, or is not whole. Ask for another one.",
    )
}

/// What is stored of a link's token.
fn hash_of(token: &str) -> Result<[u8; 32]> {
    let token = OpaqueToken::parse(token).ok_or_else(link_expired)?;
    Ok(token.hash())
}

/// Marks an address as confirmed, if it still is the person's, and tells their devices; says whether that was
/// news.
pub(super) async fn mark_verified(tx: &mut Tx, user_id: UserId, email: &str) -> Result<bool> {
    let now = tx.now();
    let is_news = store::mark_verified(tx.conn(), user_id, email, now).await?;
    if is_news {
        users::tell_changed(tx, user_id, Some(user_id));
    }
    Ok(is_news)
}

/// Confirms an e-mail address: the one of the account, or the one that it is to have from now on.
pub async fn verify_email(ctx: &Ctx, token: &str, device: &Device) -> Result<()> {
    let hash = hash_of(token)?;
    transaction(ctx, async |tx: &mut Tx| {
        let now = tx.now();
        let purpose = Purpose::VerifyEmail;
        let Some(owner) = store::use_mail_token(tx.conn(), &hash, purpose, now).await? else {
            return follow_email_change(tx, &hash, device).await;
        };
        if mark_verified(tx, owner.user_id, &owner.email).await? {
            note(tx, owner.user_id, EventKind::EmailVerified, device, None).await?;
        }
        Ok(())
    })
    .await
}

/// Sets a new password by a mailed link: ends all sessions and opens none. That the mail arrived
/// confirms the address as well.
pub async fn reset_password(
    ctx: &Ctx,
    gate: &Gate,
    token: &str,
    password: &Password,
    device: &Device,
) -> Result<()> {
    let token = hash_of(token)?;
    let purpose = Purpose::ResetPassword;
    // Looked at first, so that no password is hashed for a token that is no good.
    let mut conn = ctx.conn().await?;
    let owner = store::find_mail_token(&mut conn, &token, purpose, ctx.now())
        .await?
        .ok_or_else(link_expired)?;
    let known = store::find_recipient(&mut conn, owner.user_id)
        .await?
        .ok_or_else(link_expired)?;
    drop(conn);
    let context = [&*known.username, &known.email, &known.display_name];
    require_strong(ctx, password, "/password", context).await?;
    let hash = hash_password(ctx, password).await?;
    transaction(ctx, async |tx: &mut Tx| {
        let now = tx.now();
        store::lock_password_hash(tx.conn(), owner.user_id).await?;
        let owner = store::use_mail_token(tx.conn(), &token, purpose, now)
            .await?
            .ok_or_else(link_expired)?;
        let user_id = owner.user_id;
        store::update_password(tx.conn(), user_id, &hash, now).await?;
        mark_verified(tx, user_id, &owner.email).await?;
        store::expire_mail_tokens(tx.conn(), user_id, purpose, now).await?;
        sessions::end_all(tx, user_id, None, EndReason::PasswordReset).await?;
        tx.emit(&PasswordReplaced { user_id, at: now })?;
        note(tx, user_id, EventKind::PasswordReset, device, None).await?;
        tx.enqueue(&Mail::PasswordChanged { user_id }.job()?).await
    })
    .await?;
    for name in [known.username, known.email] {
        let account = Subject::Account(name.clone());
        gate.forget(&account.check(&policies::SIGN_IN)).await;
    }
    Ok(())
}
