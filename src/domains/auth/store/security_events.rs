//! The security log.

use uuid::Uuid;

use super::super::model::EventKind;
use crate::infra::db::Conn;
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Result, SecurityEventId, SessionId, Timestamp, UserId};
use crate::keyset;
use crate::platform::sessions::Device;

/// Lines of the log that are kept for each person.
pub const EVENTS_KEPT: i64 = 100;

/// Adds a line to a person's log.
pub async fn insert_event(
    conn: &mut Conn,
    id: SecurityEventId,
    user_id: UserId,
    kind: EventKind,
    device: &Device,
    session_id: Option<SessionId>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into security_event
                (security_event_id, user_id, kind, address, user_agent, session_id, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id as _,
        user_id as _,
        kind.as_str(),
        device.address,
        device.agent,
        session_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A line of the log.
#[derive(Debug)]
pub struct EventRow {
    /// Its id.
    pub security_event_id: Uuid,
    /// What happened.
    pub kind: EventKind,
    /// Network address it came from.
    pub address: String,
    /// What the client called itself.
    pub user_agent: String,
    /// The session it happened in or to.
    pub session_id: Option<SessionId>,
    /// When it happened.
    pub created_at: Timestamp,
}

/// A stretch of a person's log, newest first: of its last 100 lines.
pub async fn list_events(
    conn: &mut Conn,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, EventRow>> {
    let rows = keyset!(
        conn,
        slice,
        newest "e.created_at",
        "e.security_event_id",
        EventRow,
        r#"select e.security_event_id, e.kind as "kind: _", e.address, e.user_agent,
                  e.session_id as "session_id: _", e.created_at as "created_at: _"
           from (select * from security_event where user_id = $4
                 order by created_at desc, security_event_id desc limit $5) e
           where true"#,
        user_id as _,
        EVENTS_KEPT
    )?;
    let key = |row: EventRow| (TimeKey(row.created_at, row.security_event_id), row);
    Ok(slice.page(rows.into_iter().map(key).collect()))
}

/// Deletes what is older than the last 100 lines of each of the `people` whose ids come after `after`.
/// Gives the last of them, and how many lines went; nothing when there is nobody left.
pub async fn trim_events(
    conn: &mut Conn,
    after: Option<UserId>,
    people: i64,
) -> Result<Option<(UserId, i64)>> {
    let trimmed = sqlx::query!(
        r#"with person as (
             select user_id from account where $1::uuid is null or user_id > $1
             order by user_id limit $2
         ), gone as (
             delete from security_event where security_event_id in (
                 select e.security_event_id
                 from person cross join lateral (
                     select security_event_id from security_event s
                     where s.user_id = person.user_id
                     order by created_at desc, security_event_id desc
                     offset $3) e)
             returning security_event_id
         )
         select user_id as "user_id: UserId", (select count(*) from gone) as "lines!"
         from person order by user_id desc limit 1"#,
        after as _,
        people,
        EVENTS_KEPT
    )
    .fetch_optional(conn)
    .await?;
    Ok(trimmed.map(|row| (row.user_id, row.lines)))
}
