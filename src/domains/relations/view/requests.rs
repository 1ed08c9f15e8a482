//! Requests for friendship, seen by one of the two.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::model::{RequestDirection, RequestState};
use super::super::store::{self, RequestRow};
use super::relationship::standings;
use crate::domains::users::{self, Person};
use crate::infra::db::Conn;
use crate::kernel::{Error, FriendRequestId, Result, Timestamp, UserId};
use crate::platform::Reads;

/// A request for friendship.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FriendRequest {
    /// Its id.
    pub id: FriendRequestId,
    /// Which way it went.
    pub direction: RequestDirection,
    /// The other person.
    pub user: Person,
    /// How many friends of both the viewer may see.
    pub mutual_friends: i64,
    /// What became of it.
    pub state: RequestState,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// These requests as `viewer` sees them, in their order.
pub async fn requests(
    conn: &mut Conn,
    viewer: UserId,
    rows: &[RequestRow],
    now: Timestamp,
) -> Result<Vec<FriendRequest>> {
    let others: Vec<UserId> = rows.iter().map(|row| row.other(viewer)).collect();
    let mut people = users::people(&mut Reads::Within(conn), &others).await?;
    let between = standings(conn, viewer, &others, now).await?;
    let shown = |row: &RequestRow| {
        let other = row.other(viewer);
        let mutual = between.iter().find(|between| between.user_id == other)?;
        Some(FriendRequest {
            id: row.friend_request_id,
            direction: if row.sender_id == viewer {
                RequestDirection::Outgoing
            } else {
                RequestDirection::Incoming
            },
            user: people.remove(&other)?,
            mutual_friends: mutual.mutual_friends,
            state: row.state(),
            created_at: row.created_at,
        })
    };
    Ok(rows.iter().filter_map(shown).collect())
}

/// One request as `viewer`, who is one of the two, sees it.
pub async fn request(
    conn: &mut Conn,
    viewer: UserId,
    friend_request_id: FriendRequestId,
    now: Timestamp,
) -> Result<FriendRequest> {
    let row = store::find_request(conn, friend_request_id).await?;
    let rows: Vec<RequestRow> = row.into_iter().collect();
    let found = requests(conn, viewer, &rows, now).await?.pop();
    found.ok_or_else(Error::not_found)
}
