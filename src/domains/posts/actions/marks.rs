//! What a person does with posts that they see: react, save, hide, mute.

use super::guard::{guard_for_write, guard_within};
use crate::domains::posts::live;
use crate::domains::posts::store::marks as store;
use crate::domains::reactions::{self, Kind};
use crate::kernel::{PostId, Result, UserId};
use crate::platform::Tx;

/// Sets one's reaction.
pub async fn react(tx: &mut Tx, user_id: UserId, post_id: PostId, kind: Kind) -> Result<()> {
    guard_for_write(tx.conn(), user_id, post_id).await?;
    reactions::react(tx, post_id.into(), user_id, kind).await?;
    live::tell_counters(tx, post_id);
    Ok(())
}

/// Takes one's reaction back.
pub async fn unreact(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    guard_for_write(tx.conn(), user_id, post_id).await?;
    reactions::unreact(tx, post_id.into(), user_id).await?;
    live::tell_counters(tx, post_id);
    Ok(())
}

/// Saves a post for later.
pub async fn save(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    guard_within(tx.conn(), user_id, post_id).await?;
    let now = tx.now();
    store::insert_saved(tx.conn(), user_id, post_id, now).await
}

/// Takes a post out of what is saved.
pub async fn unsave(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    guard_within(tx.conn(), user_id, post_id).await?;
    store::delete_saved(tx.conn(), user_id, post_id).await
}

/// Hides a post from one's own feeds.
pub async fn hide(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    guard_within(tx.conn(), user_id, post_id).await?;
    let now = tx.now();
    store::insert_hidden(tx.conn(), user_id, post_id, now).await
}

/// Lets a hidden post into one's feeds again.
pub async fn unhide(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    guard_within(tx.conn(), user_id, post_id).await?;
    store::delete_hidden(tx.conn(), user_id, post_id).await
}

/// Hears no more of what is said of a post.
pub async fn mute(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    guard_within(tx.conn(), user_id, post_id).await?;
    let now = tx.now();
    store::insert_muted(tx.conn(), user_id, post_id, now).await
}

/// Hears of a muted post again.
pub async fn unmute(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    guard_within(tx.conn(), user_id, post_id).await?;
    store::delete_muted(tx.conn(), user_id, post_id).await
}
