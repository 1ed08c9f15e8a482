//! What people do with comments. Locks are taken in one order by all: the post, the comment, the
//! counters.

use super::events::{CommentCreated, CommentDeleted, CommentEdited, CommentRef};
use super::live;
use super::model::{CommentChange, NewComment, depth_below};
use super::store::{self, Facts, NewRow};
use super::view::{self, Comment};
use crate::domains::posts;
use crate::domains::reactions::{self, Kind};
use crate::kernel::{Code, CommentId, Error, PostId, Result, UserId};
use crate::platform::http::IfMatch;
use crate::platform::{Answer, Tx};

/// Comments on a post, or replies to a comment on it, and tells it as its author is answered.
async fn create_comment(
    tx: &mut Tx,
    author_id: UserId,
    post_id: PostId,
    new: &NewComment,
) -> Result<Comment> {
    posts::guard_for_write(tx.conn(), author_id, post_id).await?;
    let depth = match new.parent_id {
        None => 0,
        Some(parent_id) => {
            store::share_comment(tx.conn(), parent_id).await?;
            let parent = store::find_facts(tx.conn(), Some(author_id), parent_id)
                .await?
                .filter(|parent| parent.post_id == post_id)
                .ok_or_else(Error::not_found)?;
            depth_below(parent.depth)?
        }
    };
    let (comment_id, now, op_id) = (tx.new_id(), tx.now(), tx.op_id().map(str::to_owned));
    let row = NewRow {
        comment_id,
        post_id,
        parent_id: new.parent_id,
        depth,
        author_id,
        content: new.content.as_str(),
        op_id: op_id.as_deref(),
    };
    let made = store::insert_comment(tx.conn(), &row, now).await?;
    tx.emit(&CommentCreated(CommentRef {
        comment_id,
        post_id,
        parent_id: new.parent_id,
        author_id,
    }))?;
    count(tx, post_id, new.parent_id, 1).await?;
    let comment = view::fresh(&mut tx.reads(), &made).await?;
    live::tell_made(tx, &comment);
    Ok(comment)
}

/// The same, and answers with the comment, for requests and for frames alike.
pub async fn comment_made(
    tx: &mut Tx,
    author_id: UserId,
    post_id: PostId,
    new: &NewComment,
) -> Result<Answer> {
    let body = create_comment(tx, author_id, post_id, new).await?;
    Answer::created(format!("/v1/comments/{}", body.id), body.version, &body)
}

/// Changes what one's own comment says. `if_match` guards against an edit that the client has not
/// seen.
pub async fn update_comment(
    tx: &mut Tx,
    user_id: UserId,
    comment_id: CommentId,
    change: &CommentChange,
    if_match: IfMatch,
) -> Result<()> {
    let (facts, _post) = hold_for_change(tx, user_id, comment_id).await?;
    if facts.author_id != user_id {
        return Err(forbidden("Only the author of a comment may edit it."));
    }
    if_match.check(facts.version)?;
    if let Some(content) = &change.content {
        let now = tx.now();
        if store::update_content(tx.conn(), comment_id, content.as_str(), now).await? {
            tx.emit(&CommentEdited(facts.reference(comment_id)))?;
            live::tell(tx, "comment.edited", user_id, facts.post_id, comment_id);
        }
    }
    Ok(())
}

/// Deletes a comment: its author may, and the author of the post.
pub async fn delete_comment(tx: &mut Tx, user_id: UserId, comment_id: CommentId) -> Result<()> {
    let (facts, post) = hold_for_change(tx, user_id, comment_id).await?;
    if user_id != facts.author_id && user_id != post.author_id {
        return Err(forbidden(
            "Only its author and the author of the post may delete a comment.",
        ));
    }
    let now = tx.now();
    store::mark_deleted(tx.conn(), comment_id, now).await?;
    tx.emit(&CommentDeleted(facts.reference(comment_id)))?;
    count(tx, facts.post_id, facts.parent_id, -1).await?;
    live::tell(tx, "comment.deleted", user_id, facts.post_id, comment_id);
    Ok(())
}

/// Sets one's reaction to a comment, or takes it back with `None`.
pub async fn set_reaction(
    tx: &mut Tx,
    user_id: UserId,
    comment_id: CommentId,
    kind: Option<Kind>,
) -> Result<()> {
    let post_id = load_facts(tx, user_id, comment_id).await?.post_id;
    posts::guard_for_write(tx.conn(), user_id, post_id).await?;
    store::share_comment(tx.conn(), comment_id).await?;
    load_facts(tx, user_id, comment_id).await?;
    match kind {
        Some(kind) => reactions::react(tx, comment_id.into(), user_id, kind).await,
        None => reactions::unreact(tx, comment_id.into(), user_id).await,
    }
}

/// Locks a comment and reads it and its post again: what was true before the locks may have changed.
async fn hold_for_change(
    tx: &mut Tx,
    user_id: UserId,
    comment_id: CommentId,
) -> Result<(Facts, posts::Facts)> {
    let post_id = load_facts(tx, user_id, comment_id).await?.post_id;
    let post = posts::guard_for_write(tx.conn(), user_id, post_id).await?;
    store::lock_comment(tx.conn(), comment_id).await?;
    Ok((load_facts(tx, user_id, comment_id).await?, post))
}

async fn load_facts(tx: &mut Tx, user_id: UserId, comment_id: CommentId) -> Result<Facts> {
    store::find_facts(tx.conn(), Some(user_id), comment_id)
        .await?
        .ok_or_else(Error::not_found)
}

/// Counters, last: every writer takes the parent's before the post's.
async fn count(
    tx: &mut Tx,
    post_id: PostId,
    parent_id: Option<CommentId>,
    change: i32,
) -> Result<()> {
    if let Some(parent_id) = parent_id {
        store::bump_replies(tx.conn(), parent_id, change).await?;
    }
    posts::bump_comments(tx.conn(), post_id, change).await
}

fn forbidden(detail: &'static str) -> Error {
    Error::new(Code::Forbidden, detail)
}
