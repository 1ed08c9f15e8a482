//! Following, which asks nobody.

use super::super::store;
use super::{follows_by, guard_other, lock_visible, tell_both};
use crate::domains::users;
use crate::kernel::{Result, UserId};
use crate::platform::Tx;

/// Follows somebody; again, it changes nothing.
pub async fn follow(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<()> {
    guard_other(me, user_id)?;
    lock_visible(tx, me, user_id).await?;
    let now = tx.now();
    if store::insert_follow(tx.conn(), me, user_id, now).await? {
        tell_both(tx, me, user_id)?;
        users::bump(tx.conn(), &follows_by(1, me, user_id)).await?;
    }
    Ok(())
}

/// Follows somebody no longer; again, it changes nothing.
pub async fn unfollow(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<()> {
    guard_other(me, user_id)?;
    lock_visible(tx, me, user_id).await?;
    if store::delete_follow(tx.conn(), me, user_id).await? {
        tell_both(tx, me, user_id)?;
        users::bump(tx.conn(), &follows_by(-1, me, user_id)).await?;
    }
    Ok(())
}
