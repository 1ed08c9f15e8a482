//! The hint that a home feed has something new.

use serde_json::json;
use uuid::Uuid;

use crate::domains::posts::PostRef;
use crate::kernel::ids::Id;
use crate::kernel::{Error, Result, UserId};
use crate::platform::Ctx;
use crate::platform::realtime::{Event, Hub, Live, Member, Topic, tell_many};

const TOPIC: &str = "feed";

/// What this domain tells live.
pub const LIVE: Live = Live {
    topics: &[Topic::new(TOPIC, |_ctx, user_id, feed| {
        Box::pin(async move { may_join(user_id, feed) })
    })],
    snapshots: &[],
    renderings: &[],
    commands: &[],
    events: &[Event::state(
        "feed.new",
        TOPIC,
        &[
            Member::words("newest_id", "the newest post's id"),
            Member::words("created_at", "when that was posted"),
        ],
    )
    .says("there may be something new, of somebody with few enough readers to tell them all")],
};

/// A feed is its reader's alone.
fn may_join(user_id: UserId, feed: Uuid) -> Result<()> {
    if user_id.uuid() == feed {
        Ok(())
    } else {
        Err(Error::not_found())
    }
}

/// Whether this process has connections: without Redis it can tell nobody else.
pub(super) fn has_listeners(ctx: &Ctx) -> bool {
    Hub::of(ctx).is_some_and(|hub| hub.count() > 0)
}

/// Hints that these readers may find something new. It shows no post: whether they see it is judged when
/// the feed is read.
pub(super) fn tell_new(ctx: &Ctx, readers: Vec<UserId>, post: PostRef) {
    let ids = readers.into_iter().map(Id::uuid).collect();
    let d = json!({"newest_id": post.post_id, "created_at": post.created_at});
    tell_many(ctx, TOPIC, ids, "feed.new", d);
}
