//! What each event means to whom. A handler looks up what is true by now, so it may run late, twice,
//! or after the handler of a later event.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::super::actions::{forget, notice};
use super::super::live::{self, Telling};
use super::super::model::{
    Deed, Happening, Kind, Subject, concerned_by_comment, concerned_by_post,
};
use super::super::store::{self, PostFacts};
use crate::domains::comments::{CommentCreated, CommentDeleted, CommentEdited, CommentRef};
use crate::domains::posts::{self, PostEdited, PostRef};
use crate::domains::reactions::ReactionChanged;
use crate::domains::relations::{FriendAccepted, FriendRequestClosed, FriendRequested};
use crate::kernel::ids::Id as _;
use crate::kernel::{FriendRequestId, PostId, Result, UserId};
use crate::platform::realtime::News;
use crate::platform::write::job_transaction;
use crate::platform::{Ctx, Tx};

/// Runs a handler in a transaction, and tells inboxes at its end what it has to tell.
pub(super) async fn write<F>(ctx: &Ctx, handler: F) -> Result<()>
where
    F: for<'a> Fn(&'a mut Tx, &'a mut Telling) -> BoxFuture<'a, Result<()>>,
    F: Send + Sync + 'static,
{
    let handler = Arc::new(handler);
    job_transaction(ctx, |tx| {
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            let mut telling = Telling::default();
            handler(tx, &mut telling).await?;
            telling.tell(tx);
            Ok(())
        })
    })
    .await
}

/// Runs a handler that says what has happened, as far as that still holds, and to whom notice of it is
/// given at its end.
pub(super) async fn noticed<F>(ctx: &Ctx, handler: F) -> Result<()>
where
    F: for<'a> Fn(&'a mut Tx, &'a mut Telling) -> BoxFuture<'a, Result<Vec<Happening>>>,
    F: Send + Sync + 'static,
{
    let handler = Arc::new(handler);
    write(ctx, move |tx, telling| {
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            let happenings = handler(tx, telling).await?;
            notice(tx, telling, happenings).await
        })
    })
    .await
}

/// Somebody asks for friendship.
pub async fn requested(ctx: Ctx, event: FriendRequested) -> Result<()> {
    let request = event.0;
    noticed(&ctx, move |tx, telling| {
        Box::pin(async move {
            let id = request.friend_request_id;
            let Some(at) = store::find_open_request(tx.conn(), id).await? else {
                return Ok(Vec::new());
            };
            let (asked, sender) = (request.recipient_id, request.sender_id);
            tell_request(telling, live::FRIEND_REQUESTED, asked, (sender, id));
            let deed = Deed {
                actor_id: sender,
                source_id: id.uuid(),
                at,
            };
            Ok(deed.to([(asked, Subject::Request(Kind::FriendRequest, id))]))
        })
    })
    .await
}

/// A request is told beside its notification, for those who keep a list of them.
fn tell_request(
    telling: &mut Telling,
    kind: &'static str,
    to: UserId,
    (actor, id): (UserId, FriendRequestId),
) {
    let news = News {
        object_id: Some(id.uuid()),
        actor: Some(actor),
        ..live::news(to, kind, serde_json::Value::Null)
    };
    telling.add(to, news);
}

/// A request is accepted: the one who asked hears of it, and nothing waits for the other any more.
pub async fn accepted(ctx: Ctx, event: FriendAccepted) -> Result<()> {
    let request = event.0;
    noticed(&ctx, move |tx, telling| {
        Box::pin(async move {
            let id = request.friend_request_id;
            let kinds = [Kind::FriendRequest];
            let gone = store::forget_source(tx.conn(), &kinds, id.uuid(), None).await?;
            forget(tx, telling, &gone).await?;
            let Some(at) = store::find_acceptance(tx.conn(), id).await? else {
                return Ok(Vec::new());
            };
            let (asked, sender) = (request.recipient_id, request.sender_id);
            tell_request(telling, live::FRIEND_ACCEPTED, sender, (asked, id));
            let deed = Deed {
                actor_id: asked,
                source_id: id.uuid(),
                at,
            };
            Ok(deed.to([(sender, Subject::Request(Kind::FriendAccepted, id))]))
        })
    })
    .await
}

/// A request ended without friendship.
pub async fn closed(ctx: Ctx, event: FriendRequestClosed) -> Result<()> {
    let id = event.friend_request_id.uuid();
    write(&ctx, move |tx, telling| {
        Box::pin(async move {
            let kinds = [Kind::FriendRequest];
            let gone = store::forget_source(tx.conn(), &kinds, id, None).await?;
            forget(tx, telling, &gone).await
        })
    })
    .await
}

/// Somebody has commented: whom they call hears of that, else whom they answer, else whose post it is.
pub async fn commented(ctx: Ctx, event: CommentCreated) -> Result<()> {
    let CommentRef { comment_id, .. } = event.0;
    noticed(&ctx, move |tx, _telling| {
        Box::pin(async move {
            let Some(comment) = store::find_comment(tx.conn(), comment_id).await? else {
                return Ok(Vec::new());
            };
            let called = called(tx, &comment.content, comment.post_id).await?;
            let deed = Deed {
                actor_id: comment.author_id,
                source_id: comment_id.uuid(),
                at: comment.created_at,
            };
            let on = (comment.post_id, comment_id);
            let answered = comment.parent_author_id.zip(comment.parent_id);
            let owner = comment.post_author_id;
            Ok(deed.to(concerned_by_comment(on, &called, answered, owner)))
        })
    })
    .await
}

/// A comment says something else: it may call others now.
pub async fn comment_edited(ctx: Ctx, event: CommentEdited) -> Result<()> {
    let CommentRef { comment_id, .. } = event.0;
    noticed(&ctx, move |tx, telling| {
        Box::pin(async move {
            let Some(comment) = store::find_comment(tx.conn(), comment_id).await? else {
                return Ok(Vec::new());
            };
            let edit = Deed {
                actor_id: comment.author_id,
                source_id: comment_id.uuid(),
                at: comment.edited_at.unwrap_or(comment.created_at),
            };
            let mention = Subject::CommentMention(comment.post_id, comment_id);
            let text = (comment.content.as_str(), comment.post_id);
            mentioned_anew(tx, telling, &edit, text, mention).await
        })
    })
    .await
}

/// A text, which is a post or on one, says something else now: of those whom it called, some are called no more.
/// Whom it calls and who may not see it any more is not told so: it is shown again once they may.
async fn mentioned_anew(
    tx: &mut Tx,
    telling: &mut Telling,
    edit: &Deed,
    (text, post_id): (&str, PostId),
    mention: Subject,
) -> Result<Vec<Happening>> {
    let names = posts::mentioned_names(text);
    let gone = store::forget_mentions(tx.conn(), edit.source_id, &names).await?;
    forget(tx, telling, &gone).await?;
    let called = called(tx, text, post_id).await?;
    Ok(edit.to(called.into_iter().map(|user_id| (user_id, mention))))
}

/// A comment is gone, and with it all that was told of it.
pub async fn comment_deleted(ctx: Ctx, event: CommentDeleted) -> Result<()> {
    let CommentRef { comment_id, .. } = event.0;
    write(&ctx, move |tx, telling| {
        Box::pin(async move {
            let kinds = [Kind::Comment, Kind::Reply, Kind::Mention];
            let mut gone = store::forget_source(tx.conn(), &kinds, comment_id.uuid(), None).await?;
            gone.extend(store::forget_comment(tx.conn(), comment_id).await?);
            forget(tx, telling, &gone).await
        })
    })
    .await
}

/// Whom new posts call hears of it, and whose post they share.
pub async fn posted(ctx: &Ctx, ids: Vec<PostId>) -> Result<()> {
    let ids = Arc::new(ids);
    noticed(ctx, move |tx, _telling| {
        let ids = Arc::clone(&ids);
        Box::pin(async move {
            let posts = store::list_posts(tx.conn(), &ids).await?;
            let texts = posts.iter().map(|post| (post.post_id, &*post.content));
            let calls = store::list_called(tx.conn(), &calls(texts)).await?;
            Ok(posts
                .iter()
                .flat_map(|post| addressed(post, &calls))
                .collect())
        })
    })
    .await
}

/// What a post is to those whom it concerns.
fn addressed(post: &PostFacts, calls: &[(PostId, UserId)]) -> Vec<Happening> {
    let of_it = calls.iter().filter(|(post_id, _)| *post_id == post.post_id);
    let called: Vec<UserId> = of_it.map(|(_, user_id)| *user_id).collect();
    let shared = post.shared_author_id.zip(post.shared_post_id);
    let deed = Deed {
        actor_id: post.author_id,
        source_id: post.post_id.uuid(),
        at: post.created_at,
    };
    deed.to(concerned_by_post(post.post_id, &called, shared))
}

/// A post says something else, or is for others: it may call others now.
pub async fn post_edited(ctx: Ctx, event: PostEdited) -> Result<()> {
    let PostRef { post_id, .. } = event.0;
    noticed(&ctx, move |tx, telling| {
        Box::pin(async move {
            let Some(post) = store::list_posts(tx.conn(), &[post_id]).await?.pop() else {
                return Ok(Vec::new());
            };
            let edit = Deed {
                actor_id: post.author_id,
                source_id: post_id.uuid(),
                at: post.edited_at.unwrap_or(post.created_at),
            };
            let (text, mention) = ((&*post.content, post_id), Subject::PostMention(post_id));
            mentioned_anew(tx, telling, &edit, text, mention).await
        })
    })
    .await
}

/// Somebody has reacted, or taken it back. Another reaction in place of one is no news.
pub async fn reacted(ctx: Ctx, event: ReactionChanged) -> Result<()> {
    if event.was_there && event.is_there {
        return Ok(());
    }
    noticed(&ctx, move |tx, telling| {
        Box::pin(async move {
            let (target, actor_id) = (event.target(), event.user_id);
            let found = store::find_reaction(tx.conn(), target, actor_id).await?;
            let Some(reaction) = found else {
                let kinds = [Kind::Reaction];
                let gone =
                    store::forget_source(tx.conn(), &kinds, target.id, Some(actor_id)).await?;
                forget(tx, telling, &gone).await?;
                return Ok(Vec::new());
            };
            let post_id = reaction.post_id;
            let on_comment = |comment_id| Subject::CommentReactions(post_id, comment_id);
            let on_post = Subject::PostReactions(post_id);
            let subject = reaction.comment_id.map_or(on_post, on_comment);
            let deed = Deed {
                actor_id,
                source_id: target.id,
                at: reaction.at,
            };
            Ok(deed.to([(reaction.author_id, subject)]))
        })
    })
    .await
}

/// Whom a text calls, of those who may see the post that it is, or is on.
async fn called(tx: &mut Tx, text: &str, post_id: PostId) -> Result<Vec<UserId>> {
    let calls = store::list_called(tx.conn(), &calls([(post_id, text)])).await?;
    Ok(calls.into_iter().map(|(_, user_id)| user_id).collect())
}

/// The names that texts call, each with the post that the text is, or is on.
fn calls<'a>(texts: impl IntoIterator<Item = (PostId, &'a str)>) -> Vec<(PostId, String)> {
    let named = texts.into_iter().flat_map(|(post_id, text)| {
        let names = posts::mentioned_names(text);
        names.into_iter().map(move |name| (post_id, name))
    });
    named.collect()
}
