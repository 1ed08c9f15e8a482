//! An edit of one's own post.

use serde::Deserialize;
use utoipa::ToSchema;

use super::audience::{self, Resolved};
use super::remove::refuse_stranger;
use crate::domains::posts::events::{PostEdited, PostWidened};
use crate::domains::posts::live;
use crate::domains::posts::model::{self, AudienceInput, AudienceKind, PostContent};
use crate::domains::posts::store::{audience as lists, hashtags, posts as store, revisions};
use crate::domains::users::{self, Tally};
use crate::kernel::{Error, PostId, Result, UserId};
use crate::platform::Tx;
use crate::platform::http::{IfMatch, not_null};

/// What an author may change. Absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostChange {
    /// The text.
    #[schema(value_type = PostContent, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    content: Option<PostContent>,
    /// Whom it is for, from now on.
    #[schema(value_type = AudienceInput, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    audience: Option<AudienceInput>,
}

/// Changes a post and keeps what it said before. `if_match` guards against an edit that the client
/// has not seen. A change that changes nothing leaves the version as it is.
pub async fn update_post(
    tx: &mut Tx,
    user_id: UserId,
    post_id: PostId,
    change: &PostChange,
    if_match: IfMatch,
) -> Result<()> {
    let Some(old) = store::lock_own(tx.conn(), user_id, post_id).await? else {
        return Err(refuse_stranger(tx, user_id, post_id).await);
    };
    if old.deleted_at.is_some() {
        return Err(Error::not_found());
    }
    if_match.check(old.version)?;
    let content = match &change.content {
        Some(content) if content.is_blank() && old.shared_post_id.is_none() => {
            return Err(Error::invalid(vec![model::blank().at("/content")]));
        }
        Some(content) => content.as_str(),
        None => &old.content,
    };
    let audience = match &change.audience {
        Some(input) => {
            let wanted = audience::resolve(tx.conn(), user_id, post_id, &input.0).await?;
            let before = audience::stored_reach(tx.conn(), post_id, &old).await?;
            (wanted.reach() != before).then_some((wanted, before))
        }
        None => None,
    };
    if content == old.content && audience.is_none() {
        return Ok(());
    }
    revisions::insert_revision(tx.conn(), post_id).await?;
    let (kind, all) = match &audience {
        Some((new, _)) => (new.kind, new.allow_all_friends),
        None => (old.audience, old.allow_all_friends),
    };
    let now = tx.now();
    store::update_post(tx.conn(), post_id, content, kind, all, now).await?;
    let tags = model::hashtags(content);
    hashtags::set_hashtags(tx.conn(), post_id, &tags).await?;
    if let Some((new, _)) = &audience {
        replace_lists(tx, post_id, new).await?;
    }
    let reference = old.reference(post_id, user_id);
    tx.emit(&PostEdited(reference))?;
    if audience.is_some_and(|(new, before)| new.reach().is_wider_than(&before)) {
        tx.emit(&PostWidened(reference))?;
    }
    move_between_counters(tx, user_id, old.audience, kind).await?;
    live::tell_edited(tx, user_id, post_id);
    Ok(())
}

async fn replace_lists(tx: &mut Tx, post_id: PostId, new: &Resolved) -> Result<()> {
    lists::delete_members(tx.conn(), post_id).await?;
    lists::insert_members(tx.conn(), post_id, &new.members).await
}

/// The post counts among those of its author for the new audience, and no longer for the old one.
async fn move_between_counters(
    tx: &mut Tx,
    author_id: UserId,
    old: AudienceKind,
    new: AudienceKind,
) -> Result<()> {
    if old == new {
        return Ok(());
    }
    let mut tally = Tally::default();
    old.count_in(&mut tally, -1);
    new.count_in(&mut tally, 1);
    users::bump(tx.conn(), &[(author_id, tally)]).await
}
