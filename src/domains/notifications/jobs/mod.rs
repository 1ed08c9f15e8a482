//! Events become notifications, and old ones go.

mod courier;
mod delivery;
mod handlers;
mod mail;
mod talks;

pub use courier::{Courier, start as start_courier};

use std::sync::Arc;
use std::time::Duration;

use super::store;
use crate::domains::auth::{AccountDeleted, PasswordReplaced};
use crate::domains::comments::{CommentCreated, CommentDeleted, CommentEdited};
use crate::domains::messaging::{GroupInvited, MessageRequested};
use crate::domains::posts::{PostAddressed, PostEdited};
use crate::domains::reactions::ReactionChanged;
use crate::domains::relations::{FriendAccepted, FriendRequestClosed, FriendRequested};
use crate::infra::jobs::{Kept, Registry, Retention, TOGETHER, Together};
use crate::kernel::{PostId, Result};
use crate::platform::Ctx;

/// Groups, and items of groups, that one statement deletes.
const BATCH: i64 = 1_000;

const OLD: Retention = Retention {
    what: "notifications, after the last thing that happened",
    kept: Kept::Days(90),
    job: "notifications.trim",
    every: Duration::from_hours(1),
};

const IDLE_DEVICES: Retention = Retention {
    what: "subscriptions to Web Push, after the end of the last session on the device",
    kept: Kept::Days(30),
    job: "notifications.trim-devices",
    every: Duration::from_hours(24),
};

const POST: &str = "notifications.post";

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    let together = Arc::new(Together::<PostId>::default());
    let posted = move |ctx: Ctx, event: PostAddressed| {
        let together = Arc::clone(&together);
        async move {
            let work = |ids| handlers::posted(&ctx, ids);
            together.just_done(event.0.post_id, work).await
        }
    };
    registry
        .on_event::<FriendRequested, _, _>("notifications.request", handlers::requested)
        .on_event::<FriendAccepted, _, _>("notifications.acceptance", handlers::accepted)
        .on_event::<FriendRequestClosed, _, _>("notifications.request-closed", handlers::closed)
        .on_event::<CommentCreated, _, _>("notifications.comment", handlers::commented)
        .on_event::<CommentEdited, _, _>("notifications.comment-edited", handlers::comment_edited)
        .on_event::<CommentDeleted, _, _>(
            "notifications.comment-deleted",
            handlers::comment_deleted,
        )
        .on_event::<PostAddressed, _, _>(POST, posted)
        .with_hands(POST, TOGETHER)
        .on_event::<PostEdited, _, _>("notifications.post-edited", handlers::post_edited)
        .on_event::<ReactionChanged, _, _>("notifications.reaction", handlers::reacted)
        .on_event::<MessageRequested, _, _>("notifications.message-request", talks::requested)
        .on_event::<PasswordReplaced, _, _>("notifications.end-devices", end_devices)
        .on_event::<AccountDeleted, _, _>("notifications.forget-devices", forget_devices)
        .on_event::<GroupInvited, _, _>("notifications.invitation", talks::invited)
        .keep(OLD, trim)
        .keep(IDLE_DEVICES, trim_devices)
}

/// Whoever had a session of theirs may have set a device of their own: those that are theirs are set again by
/// their clients.
async fn end_devices(ctx: Ctx, replaced: PasswordReplaced) -> Result<()> {
    let conn = &mut *ctx.conn().await?;
    store::delete_subscriptions(conn, replaced.user_id, Some(replaced.at)).await
}

/// Nothing is pushed to whoever has no account any more, and where it would go is not for us to keep.
async fn forget_devices(ctx: Ctx, deleted: AccountDeleted) -> Result<()> {
    let conn = &mut *ctx.conn().await?;
    store::delete_subscriptions(conn, deleted.user_id, None).await
}

async fn trim_devices(ctx: Ctx, rule: Retention) -> Result<()> {
    let before = rule.before(ctx.now());
    let mut conn = ctx.conn().await?;
    while store::trim_idle_subscriptions(&mut conn, before, BATCH).await? > 0 {}
    Ok(())
}

async fn trim(ctx: Ctx, rule: Retention) -> Result<()> {
    let before = rule.before(ctx.now());
    let mut conn = ctx.conn().await?;
    while store::trim(&mut conn, before, BATCH).await? > 0 {}
    while store::trim_mentions(&mut conn, before, BATCH).await? > 0 {}
    Ok(())
}
