//! Deleting a post and restoring it.

use super::guard::guard_within;
use crate::domains::posts::events::{PostDeleted, PostRestored};
use crate::domains::posts::live;
use crate::domains::posts::model::{self, RESTORABLE};
use crate::domains::posts::store::posts::OwnRow;
use crate::domains::posts::store::{counters, hashtags, posts as store};
use crate::domains::users::{self, Tally};
use crate::kernel::{Code, Error, PostId, Result, UserId};
use crate::platform::Tx;

/// Deletes one's own post; it can be restored for a while.
pub async fn delete_post(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    let Some(post) = store::lock_own(tx.conn(), user_id, post_id).await? else {
        return Err(refuse_stranger(tx, user_id, post_id).await);
    };
    if post.deleted_at.is_some() {
        return Err(Error::not_found());
    }
    let now = tx.now();
    store::set_deleted(tx.conn(), post_id, Some(now)).await?;
    hashtags::set_hashtags(tx.conn(), post_id, &[]).await?;
    count(tx, user_id, &post, -1).await?;
    tx.emit(&PostDeleted(post.reference(post_id, user_id)))?;
    live::tell_removed(tx, user_id, post_id);
    Ok(())
}

/// Brings one's own deleted post back; a post that is not deleted stays as it is.
pub async fn restore_post(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<()> {
    let Some(post) = store::lock_own(tx.conn(), user_id, post_id).await? else {
        return Err(refuse_stranger(tx, user_id, post_id).await);
    };
    let Some(deleted_at) = post.deleted_at else {
        return Ok(());
    };
    if deleted_at < tx.now() - RESTORABLE {
        return Err(Error::new(
            Code::Gone,
            "A deleted post can be restored for 30 days, and they are over.",
        ));
    }
    store::set_deleted(tx.conn(), post_id, None).await?;
    let tags = model::hashtags(&post.content);
    hashtags::set_hashtags(tx.conn(), post_id, &tags).await?;
    count(tx, user_id, &post, 1).await?;
    tx.emit(&PostRestored(post.reference(post_id, user_id)))
}

/// Why somebody may not touch a post that is not theirs: they don't see it, or they only see it.
pub(super) async fn refuse_stranger(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Error {
    match guard_within(tx.conn(), user_id, post_id).await {
        Ok(_) => Error::new(Code::Forbidden, "Only its author may do this to a post."),
        Err(error) => error,
    }
}

/// Counts the post in or out: at the post that it shares, then at its author.
async fn count(tx: &mut Tx, author_id: UserId, post: &OwnRow, change: i32) -> Result<()> {
    if let Some(original) = post.shared_post_id {
        counters::bump_shares(tx.conn(), original, change).await?;
        live::tell_counters(tx, original);
    }
    let mut tally = Tally::default();
    post.audience.count_in(&mut tally, change);
    users::bump(tx.conn(), &[(author_id, tally)]).await
}
