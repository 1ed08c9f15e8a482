//! Blocks and mutes.

use super::{TimedRow, by_time};
use crate::infra::db::Conn;
use crate::kernel::ids::Id;
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Result, Timestamp, UserId};
use crate::keyset;

/// Whom `user_id` has blocked, newest first, whatever became of their accounts.
pub async fn list_blocks(
    conn: &mut Conn,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, UserId>> {
    let rows = keyset!(
        conn, slice, newest "b.created_at", "b.blocked_id", TimedRow,
        r#"select b.created_at as "at: _", b.blocked_id as "user_id: _"
           from block b where b.blocker_id = $4"#,
        user_id as _,
    )?;
    Ok(slice.page(by_time(rows)))
}

/// Blocks somebody; says whether that is new. The caller holds the pair.
pub async fn insert_block(
    conn: &mut Conn,
    user_id: UserId,
    target_id: UserId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into block (blocker_id, blocked_id, created_at) values ($1, $2, $3)
         on conflict do nothing",
        user_id as _,
        target_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Lifts a block; says whether there was one. The caller holds the pair.
pub async fn delete_block(conn: &mut Conn, user_id: UserId, target_id: UserId) -> Result<bool> {
    let done = sqlx::query!(
        "delete from block where blocker_id = $1 and blocked_id = $2",
        user_id as _,
        target_id as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Somebody who is muted.
#[derive(Debug, Clone)]
pub struct MuteRow {
    /// Who it is.
    pub user_id: UserId,
    /// Until when.
    pub muted_until: Timestamp,
    created_at: Timestamp,
}

/// Whom `user_id` has muted at `now` and may see, newest first. A mute without an end lasts until
/// `forever`.
pub async fn list_mutes(
    conn: &mut Conn,
    user_id: UserId,
    now: Timestamp,
    forever: Timestamp,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, MuteRow>> {
    let rows = keyset!(
        conn, slice, newest "m.created_at", "m.muted_id", MuteRow,
        r#"select m.muted_id as "user_id: _", coalesce(m.until, $6) as "muted_until!: _",
                  m.created_at as "created_at: _"
           from mute m
           where m.muter_id = $4 and (m.until is null or m.until > $5)
             and exists (select from visible_account($4) a where a.user_id = m.muted_id)"#,
        user_id as _,
        now as _,
        forever as _,
    )?;
    let key = |row: MuteRow| (TimeKey(row.created_at, row.user_id.uuid()), row);
    Ok(slice.page(rows.into_iter().map(key).collect()))
}

/// Mutes somebody until then, or without an end; changes a mute that there is.
pub async fn upsert_mute(
    conn: &mut Conn,
    user_id: UserId,
    target_id: UserId,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into mute (muter_id, muted_id, until, created_at) values ($1, $2, $3, $4)
         on conflict (muter_id, muted_id) do update set until = excluded.until",
        user_id as _,
        target_id as _,
        until as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lifts a mute; says whether there was one.
pub async fn delete_mute(conn: &mut Conn, user_id: UserId, target_id: UserId) -> Result<bool> {
    let done = sqlx::query!(
        "delete from mute where muter_id = $1 and muted_id = $2",
        user_id as _,
        target_id as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
