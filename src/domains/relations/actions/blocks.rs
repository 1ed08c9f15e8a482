//! Blocking hides two people from each other; muting is the muter's own affair.

use serde::Deserialize;
use utoipa::ToSchema;

use super::super::events::RelationshipChanged;
use super::super::model::can_see_person;
use super::super::store;
use super::parting::end_ties;
use super::{guard_other, guard_visible_other, lock_standing, tell_both};
use crate::domains::users;
use crate::kernel::{Error, Result, Timestamp, UserId};
use crate::platform::Tx;

/// Blocks somebody: friendship, follows and open requests end, and each leaves the other's circles.
/// Again, it changes nothing.
pub async fn block(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<()> {
    guard_other(me, user_id)?;
    let standing = lock_standing(tx, me, user_id).await?;
    if standing.between.blocking {
        return Ok(());
    }
    if !can_see_person(standing.sight()) {
        return Err(Error::not_found());
    }
    let now = tx.now();
    store::insert_block(tx.conn(), me, user_id, now).await?;
    let changes = end_ties(tx, me, user_id, &standing.between).await?;
    tell_both(tx, me, user_id)?;
    tell_counts(tx, me, user_id);
    users::bump(tx.conn(), &changes).await
}

/// Lifts a block, whatever became of the account; what it ended stays ended. Without a block, only
/// somebody whom `me` may see is there at all.
pub async fn unblock(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<()> {
    guard_other(me, user_id)?;
    let standing = lock_standing(tx, me, user_id).await?;
    if !standing.between.blocking && !can_see_person(standing.sight()) {
        return Err(Error::not_found());
    }
    if !store::delete_block(tx.conn(), me, user_id).await? {
        return Ok(());
    }
    tell_counts(tx, me, user_id);
    // The other one is not to learn that there was a block.
    tell_one(tx, me, user_id)
}

/// Tells both how much waits for them: what one hears of the other does no longer, or does again.
fn tell_counts(tx: &mut Tx, me: UserId, user_id: UserId) {
    tx.tell_counts(me);
    tx.tell_counts(user_id);
}

/// How long to mute somebody.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMute)]
pub struct Mute {
    /// Until when; left out, without an end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// Mutes somebody, or changes until when.
pub async fn mute(tx: &mut Tx, me: UserId, user_id: UserId, mute: &Mute) -> Result<()> {
    guard_visible_other(tx, me, user_id).await?;
    let now = tx.now();
    if mute.until.is_some_and(|until| until <= now) {
        let detail = "A mute ends in the future. To lift one, delete it.";
        return Err(Error::invalid_field("/until", "in_the_past", detail));
    }
    store::upsert_mute(tx.conn(), me, user_id, mute.until, now).await?;
    tell_one(tx, me, user_id)
}

/// Lifts a mute; again, it changes nothing.
pub async fn unmute(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<()> {
    guard_visible_other(tx, me, user_id).await?;
    if !store::delete_mute(tx.conn(), me, user_id).await? {
        return Ok(());
    }
    tell_one(tx, me, user_id)
}

fn tell_one(tx: &mut Tx, user_id: UserId, other_id: UserId) -> Result<()> {
    tx.emit(&RelationshipChanged {
        user_id,
        other_id,
        is_private: true,
    })
}
