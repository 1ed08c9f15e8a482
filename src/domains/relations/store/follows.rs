//! Who follows whom.

use super::{TimedRow, by_time};
use crate::infra::db::Conn;
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Result, Timestamp, UserId};
use crate::keyset;

/// Those who follow `user_id` and whom `viewer` may see, newest first.
pub async fn list_followers(
    conn: &mut Conn,
    viewer: UserId,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, UserId>> {
    let rows = keyset!(
        conn, slice, newest "f.created_at", "f.follower_id", TimedRow,
        r#"select f.created_at as "at: _", f.follower_id as "user_id: _"
           from follow f
           where f.followee_id = $5
             and exists (select from visible_account($4) a where a.user_id = f.follower_id)"#,
        viewer as _,
        user_id as _,
    )?;
    Ok(slice.page(by_time(rows)))
}

/// Those whom `user_id` follows and whom `viewer` may see, newest first.
pub async fn list_following(
    conn: &mut Conn,
    viewer: UserId,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, UserId>> {
    let rows = keyset!(
        conn, slice, newest "f.created_at", "f.followee_id", TimedRow,
        r#"select f.created_at as "at: _", f.followee_id as "user_id: _"
           from follow f
           where f.follower_id = $5
             and exists (select from visible_account($4) a where a.user_id = f.followee_id)"#,
        viewer as _,
        user_id as _,
    )?;
    Ok(slice.page(by_time(rows)))
}

/// Begins to follow; says whether that is new. The caller holds the pair.
pub async fn insert_follow(
    conn: &mut Conn,
    user_id: UserId,
    target_id: UserId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into follow (follower_id, followee_id, created_at) values ($1, $2, $3)
         on conflict do nothing",
        user_id as _,
        target_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends following; says whether there was any. The caller holds the pair.
pub async fn delete_follow(conn: &mut Conn, user_id: UserId, target_id: UserId) -> Result<bool> {
    let done = sqlx::query!(
        "delete from follow where follower_id = $1 and followee_id = $2",
        user_id as _,
        target_id as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
