//! Requests for friendship, seen by one of the two.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::cache::WAITING;
use super::super::model::{RequestDirection, RequestState};
use super::super::store::{self, RequestRow};
use super::relationship::standings;
use super::sight::visible_among;
use crate::domains::users::{self, Person};
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Error, FriendRequestId, Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

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

/// A page of the open requests to or from `viewer`, newest first.
pub async fn requests(
    reads: &mut Reads<'_>,
    viewer: UserId,
    direction: RequestDirection,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, FriendRequest>> {
    let page = store::list_requests(&mut *reads.conn().await?, viewer, direction, slice).await?;
    let shown = show_requests(reads, viewer, &page.items).await?;
    Ok(page.with_items(shown))
}

/// These requests as `viewer` sees them, in their order.
async fn show_requests(
    reads: &mut Reads<'_>,
    viewer: UserId,
    rows: &[RequestRow],
) -> Result<Vec<FriendRequest>> {
    let others: Vec<UserId> = rows.iter().map(|row| row.other(viewer)).collect();
    let people = users::people(reads, &others).await?;
    let between = standings(reads, viewer, &others).await?;
    let shown = |row: &RequestRow| {
        let other = row.other(viewer);
        Some(FriendRequest {
            id: row.friend_request_id,
            direction: if row.sender_id == viewer {
                RequestDirection::Outgoing
            } else {
                RequestDirection::Incoming
            },
            user: people.get(&other)?.clone(),
            mutual_friends: between.get(&other)?.mutual_friends,
            state: row.state,
            created_at: row.created_at,
        })
    };
    Ok(rows.iter().filter_map(shown).collect())
}

/// How many open requests somebody has.
#[derive(Debug, Clone, Copy)]
pub struct RequestCounts {
    /// Those that were not looked at yet.
    pub unseen: i64,
    /// All of them.
    pub pending: i64,
}

/// How many open requests wait for `user_id`, without those of people whom they may not see.
pub async fn count_requests(reads: &mut Reads<'_>, user_id: UserId) -> Result<RequestCounts> {
    let waiting = reads.load(&WAITING, &user_id).await?;
    let senders: Vec<UserId> = waiting.iter().map(|row| row.sender_id).collect();
    let seen = visible_among(reads, Viewer::from(user_id), &senders).await?;
    let shown = waiting
        .iter()
        .filter(|row| seen.binary_search(&row.sender_id).is_ok());
    let mut counts = RequestCounts {
        unseen: 0,
        pending: 0,
    };
    for row in shown {
        counts.pending += 1;
        counts.unseen += i64::from(!row.is_seen);
    }
    Ok(counts)
}

/// Requests by id, of those that went to or from `viewer`, without people whom they may not see.
pub async fn requests_by_id(
    reads: &mut Reads<'_>,
    viewer: UserId,
    ids: &[FriendRequestId],
) -> Result<Vec<FriendRequest>> {
    let rows = store::list_requests_by_id(&mut *reads.conn().await?, viewer, ids).await?;
    let others: Vec<UserId> = rows.iter().map(|row| row.other(viewer)).collect();
    let seen = visible_among(reads, Viewer::from(viewer), &others).await?;
    let shown: Vec<RequestRow> = rows
        .into_iter()
        .filter(|row| seen.contains(&row.other(viewer)))
        .collect();
    show_requests(reads, viewer, &shown).await
}

/// One request that went to or from `viewer`, if it is open or was accepted, and they see the other person: of
/// any other nothing is left.
pub async fn own_request(
    reads: &mut Reads<'_>,
    viewer: UserId,
    friend_request_id: FriendRequestId,
) -> Result<FriendRequest> {
    let found = requests_by_id(reads, viewer, &[friend_request_id]).await?;
    let is_there =
        |one: &FriendRequest| matches!(one.state, RequestState::Pending | RequestState::Accepted);
    let found = found.into_iter().find(is_there);
    found.ok_or_else(Error::not_found)
}

/// One request as `viewer`, who is one of the two, sees it.
pub async fn request(
    reads: &mut Reads<'_>,
    viewer: UserId,
    friend_request_id: FriendRequestId,
) -> Result<FriendRequest> {
    let row = store::find_request(&mut *reads.conn().await?, friend_request_id).await?;
    let rows: Vec<RequestRow> = row.into_iter().collect();
    let found = show_requests(reads, viewer, &rows).await?.pop();
    found.ok_or_else(Error::not_found)
}
