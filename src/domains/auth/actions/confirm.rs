//! Confirming the password of somebody who is signed in.

use std::net::IpAddr;

use super::super::model::{ClaimedPassword, EventKind};
use super::super::store;
use super::attempt::Attempt;
use super::note_later;
use super::password::{self, Verdict};
use crate::kernel::{Code, Error, Result};
use crate::platform::limits::{Gate, Subject};
use crate::platform::sessions::{CurrentUser, Device};
use crate::platform::{Ctx, Tx};

/// Somebody who is signed in, and where their request comes from.
#[derive(Debug)]
pub struct Caller {
    /// The person.
    pub me: CurrentUser,
    /// Their device.
    pub device: Device,
    /// Their address.
    pub address: IpAddr,
}

/// A hash that was verified. Whoever goes on writing makes sure that it is still the stored one.
pub(super) struct Confirmed(String);

fn wrong_password() -> Error {
    Error::new(
        Code::InvalidCredentials,
        "The password is wrong. Your session goes on.",
    )
}

/// Compares the password with the caller's. Guessing is slowed down as it is at sign-in.
pub(super) async fn confirm(
    ctx: &Ctx,
    gate: &Gate,
    caller: &Caller,
    claimed: &ClaimedPassword,
) -> Result<Confirmed> {
    let account = Subject::User(caller.me.id);
    let attempt = Attempt::begin(gate, &account, caller.address).await?;
    let outcome = compare(ctx, caller, claimed).await;
    attempt.end(&outcome).await;
    outcome
}

async fn compare(ctx: &Ctx, caller: &Caller, claimed: &ClaimedPassword) -> Result<Confirmed> {
    let (user_id, session_id) = (caller.me.id, caller.me.session_id);
    let stored = store::find_password_hash(&mut *ctx.conn().await?, user_id).await?;
    let verdict = password::verify(ctx, claimed, stored.clone()).await?;
    match stored {
        Some(stored) if verdict != Verdict::Wrong => Ok(Confirmed(stored)),
        _ => {
            let kind = EventKind::ConfirmationFailed;
            note_later(ctx, user_id, kind, &caller.device, Some(session_id));
            Err(wrong_password())
        }
    }
}

impl Confirmed {
    /// Locks the credential and fails if the password was changed since it was verified.
    pub(super) async fn hold(&self, tx: &mut Tx, me: CurrentUser) -> Result<()> {
        let stored = store::lock_password_hash(tx.conn(), me.id).await?;
        if stored.as_ref() == Some(&self.0) {
            return Ok(());
        }
        Err(wrong_password())
    }
}
