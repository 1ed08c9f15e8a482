//! A new post.

use serde::Deserialize;
use utoipa::ToSchema;

use super::audience;
use super::guard::{guard_for_write, guard_within, named_in_body};
use crate::domains::posts::events::{PostAddressed, PostCreated, PostRef};
use crate::domains::posts::live;
use crate::domains::posts::model::{self, AudienceInput, Facts, PostContent, PostEntry, Wanted};
use crate::domains::posts::store::{audience as lists, counters, hashtags, posts as store};
use crate::domains::posts::view::{Author, warm_behind};
use crate::domains::users::{self, Tally};
use crate::kernel::text::Refusal;
use crate::kernel::{Error, PostId, Result, UserId};
use crate::platform::Tx;

/// What a person posts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPost {
    /// The text; only a share may be without one.
    content: Option<PostContent>,
    /// Whom it is for; left out, it is your `default_audience`.
    audience: Option<AudienceInput>,
    /// A post to share. The share of a share shares the original.
    shared_post_id: Option<PostId>,
}

/// Posts something; without an audience, for those whom `author` usually posts for.
pub async fn create_post(tx: &mut Tx, author: &Author, new: &NewPost) -> Result<PostEntry> {
    check_content(new)?;
    let author_id = author.account.user_id;
    let post_id: PostId = tx.new_id();
    let wanted = match &new.audience {
        Some(input) => input.0.clone(),
        None => Wanted::bare(author.audience),
    };
    let audience = audience::resolve(tx.conn(), author_id, post_id, &wanted).await?;
    let original = match new.shared_post_id {
        Some(shared) => Some(find_original(tx, author_id, shared).await?),
        None => None,
    };
    let now = tx.now();
    let op_id = tx.op_id().map(str::to_owned);
    let post = store::InsertPost {
        post_id,
        author_id,
        content: new.content.as_ref().map_or("", PostContent::as_str),
        audience: audience.kind,
        allow_all_friends: audience.allow_all_friends,
        shared_post_id: original.map(|original| original.post_id),
        op_id: op_id.as_deref(),
    };
    store::insert_post(tx.conn(), &post, now).await?;
    if !audience.members.is_empty() {
        lists::insert_members(tx.conn(), post_id, &audience.members).await?;
    }
    let tags = model::hashtags(post.content);
    if !tags.is_empty() {
        hashtags::set_hashtags(tx.conn(), post_id, &tags).await?;
    }
    if let Some(original) = original {
        counters::bump_shares(tx.conn(), original.post_id, 1).await?;
        live::tell_counters(tx, original.post_id);
    }
    let mut tally = Tally::default();
    audience.kind.count_in(&mut tally, 1);
    users::bump(tx.conn(), &[(author_id, tally)]).await?;
    let event = PostRef {
        post_id,
        author_id,
        created_at: now,
    };
    emit(tx, event, &post)?;
    tx.after_commit(move |ctx| warm_behind(ctx, author_id, post_id));
    Ok(post.made(audience.entries(), now))
}

fn emit(tx: &mut Tx, event: PostRef, post: &store::InsertPost<'_>) -> Result<()> {
    tx.emit(&PostCreated(event))?;
    if post.shared_post_id.is_some() || !model::mentioned_names(post.content).is_empty() {
        tx.emit(&PostAddressed(event))?;
    }
    Ok(())
}

fn check_content(new: &NewPost) -> Result<()> {
    let refusal = match &new.content {
        _ if new.shared_post_id.is_some() => None,
        None => Some(Refusal::new("required", "This member is required.")),
        Some(content) => content.is_blank().then(model::blank),
    };
    refusal.map_or(Ok(()), |refusal| {
        Err(Error::invalid(vec![refusal.at("/content")]))
    })
}

/// The post that is shared in truth, held until the share is there.
async fn find_original(tx: &mut Tx, user_id: UserId, shared: PostId) -> Result<Facts> {
    let named = guard_within(tx.conn(), user_id, shared)
        .await
        .map_err(named_in_body("/shared_post_id"))?;
    let original = named.shared_post_id.unwrap_or(shared);
    let original = guard_for_write(tx.conn(), user_id, original)
        .await
        .map_err(named_in_body("/shared_post_id"))?;
    if original.author_id != user_id && !original.audience.may_be_shared_by_others() {
        return Err(Error::invalid_field(
            "/shared_post_id",
            "not_shareable",
            "Its author has chosen who sees this post; it cannot be passed on.",
        ));
    }
    Ok(original)
}
