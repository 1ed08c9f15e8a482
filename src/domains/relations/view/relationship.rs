//! A viewer's relationship with another person.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::model::{Friendship, Standing, can_see_person};
use super::super::store;
use crate::infra::db::Conn;
use crate::kernel::{Error, FriendRequestId, Result, Timestamp, UserId};

/// What lies between the viewer and another person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and clients read them by name"
)]
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

impl From<&Standing> for Relationship {
    fn from(standing: &Standing) -> Self {
        let seen = can_see_person(standing.sight());
        Self {
            user_id: standing.user_id,
            friendship: standing.friendship(),
            friend_request_id: standing.friend_request_id,
            following: standing.following,
            followed_by: standing.followed_by,
            blocking: standing.blocking,
            muted_until: standing.muted_until,
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

/// What lies between `viewer` and these people, whoever may see whom.
pub async fn standings(
    conn: &mut Conn,
    viewer: UserId,
    ids: &[UserId],
    now: Timestamp,
) -> Result<Vec<Standing>> {
    store::list_standings(conn, viewer, ids, now, forever()).await
}

/// What lies between `viewer` and one person, who may be hidden from them.
pub async fn standing(
    conn: &mut Conn,
    viewer: UserId,
    user_id: UserId,
    now: Timestamp,
) -> Result<Standing> {
    let found = standings(conn, viewer, &[user_id], now).await?.pop();
    found.ok_or_else(Error::not_found)
}

/// The relationship with one person, for the answer to a change of it.
pub async fn relationship(
    conn: &mut Conn,
    viewer: UserId,
    user_id: UserId,
    now: Timestamp,
) -> Result<Relationship> {
    Ok(Relationship::from(
        &standing(conn, viewer, user_id, now).await?,
    ))
}

/// Relationships in the order of `ids`, without people who are hidden from the viewer, but with
/// those whom the viewer has blocked.
pub async fn relationships(
    conn: &mut Conn,
    viewer: UserId,
    ids: &[UserId],
    now: Timestamp,
) -> Result<Vec<Relationship>> {
    let found = standings(conn, viewer, ids, now).await?;
    let shown = |id: &UserId| {
        let standing = found.iter().find(|standing| standing.user_id == *id)?;
        let is_blocker = standing.blocking && standing.is_active && !standing.blocked_by;
        let seen = can_see_person(standing.sight()) || is_blocker;
        (seen && *id != viewer).then(|| Relationship::from(standing))
    };
    Ok(ids.iter().filter_map(shown).collect())
}
