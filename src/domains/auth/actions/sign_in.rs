//! Signing in with a password.

use std::net::IpAddr;

use super::super::model::{ClaimedPassword, EventKind, Login};
use super::super::store::{self, Known};
use super::super::view::{self, SignedIn};
use super::attempt::Attempt;
use super::password::{Verdict, hash_again, verify};
use super::session::refuse_suspended;
use super::{invalid_credentials, issue_session, note_later};
use crate::kernel::Result;
use crate::platform::limits::{Gate, Subject};
use crate::platform::sessions::{AccountState, Device, suspended};
use crate::platform::write::transaction;
use crate::platform::{Ctx, Tx};

/// What somebody signs in with.
#[derive(Debug)]
pub struct Credentials {
    /// A username or an e-mail address.
    pub login: Login,
    /// The password.
    pub password: ClaimedPassword,
}

/// Signs somebody in. A name that does not exist gets the answer of a wrong password, after the
/// same time.
pub async fn sign_in(
    ctx: &Ctx,
    gate: &Gate,
    credentials: &Credentials,
    device: &Device,
    address: IpAddr,
) -> Result<SignedIn> {
    // Folded once: by another folding than the limit's, one account would have several counts.
    let login = credentials.login.as_str().to_lowercase();
    let account = Subject::Account(login.clone());
    let attempt = Attempt::begin(gate, &account, address).await?;
    let outcome = try_sign_in(ctx, &login, &credentials.password, device).await;
    attempt.end(&outcome).await;
    outcome
}

async fn try_sign_in(
    ctx: &Ctx,
    login: &str,
    password: &ClaimedPassword,
    device: &Device,
) -> Result<SignedIn> {
    let known = find(ctx, login).await?;
    let stored = known.as_ref().map(|known| known.password_hash.clone());
    let verdict = verify(ctx, password, stored).await?;
    let Some(known) = known else {
        return Err(invalid_credentials());
    };
    if verdict == Verdict::Wrong {
        note_later(ctx, known.user_id, EventKind::SignInFailed, device, None);
        return Err(invalid_credentials());
    }
    if known.state.is_suspended(known.suspended_until, ctx.now()) {
        return Err(suspended(known.suspended_until));
    }
    let stronger = match verdict {
        Verdict::RightButWeak => Some(hash_again(ctx, password).await?),
        _ => None,
    };
    transaction(ctx, async |tx: &mut Tx| {
        // Meanwhile the password may have been changed, and the account suspended. The credential is locked before
        // the account, as by whoever deletes their account.
        let now_stored = store::lock_password_hash(tx.conn(), known.user_id).await?;
        if now_stored.as_ref() != Some(&known.password_hash) {
            return Err(invalid_credentials());
        }
        refuse_suspended(tx, known.user_id).await?;
        if let Some(stronger) = &stronger {
            store::update_hash(tx.conn(), known.user_id, stronger).await?;
        }
        let tokens = issue_session(tx, known.user_id, device).await?;
        view::signed_in(tx, known.user_id, tokens).await
    })
    .await
}

/// The person with this name, unless their account is deleted.
async fn find(ctx: &Ctx, login: &str) -> Result<Option<Known>> {
    let mut conn = ctx.conn().await?;
    let known = if login.contains('@') {
        store::find_by_email(&mut conn, login).await?
    } else {
        store::find_by_username(&mut conn, login).await?
    };
    Ok(known.filter(|known| known.state != AccountState::Deleted))
}
