//! Counts of what waits for a person.

use serde::Serialize;
use utoipa::ToSchema;

use super::judge::Judge;
use crate::domains::notifications::cache::NOTIFICATIONS;
use crate::domains::notifications::model::Channel;
use crate::domains::{messaging, relations};
use crate::kernel::{Result, UserId};
use crate::platform::{Ctx, Reads};

/// How much waits for a person. What they may not see does not count.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
#[schema(as = WaitingCounts)]
pub struct Counts {
    /// Notifications, of the last hundred.
    pub notifications: NotificationCounts,
    /// Messages.
    pub messages: MessageCounts,
    /// Requests for friendship.
    pub friend_requests: FriendRequestCounts,
}

/// Notifications that wait, each group as one.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct NotificationCounts {
    /// New since the list was last looked at.
    pub unseen: i64,
    /// Not read.
    pub unread: i64,
}

/// Messages that wait.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct MessageCounts {
    /// Conversations with something new.
    pub conversations: i64,
    /// Strangers who have written.
    pub requests: i64,
}

/// Requests for friendship that wait.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct FriendRequestCounts {
    /// New since the list was last looked at.
    pub unseen: i64,
    /// All that wait for an answer.
    pub pending: i64,
}

/// What waits for `user_id`.
pub async fn counts(ctx: &Ctx, reads: &mut Reads<'_>, user_id: UserId) -> Result<Counts> {
    let requests = relations::count_requests(reads, user_id).await?;
    let messages = messaging::count_waiting(reads, user_id).await?;
    Ok(Counts {
        notifications: count_notifications(ctx, reads, user_id).await?,
        messages: MessageCounts {
            conversations: messages.unread,
            requests: messages.requests,
        },
        friend_requests: FriendRequestCounts {
            unseen: requests.unseen,
            pending: requests.pending,
        },
    })
}

async fn count_notifications(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    user_id: UserId,
) -> Result<NotificationCounts> {
    let hot = reads.load(&NOTIFICATIONS, &user_id).await?;
    let judge = Judge::load(reads, user_id, &hot.groups, ctx.now()).await?;
    let mut counts = NotificationCounts::default();
    for shown in hot
        .groups
        .iter()
        .filter_map(|group| judge.show(group, Channel::InApp))
    {
        counts.unseen += i64::from(!shown.seen);
        counts.unread += i64::from(!shown.read);
    }
    Ok(counts)
}
