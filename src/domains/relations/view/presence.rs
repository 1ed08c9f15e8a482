//! Who of a viewer's friends is there.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::super::cache::ties_of;
use super::sight::visible_among;
use crate::domains::users::SETTINGS;
use crate::kernel::{Result, Timestamp, UserId};
use crate::platform::realtime::presence::{self, Presence};
use crate::platform::sessions::{self, Viewer};
use crate::platform::{Ctx, Reads};

/// How present a friend is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FriendPresence {
    /// The friend.
    pub user_id: UserId,
    /// Whether they are there.
    pub state: Presence,
    /// When they were last here; null where one of the two does not show it.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub last_active_at: Option<Timestamp>,
}

/// Those who are there, and those who are not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Presences {
    /// In the order asked for, without those whose presence you may not see.
    pub data: Vec<FriendPresence>,
}

/// Those of these people whose presence the viewer sees, and whether they also see when they were last
/// here: friends who are there for them at all, and both show it. In the order given.
pub async fn watched(
    reads: &mut Reads<'_>,
    viewer: UserId,
    ids: &[UserId],
) -> Result<Vec<(UserId, bool)>> {
    let ties = ties_of(reads, Viewer::from(viewer)).await?;
    let mut friends = visible_among(reads, Viewer::from(viewer), ids).await?;
    friends.retain(|id| ties.is_friend(*id));
    let asked: Vec<UserId> = friends.iter().copied().chain([viewer]).collect();
    let settings = reads.get_many(&SETTINGS, &asked).await?;
    let Some(own) = settings.get(&viewer).filter(|own| own.show_presence) else {
        return Ok(Vec::new());
    };
    let seen = friends.into_iter().filter_map(|id| {
        let theirs = settings.get(&id).filter(|row| row.show_presence)?;
        Some((id, theirs.show_last_active && own.show_last_active))
    });
    Ok(seen.collect())
}

/// How present these people are, as far as the viewer may know.
pub async fn presences(ctx: &Ctx, viewer: UserId, ids: &[UserId]) -> Result<Vec<FriendPresence>> {
    let watched = watched(&mut Reads::cached(ctx), viewer, ids).await?;
    let seen: Vec<UserId> = watched.iter().map(|(id, _)| *id).collect();
    let states = presence::presences(ctx, &seen).await;
    let timed = watched.iter().filter(|(_, last)| *last).map(|(id, _)| *id);
    let timed: Vec<UserId> = timed.collect();
    let last = if timed.is_empty() {
        HashMap::new()
    } else {
        sessions::list_last_active(&mut *ctx.conn().await?, &timed).await?
    };
    let seen = seen.into_iter().map(|user_id| FriendPresence {
        user_id,
        state: states.get(&user_id).copied().unwrap_or(Presence::Offline),
        last_active_at: last.get(&user_id).copied(),
    });
    Ok(seen.collect())
}
