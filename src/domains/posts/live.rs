//! What listeners of a post are told: that it was edited or removed, and its numbers. Comments are told
//! on the same channel by their own domain.

use serde_json::{Value, json};
use uuid::Uuid;

use super::view;
use crate::kernel::ids::Id as _;
use crate::kernel::{Error, PostId, Result, UserId};
use crate::platform::realtime::{
    Attendance, Channel, Event, Live, Member, News, Rendering, Signal, Told, Topic, tell_calmly,
};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads, Tx};

/// The topic of posts.
pub const TOPIC: &str = "post";
const EDITED: &str = "post.edited";
const REMOVED: &str = "post.removed";

/// What this domain tells live.
pub const LIVE: Live = Live {
    topics: &[Topic {
        member_tag: Some(|post_id| format!("post:{post_id}")),
        doubted_by: &["circle", "standing"],
        heeds_relations: true,
        asks_at: &[EDITED],
        ends_with: &[REMOVED],
        farewell: Some(|post_id| (REMOVED, json!({"post_id": post_id}))),
        skips_blocked: true,
        attendance: Attendance::Counted,
        ..Topic::new(TOPIC, |ctx, user_id, post_id| {
            Box::pin(may_join(ctx, user_id, post_id))
        })
    }],
    snapshots: &[],
    renderings: &[Rendering {
        kinds: &[EDITED],
        render: |ctx, _viewer, told| Box::pin(render(ctx, told)),
    }],
    commands: &[],
    events: &[
        Event::durable(EDITED, TOPIC, &[Member::of::<view::Post>("post")])
            .says("also when it is for others now"),
        Event::durable(REMOVED, TOPIC, &[Member::words("post_id", "its id")]).says(
            "deleted, or no longer visible to you (then without `e` and `o`); the subscription ends",
        ),
        Event::state(
            "post.counters",
            TOPIC,
            &[
                Member::words("post_id", "its id"),
                Member::of::<view::PostCounts>("counts"),
            ],
        )
        .says("once a second at most"),
    ],
};

/// The channel of a post.
pub const fn channel(post_id: Uuid) -> Channel {
    Channel::new(TOPIC, post_id)
}

async fn may_join(ctx: Ctx, user_id: UserId, post_id: Uuid) -> Result<()> {
    let post_id = PostId::from_uuid(post_id);
    view::guard(&mut Reads::cached(&ctx), Viewer::from(user_id), post_id).await?;
    Ok(())
}

async fn render(ctx: Ctx, told: Vec<Told>) -> Result<Vec<Option<Value>>> {
    let mut rendered = Vec::with_capacity(told.len());
    for one in told {
        let post_id = PostId::from_uuid(one.channel.id);
        let post = view::for_everybody(&ctx, &mut Reads::cached(&ctx), post_id).await?;
        rendered.push(post.map(|post| json!({"post": post})));
    }
    Ok(rendered)
}

/// Tells that a post says something else now, or is for others.
pub(super) fn tell_edited(tx: &mut Tx, author_id: UserId, post_id: PostId) {
    tell(tx, author_id, post_id, EDITED, Value::Null);
}

/// Tells that a post is gone.
pub(super) fn tell_removed(tx: &mut Tx, author_id: UserId, post_id: PostId) {
    let detail = json!({"post_id": post_id});
    tell(tx, author_id, post_id, REMOVED, detail);
}

fn tell(tx: &mut Tx, author_id: UserId, post_id: PostId, kind: &'static str, detail: Value) {
    let news = News {
        channel: channel(post_id.uuid()),
        kind,
        object_id: Some(post_id.uuid()),
        actor: Some(author_id),
        detail,
    };
    tx.publish(news);
}

/// Has the numbers of a post told after the commit, once a second at most.
pub fn tell_counters(tx: &mut Tx, post_id: PostId) {
    tx.after_commit(move |ctx| {
        tell_calmly(ctx, channel(post_id.uuid()), |ctx, post_id| {
            Box::pin(counters(ctx, post_id))
        });
    });
}

async fn counters(ctx: Ctx, post_id: Uuid) -> Result<Option<Signal>> {
    let id = PostId::from_uuid(post_id);
    let counts = view::counts(&mut Reads::cached(&ctx), id).await?;
    let counts = serde_json::to_value(counts).map_err(Error::internal)?;
    let d = json!({"post_id": post_id, "counts": counts});
    Ok(Some(Signal::state(channel(post_id), "post.counters", d)))
}
