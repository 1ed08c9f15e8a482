//! What can be done: coming in, going out, proving and changing what one signs in with.

mod account;
mod attempt;
mod confirm;
mod email;
mod links;
mod password;
mod register;
mod session;
mod sign_in;

pub use account::{change_password, delete_account, reauthenticate};
pub use confirm::Caller;
pub use email::request_email_change;
pub use links::{request_reset, request_verification, reset_password, verify_email};
pub use password::hash_password;
pub use register::{NewUser, Registration, create_user, mark_email_verified, register};
pub use session::{issue_session, refresh, revoke_all, revoke_one, sign_out, sign_out_by_token};
pub use sign_in::{Credentials, sign_in};

use super::model::EventKind;
use super::store;
use crate::kernel::{Code, Error, Result, SessionId, UserId};
use crate::platform::sessions::Device;
use crate::platform::{Ctx, Tx};

/// Writes a line of the security log.
async fn note(
    tx: &mut Tx,
    user_id: UserId,
    kind: EventKind,
    device: &Device,
    session_id: Option<SessionId>,
) -> Result<()> {
    let (id, now) = (tx.new_id(), tx.now());
    store::insert_event(tx.conn(), id, user_id, kind, device, session_id, now).await
}

/// Writes a line about a failure, for which there is no transaction. The answer does not wait for
/// it: it would take longer where there is an account than where there is none.
fn note_later(
    ctx: &Ctx,
    user_id: UserId,
    kind: EventKind,
    device: &Device,
    session_id: Option<SessionId>,
) {
    let (ctx, device) = (ctx.clone(), device.clone());
    let tasks = ctx.tasks().clone();
    tasks.spawn(async move {
        let now = ctx.now();
        let noted = async {
            let mut conn = ctx.conn().await?;
            let id = ctx.ids().new_id(now);
            store::insert_event(&mut conn, id, user_id, kind, &device, session_id, now).await
        };
        if let Err(error) = noted.await {
            tracing::warn!(?error, "a failed sign-in was not noted");
        }
    });
}

/// One sentence for all causes, so it tells nothing.
fn invalid_credentials() -> Error {
    Error::new(
        Code::InvalidCredentials,
        "The name or the password is wrong. Check both, or set a new password.",
    )
}
