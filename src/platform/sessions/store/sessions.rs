//! Sessions: signed-in devices.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{Result, SessionId, Timestamp, UserId};
use crate::keyset;
use crate::platform::sessions::{AccountState, Device, EndReason, Role};

/// What a request needs to know of its session and its person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Their role now.
    pub role: Role,
    /// Their account's state now.
    pub state: AccountState,
    /// End of a suspension.
    pub suspended_until: Option<Timestamp>,
    /// Whether the session still counts.
    pub revoked: bool,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
}

impl Session {
    /// Whether their account is suspended now.
    pub fn is_suspended(&self, now: Timestamp) -> bool {
        self.state.is_suspended(self.suspended_until, now)
    }

    /// Whether the session counts now, as far as no suspension forbids it.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.state != AccountState::Deleted && !self.revoked && now < self.expires_at
    }
}

/// Sessions and the people behind them, as they are now. A session of somebody else than the key
/// says is none.
pub async fn list_callers(
    conn: &mut Conn,
    keys: &[(UserId, SessionId)],
) -> Result<Vec<((UserId, SessionId), Session)>> {
    let session_ids: Vec<SessionId> = keys.iter().map(|(_, session_id)| *session_id).collect();
    let rows = sqlx::query!(
        r#"select s.session_id as "session_id: SessionId", s.user_id as "user_id: UserId",
                  a.role as "role: Role", a.state as "state: AccountState",
                  a.suspended_until as "suspended_until: Timestamp",
                  s.revoked_at is not null as "revoked!", s.expires_at as "expires_at: Timestamp"
           from session s join account a using (user_id)
           where s.session_id = any(array(select unnest($1::uuid[])))"#,
        session_ids as _
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| {
        let caller = Session {
            role: row.role,
            state: row.state,
            suspended_until: row.suspended_until,
            revoked: row.revoked,
            expires_at: row.expires_at,
        };
        ((row.user_id, row.session_id), caller)
    });
    Ok(found.filter(|(key, _)| keys.contains(key)).collect())
}

/// Sessions with their people, in order of session.
pub async fn walk_sessions(
    conn: &mut Conn,
    after: Option<(UserId, SessionId)>,
    limit: i64,
) -> Result<Vec<(UserId, SessionId)>> {
    let rows = sqlx::query!(
        r#"select user_id as "user_id: UserId", session_id as "session_id: SessionId" from session
           where $1::uuid is null or session_id > $1
           order by session_id limit $2"#,
        after.map(|(_, session_id)| session_id) as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.user_id, row.session_id)).collect())
}

/// A session as its owner sees it.
#[derive(Debug)]
pub struct ListedSession {
    /// The session.
    pub session_id: SessionId,
    /// The client's own name for itself.
    pub device_id: Option<String>,
    /// What a person calls the device.
    pub device_name: Option<String>,
    /// Network address of its last exchange.
    pub address: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_active_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
}

/// A stretch of a person's living sessions, the newest first.
pub async fn list_sessions(
    conn: &mut Conn,
    user_id: UserId,
    now: Timestamp,
    slice: &Slice<TimeKey>,
) -> Result<Vec<(TimeKey, ListedSession)>> {
    let rows = keyset!(
        conn,
        slice,
        newest "s.created_at",
        "s.session_id",
        ListedSession,
        r#"select s.session_id as "session_id: _", s.device_id, s.device_name, s.address,
                  s.created_at as "created_at: _", s.last_active_at as "last_active_at: _",
                  s.expires_at as "expires_at: _"
           from session s
           where s.user_id = $4 and s.revoked_at is null and s.expires_at > $5"#,
        user_id as _,
        now as _
    )?;
    let key = |row: &ListedSession| TimeKey(row.created_at, row.session_id.uuid());
    Ok(rows.into_iter().map(|row| (key(&row), row)).collect())
}

/// Adds a session.
pub async fn insert_session(
    conn: &mut Conn,
    session_id: SessionId,
    user_id: UserId,
    device: &Device,
    now: Timestamp,
    expires_at: Timestamp,
    ends_at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into session (session_id, user_id, device_id, device_name, address, user_agent,
                              created_at, last_active_at, reauthenticated_at, expires_at, ends_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $7, $8, $9)",
        session_id as _,
        user_id as _,
        device.id,
        device.name,
        device.address,
        device.agent,
        now as _,
        expires_at as _,
        ends_at as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes a use of the session and lets it live on.
pub async fn touch(
    conn: &mut Conn,
    session_id: SessionId,
    device: &Device,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update session set last_active_at = $2, expires_at = $3, address = $4, user_agent = $5
         where session_id = $1",
        session_id as _,
        now as _,
        expires_at as _,
        device.address,
        device.agent
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// People who were here since then, each with the session they used last; the latest first.
pub async fn list_active(
    conn: &mut Conn,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<(UserId, SessionId)>> {
    let rows = sqlx::query!(
        r#"select user_id as "user_id: UserId",
               (array_agg(session_id order by last_active_at desc))[1] as "session_id!: SessionId"
           from session
           where revoked_at is null and last_active_at > $1
           group by user_id
           order by max(last_active_at) desc, user_id
           limit $2"#,
        since as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.user_id, row.session_id)).collect())
}

/// When these people were last here, as far as it is written.
pub async fn list_last_active(
    conn: &mut Conn,
    ids: &[UserId],
) -> Result<HashMap<UserId, Timestamp>> {
    let rows = sqlx::query!(
        r#"select user_id as "user_id: UserId", max(last_active_at) as "at!: Timestamp"
           from session where user_id = any(array(select unnest($1::uuid[]))) group by user_id"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.at)).collect())
}

/// Notes when sessions were last used. It neither revives a session that has ended nor lets one live
/// longer, and it voids nothing: no cached session says when it was used.
pub async fn note_uses(conn: &mut Conn, uses: Vec<(SessionId, Timestamp)>) -> Result<()> {
    let (ids, times): (Vec<SessionId>, Vec<Timestamp>) = uses.into_iter().unzip();
    sqlx::query!(
        "with used as (
             select s.session_id, u.at
             from unnest($1::uuid[], $2::timestamptz[]) as u (session_id, at)
             join session s using (session_id)
             where s.revoked_at is null and s.last_active_at < u.at
             order by s.session_id
             for no key update of s
         )
         update session s set last_active_at = used.at
         from used
         where s.session_id = used.session_id
           and (select set_config('kith.bulk', 'on', true)) = 'on'",
        &ids as _,
        &times as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that the password was given again.
pub async fn mark_reauthenticated(
    conn: &mut Conn,
    session_id: SessionId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update session set reauthenticated_at = $2 where session_id = $1",
        session_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends one session; says whether it was alive.
pub async fn revoke(
    conn: &mut Conn,
    session_id: SessionId,
    reason: EndReason,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update session set revoked_at = $3, revoked_reason = $2
         where session_id = $1 and revoked_at is null",
        session_id as _,
        reason.as_str(),
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends one session of this person; says whether there was one.
pub async fn revoke_own(
    conn: &mut Conn,
    user_id: UserId,
    session_id: SessionId,
    reason: EndReason,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update session set revoked_at = $4, revoked_reason = $3
         where session_id = $1 and user_id = $2 and revoked_at is null",
        session_id as _,
        user_id as _,
        reason.as_str(),
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all sessions of a person, but for `kept`; says how many.
pub async fn revoke_all(
    conn: &mut Conn,
    user_id: UserId,
    kept: Option<SessionId>,
    reason: EndReason,
    now: Timestamp,
) -> Result<u64> {
    let done = sqlx::query!(
        "update session set revoked_at = $4, revoked_reason = $3
         where user_id = $1 and revoked_at is null and session_id is distinct from $2",
        user_id as _,
        kept as _,
        reason.as_str(),
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Ends the session of a device that signs in again.
pub async fn revoke_device(
    conn: &mut Conn,
    user_id: UserId,
    device_id: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update session set revoked_at = $4, revoked_reason = $3
         where user_id = $1 and device_id = $2 and revoked_at is null",
        user_id as _,
        device_id,
        EndReason::Replaced.as_str(),
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes some of the sessions that ended before `before`, with their tokens; says how many.
pub async fn delete_dead(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from session where session_id in (
             select session_id from session
             where expires_at < $1 or revoked_at < $1
             limit $2)",
        before as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
