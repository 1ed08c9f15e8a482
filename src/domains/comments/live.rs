//! What listeners of a post are told of its comments, and the frame that writes one.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::actions::comment_made;
use super::model::{CommentOrder, NewComment, Thread};
use super::routes::COMMENTS;
use super::view;
use crate::domains::posts;
use crate::kernel::ids::Id as _;
use crate::kernel::page::Slice;
use crate::kernel::{CommentId, Error, PostId, Result, UserId};
use crate::platform::realtime::{
    Apart, Command, Event, Inbound, Live, Member, News, Rendering, Told, answer_as,
};
use crate::platform::sessions::{CurrentUser, Viewer};
use crate::platform::{Ctx, Reads, Tx};

const COMMENT: &[Member] = &[Member::of::<view::Comment>("comment")];

/// What this domain tells live.
pub const LIVE: Live = Live {
    topics: &[],
    snapshots: &[(posts::TOPIC, |ctx, me, post_id, limit| {
        Box::pin(snapshot(ctx, me, PostId::from_uuid(post_id), limit))
    })],
    renderings: &[Rendering {
        kinds: &["comment.created", "comment.edited", "comment.deleted"],
        render: |ctx, _viewer, told| Box::pin(render(ctx, told)),
    }],
    commands: &[Command {
        op: "comment.create",
        twin: Some(("POST", COMMENTS)),
        run: |ctx, me, frame| Box::pin(create(ctx, me, frame)),
    }],
    events: &[
        Event::durable("comment.created", posts::TOPIC, COMMENT),
        Event::durable("comment.edited", posts::TOPIC, COMMENT),
        Event::durable("comment.deleted", posts::TOPIC, COMMENT)
            .says("a tombstone, or no more than `id`, `post_id` and `deleted`"),
    ],
};

async fn create(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<PostId>::of(&frame, "post_id", COMMENTS)?;
    let new: NewComment = apart.body()?;
    answer_as(&ctx, me, apart.key, "comment", async |tx: &mut Tx| {
        comment_made(tx, me.id, apart.id, &new).await
    })
    .await
}

/// The newest comments of a post as somebody sees them, newest first.
async fn snapshot(ctx: Ctx, me: UserId, post_id: PostId, limit: u16) -> Result<Value> {
    ctx.cache().step().await;
    let (reads, viewer) = (&mut Reads::cached(&ctx), Viewer::from(me));
    posts::guard(reads, viewer, post_id).await?;
    let (thread, slice) = (Thread::Post(post_id), Slice::first(limit));
    let places = view::places(reads, viewer, thread, CommentOrder::Newest, &slice).await?;
    let newest = slice.page(places).items;
    let comments = view::comments(reads, viewer, &newest).await?;
    Ok(json!({ "comments": comments }))
}

/// A comment that is gone is told only as that; one that stands for its replies as it is shown.
async fn render(ctx: Ctx, told: Vec<Told>) -> Result<Vec<Option<Value>>> {
    let ids: Vec<CommentId> = told
        .iter()
        .filter_map(|one| one.object_id.map(CommentId::from_uuid))
        .collect();
    let comments = view::for_everybody(&mut Reads::cached(&ctx), &ids).await?;
    let comments = comments
        .into_iter()
        .map(|comment| (comment.id.uuid(), comment));
    let comments: HashMap<_, _> = comments.collect();
    told.iter()
        .map(|one| {
            let comment = one.object_id.and_then(|id| comments.get(&id));
            Ok(match comment {
                Some(comment) => {
                    let comment = serde_json::to_value(comment).map_err(Error::internal)?;
                    Some(json!({"comment": comment}))
                }
                None if one.kind == "comment.deleted" => Some(json!({"comment": {
                    "id": one.object_id, "post_id": one.channel.id, "deleted": true}})),
                None => None,
            })
        })
        .collect()
}

/// Tells of a comment that this transaction has written and rendered.
pub(super) fn tell_made(tx: &mut Tx, comment: &view::Comment) {
    let shown = view::Comment {
        viewer: None,
        op_id: None,
        ..comment.clone()
    };
    let news = news(
        "comment.created",
        comment.author.id,
        comment.post_id,
        comment.id,
    );
    posts::tell_counters(tx, comment.post_id);
    tx.publish_ready(news, json!({"comment": shown}));
}

/// Tells of a change to a comment.
pub(super) fn tell(
    tx: &mut Tx,
    kind: &'static str,
    actor: UserId,
    post_id: PostId,
    comment_id: CommentId,
) {
    posts::tell_counters(tx, post_id);
    tx.publish(news(kind, actor, post_id, comment_id));
}

fn news(kind: &'static str, actor: UserId, post_id: PostId, comment_id: CommentId) -> News {
    News {
        channel: posts::channel(post_id.uuid()),
        kind,
        object_id: Some(comment_id.uuid()),
        actor: Some(actor),
        detail: Value::Null,
    }
}
