//! What becomes of accounts, what people change about themselves, and how something is done to somebody
//! whom a path names.

mod profile;
mod settings;

pub use profile::{ProfileChange, update_profile};
pub use settings::{SettingsChange, update_settings};

use super::model::NewAccount;
use super::{store, view};
use crate::kernel::{Result, UserId};
use crate::platform::Tx;
use crate::platform::http::UserRef;
use profile::refuse_held;

/// Adds an account with default settings. A name that somebody else gave up lately is taken.
pub async fn create_account(tx: &mut Tx, account: &NewAccount) -> Result<()> {
    let now = tx.now();
    store::insert_account(tx.conn(), account, now).await?;
    refuse_held(tx, account.username.as_str(), account.user_id).await
}

/// Marks an account as deleted; nobody sees the person from then on.
pub async fn mark_deleted(tx: &mut Tx, user_id: UserId) -> Result<()> {
    let now = tx.now();
    store::mark_deleted(tx.conn(), user_id, now).await
}

/// Does something to the person that a path names. Named by a username that they gave up, they are `moved`, which
/// undoes what was done: only after it is known that the caller may learn what they are called today.
pub async fn act_on<T>(
    tx: &mut Tx,
    user: &UserRef,
    act: impl AsyncFnOnce(&mut Tx, UserId) -> Result<T>,
) -> Result<T> {
    let user_id = view::resolve(&mut tx.reads(), user).await?;
    let done = act(tx, user_id).await?;
    view::require_current_name(&mut tx.reads(), user).await?;
    Ok(done)
}
