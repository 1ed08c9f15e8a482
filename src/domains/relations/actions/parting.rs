//! What ends between two people for good.

use super::super::model::Between;
use super::super::store;
use super::requests::cancel_open;
use super::{follows_by, friends_by, lock_standing, tell_both};
use crate::domains::auth::AccountDeleted;
use crate::domains::users::{self, Tally};
use crate::kernel::{Result, UserId};
use crate::platform::write::job_transaction;
use crate::platform::{Ctx, Tx};

/// How many people somebody parts from before it is asked who is left.
const STEP: i64 = 100;

/// Ends friendship, follows and open requests between two people, and takes each out of the other's circles.
/// The caller holds the pair, and bumps what comes back.
pub(super) async fn end_ties(
    tx: &mut Tx,
    me: UserId,
    user_id: UserId,
    between: &Between,
) -> Result<Vec<(UserId, Tally)>> {
    cancel_open(tx, between.friend_request_id).await?;
    store::delete_mutual_members(tx.conn(), me, user_id).await?;
    let mut changes = Vec::new();
    if store::delete_friendship(tx.conn(), me, user_id).await? {
        changes.extend(friends_by(-1, me, user_id));
    }
    if store::delete_follow(tx.conn(), me, user_id).await? {
        changes.extend(follows_by(-1, me, user_id));
    }
    if store::delete_follow(tx.conn(), user_id, me).await? {
        changes.extend(follows_by(-1, user_id, me));
    }
    Ok(changes)
}

/// Parts somebody who has deleted their account from everybody: nobody counts them among their friends and
/// followers any longer, who could not take them out. Each pair by itself, so that what is done stays done.
pub async fn part_from_all(ctx: Ctx, deleted: AccountDeleted) -> Result<()> {
    let me = deleted.user_id;
    loop {
        let others = store::list_tied(&mut *ctx.conn().await?, me, STEP).await?;
        if others.is_empty() {
            return Ok(());
        }
        for user_id in others {
            job_transaction(&ctx, move |tx| Box::pin(part(tx, me, user_id))).await?;
        }
    }
}

async fn part(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<()> {
    let standing = lock_standing(tx, me, user_id).await?;
    let changes = end_ties(tx, me, user_id, &standing.between).await?;
    tell_both(tx, me, user_id)?;
    users::bump(tx.conn(), &changes).await
}
