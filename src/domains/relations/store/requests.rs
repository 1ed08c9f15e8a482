//! Requests for friendship.

use serde::{Deserialize, Serialize};

use super::super::model::{RequestDirection, RequestState};
use crate::infra::db::Conn;
use crate::kernel::ids::Id;
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{FriendRequestId, Result, Timestamp, UserId, gathered};
use crate::keyset;

/// A request as it is stored.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// Its id.
    pub friend_request_id: FriendRequestId,
    /// Who asks.
    pub sender_id: UserId,
    /// Who is asked.
    pub recipient_id: UserId,
    /// What became of it.
    pub state: RequestState,
    /// When it was made.
    pub created_at: Timestamp,
}

impl RequestRow {
    /// The one of the two who is not `viewer`.
    pub fn other(&self, viewer: UserId) -> UserId {
        if self.sender_id == viewer {
            self.recipient_id
        } else {
            self.sender_id
        }
    }
}

/// The request with this id.
pub async fn find_request(
    conn: &mut Conn,
    friend_request_id: FriendRequestId,
) -> Result<Option<RequestRow>> {
    Ok(sqlx::query_as!(
        RequestRow,
        r#"select friend_request_id as "friend_request_id: _", sender_id as "sender_id: _",
                  recipient_id as "recipient_id: _", state as "state: _",
                  created_at as "created_at: _"
           from friend_request where friend_request_id = $1"#,
        friend_request_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Requests by id that went to or from `user_id`.
pub async fn list_requests_by_id(
    conn: &mut Conn,
    user_id: UserId,
    ids: &[FriendRequestId],
) -> Result<Vec<RequestRow>> {
    Ok(sqlx::query_as!(
        RequestRow,
        r#"select friend_request_id as "friend_request_id: _", sender_id as "sender_id: _",
                  recipient_id as "recipient_id: _", state as "state: _",
                  created_at as "created_at: _"
           from friend_request
           where friend_request_id = any($2) and (sender_id = $1 or recipient_id = $1)"#,
        user_id as _,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// The open requests to or from `user_id`, newest first, without people whom they may not see.
pub async fn list_requests(
    conn: &mut Conn,
    user_id: UserId,
    direction: RequestDirection,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, RequestRow>> {
    let rows = match direction {
        RequestDirection::Incoming => keyset!(
            conn, slice, newest "r.created_at", "r.friend_request_id", RequestRow,
            r#"select r.friend_request_id as "friend_request_id: _", r.sender_id as "sender_id: _",
                      r.recipient_id as "recipient_id: _", r.state as "state: _",
                      r.created_at as "created_at: _"
               from friend_request r
               where r.recipient_id = $4 and r.state = 'pending'
                 and exists (select from visible_account($4) a where a.user_id = r.sender_id)"#,
            user_id as _,
        )?,
        RequestDirection::Outgoing => keyset!(
            conn, slice, newest "r.created_at", "r.friend_request_id", RequestRow,
            r#"select r.friend_request_id as "friend_request_id: _", r.sender_id as "sender_id: _",
                      r.recipient_id as "recipient_id: _", r.state as "state: _",
                      r.created_at as "created_at: _"
               from friend_request r
               where r.sender_id = $4 and r.state = 'pending'
                 and exists (select from visible_account($4) a where a.user_id = r.recipient_id)"#,
            user_id as _,
        )?,
    };
    let key = |row: RequestRow| (TimeKey(row.created_at, row.friend_request_id.uuid()), row);
    Ok(slice.page(rows.into_iter().map(key).collect()))
}

/// Adds an open request. The caller holds the pair and knows that there is none.
pub async fn insert_request(
    conn: &mut Conn,
    friend_request_id: FriendRequestId,
    sender_id: UserId,
    recipient_id: UserId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into friend_request (friend_request_id, sender_id, recipient_id, created_at)
         values ($1, $2, $3, $4)",
        friend_request_id as _,
        sender_id as _,
        recipient_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Closes an open request. The caller holds the pair.
pub async fn close_request(
    conn: &mut Conn,
    friend_request_id: FriendRequestId,
    state: RequestState,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update friend_request set state = $2, decided_at = $3
         where friend_request_id = $1 and state = 'pending'",
        friend_request_id as _,
        state.as_str(),
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that somebody has looked at the open requests that had come to them by then; says whether
/// any was new to them.
pub async fn mark_requests_seen(
    conn: &mut Conn,
    recipient_id: UserId,
    up_to: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let seen = sqlx::query!(
        "update friend_request set seen_at = $3
         where recipient_id = $1 and state = 'pending' and created_at <= $2 and seen_at is null",
        recipient_id as _,
        up_to as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(seen.rows_affected() > 0)
}

/// An open request that waits for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRow {
    /// Who asks.
    pub sender_id: UserId,
    /// Whether it was looked at.
    pub is_seen: bool,
}

/// The open requests that wait for some people; whoever has none has an empty list.
pub async fn list_waiting(
    conn: &mut Conn,
    recipients: &[UserId],
) -> Result<Vec<(UserId, Vec<WaitingRow>)>> {
    let rows = sqlx::query!(
        r#"select recipient_id as "recipient_id: UserId", sender_id as "sender_id: UserId",
                  seen_at is not null as "is_seen!"
           from friend_request
           where recipient_id = any(array(select unnest($1::uuid[]))) and state = 'pending'
           order by sender_id"#,
        recipients as _
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| {
        let waiting = WaitingRow {
            sender_id: row.sender_id,
            is_seen: row.is_seen,
        };
        (row.recipient_id, waiting)
    });
    Ok(gathered(recipients, found))
}
