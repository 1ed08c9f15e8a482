//! A viewer's relationship with another person.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::super::cache::{STANDING, TIES};
use super::super::model::{Between, Friendship, Standing, can_see_person};
use super::sight::visible_among;
use crate::domains::users::{SETTINGS, USER};
use crate::kernel::{Error, FriendRequestId, Result, Timestamp, UserId, distinct};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// What lies between the viewer and another person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Relationship {
    /// The other person.
    pub user_id: UserId,
    /// How far the two are with their friendship.
    pub friendship: Friendship,
    /// The open request between them.
    #[schema(required)]
    pub friend_request_id: Option<FriendRequestId>,
    /// Whether the viewer follows them.
    pub following: bool,
    /// Whether they follow the viewer.
    pub followed_by: bool,
    /// Whether the viewer has blocked them.
    pub blocking: bool,
    /// Until when the viewer has muted them; a mute without an end says the year 9999.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub muted_until: Option<Timestamp>,
    /// How many friends of both the viewer may see.
    pub mutual_friends: i64,
    /// Whether the viewer may write to them without being asked.
    pub can_message: bool,
    /// Whether the viewer may ask them for friendship now.
    pub can_request: bool,
}

impl Relationship {
    /// What the viewer is told of it at `now`.
    pub fn new(standing: &Standing, now: Timestamp) -> Self {
        let seen = can_see_person(standing.sight());
        let between = &standing.between;
        Self {
            user_id: standing.user_id,
            friendship: standing.friendship(),
            friend_request_id: between.friend_request_id,
            following: between.following,
            followed_by: between.followed_by,
            blocking: between.blocking,
            muted_until: between.muted_until(now, forever()),
            // Whoever is hidden from the viewer tells nothing about their friends either.
            mutual_friends: if seen { standing.mutual_friends } else { 0 },
            can_message: standing.can_message(),
            can_request: standing.can_request(),
        }
    }
}

/// How a mute without an end is told: the last instant that every date type can hold.
pub fn forever() -> Timestamp {
    const MICROS: i64 = 253_402_300_799_999_000;
    Timestamp::from_micros(MICROS)
        .unwrap_or(Timestamp::new(chrono::DateTime::<chrono::Utc>::MAX_UTC))
}

/// What lies between `viewer` and those of these people whom there are, whoever may see whom.
pub async fn standings(
    reads: &mut Reads<'_>,
    viewer: UserId,
    ids: &[UserId],
) -> Result<HashMap<UserId, Standing>> {
    let people = reads.get_many(&USER, ids).await?;
    let known: Vec<UserId> = people.keys().copied().collect();
    let pairs: Vec<(UserId, UserId)> = known.iter().map(|id| (viewer, *id)).collect();
    let between = reads.get_many(&STANDING, &pairs).await?;
    let settings = reads.get_many(&SETTINGS, &known).await?;
    let mutual = count_mutual_friends(reads, viewer, &known).await?;
    let standing = |user_id: &UserId| {
        let settings = settings.get(user_id)?;
        let standing = Standing {
            user_id: *user_id,
            is_active: people.get(user_id)?.is_active(),
            between: Between::clone(between.get(&(viewer, *user_id))?),
            mutual_friends: mutual.get(user_id).copied().unwrap_or_default(),
            who_can_request: settings.who_can_request,
            who_can_message: settings.who_can_message,
        };
        Some((*user_id, standing))
    };
    Ok(known.iter().filter_map(standing).collect())
}

/// How many friends `viewer` has in common with each of these people, of those whom they may see.
async fn count_mutual_friends(
    reads: &mut Reads<'_>,
    viewer: UserId,
    ids: &[UserId],
) -> Result<HashMap<UserId, i64>> {
    let everybody: Vec<UserId> = ids.iter().copied().chain([viewer]).collect();
    let ties = reads.get_many(&TIES, &everybody).await?;
    let mine = ties.get(&viewer).ok_or_else(Error::not_found)?;
    let common: Vec<(UserId, Vec<UserId>)> = ids
        .iter()
        .filter_map(|id| Some((*id, mine.common_friends(ties.get(id)?))))
        .collect();
    // However many people are asked about, no more friends than the viewer's own are looked up.
    let all = distinct(common.iter().flat_map(|(_, them)| them).copied());
    let seen = visible_among(reads, Viewer::from(viewer), &all).await?;
    let seen: HashSet<UserId> = seen.into_iter().collect();
    let count = |them: &Vec<UserId>| {
        let seen = them.iter().filter(|id| seen.contains(*id));
        i64::try_from(seen.count()).unwrap_or(i64::MAX)
    };
    Ok(common.iter().map(|(id, them)| (*id, count(them))).collect())
}

/// What lies between `viewer` and one person, who may be hidden from them.
pub async fn standing(reads: &mut Reads<'_>, viewer: UserId, user_id: UserId) -> Result<Standing> {
    let found = standings(reads, viewer, &[user_id]).await?.remove(&user_id);
    found.ok_or_else(Error::not_found)
}

/// The relationship with one person, for the answer to a change of it.
pub async fn relationship(
    reads: &mut Reads<'_>,
    viewer: UserId,
    user_id: UserId,
    now: Timestamp,
) -> Result<Relationship> {
    let standing = standing(reads, viewer, user_id).await?;
    Ok(Relationship::new(&standing, now))
}

/// Relationships in the order of `ids`, without people who are hidden from the viewer, but with
/// those whom the viewer has blocked.
pub async fn relationships(
    reads: &mut Reads<'_>,
    viewer: UserId,
    ids: &[UserId],
    now: Timestamp,
) -> Result<Vec<Relationship>> {
    let found = standings(reads, viewer, ids).await?;
    let shown = |id: &UserId| {
        let standing = found.get(id)?;
        let between = &standing.between;
        let is_blocker = between.blocking && standing.is_active && !between.blocked_by;
        let seen = can_see_person(standing.sight()) || is_blocker;
        (seen && *id != viewer).then(|| Relationship::new(standing, now))
    };
    Ok(ids.iter().filter_map(shown).collect())
}
