//! The end of a friendship, and suggestions that nobody wants.

use super::super::store;
use super::{friends_by, guard_other, guard_visible_other, lock_visible, tell_both};
use crate::domains::users;
use crate::kernel::{Result, UserId};
use crate::platform::Tx;

/// Ends a friendship, if there is one. Each leaves the other's circles.
pub async fn unfriend(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<()> {
    guard_other(me, user_id)?;
    lock_visible(tx, me, user_id).await?;
    if !store::delete_friendship(tx.conn(), me, user_id).await? {
        return Ok(());
    }
    store::delete_mutual_members(tx.conn(), me, user_id).await?;
    tell_both(tx, me, user_id)?;
    users::bump(tx.conn(), &friends_by(-1, me, user_id)).await
}

/// Leaves somebody out of all later suggestions.
pub async fn dismiss_suggestion(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<()> {
    guard_visible_other(tx, me, user_id).await?;
    let now = tx.now();
    store::insert_dismissal(tx.conn(), me, user_id, now).await
}
