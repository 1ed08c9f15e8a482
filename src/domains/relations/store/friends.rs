//! Friendships.

use super::{NamedRow, by_name};
use crate::infra::db::Conn;
use crate::kernel::page::{NameKey, Page, Slice};
use crate::kernel::{Result, Timestamp, UserId};
use crate::keyset;

/// The friends of `user_id` whom `viewer` may see, by name. `q` stands anywhere in the name that
/// people read, or at the beginning of the username; empty, it is everybody. Names are ordered by
/// their code points in lower case, which is the same order on every server.
pub async fn list_friends(
    conn: &mut Conn,
    viewer: UserId,
    user_id: UserId,
    q: &str,
    slice: &Slice<NameKey>,
) -> Result<Page<NameKey, UserId>> {
    let rows = keyset!(
        conn,
        slice,
        oldest r#"lower(a.display_name) collate "C""#,
        "a.user_id",
        NamedRow,
        r#"select lower(a.display_name) as "name!", a.user_id as "user_id!: _"
           from friendship f join visible_account($4) a on a.user_id = f.friend_id
           where f.user_id = $5
             and (position($6 in lower(a.display_name)) > 0 or starts_with(a.username, $6))"#,
        viewer as _,
        user_id as _,
        q,
    )?;
    Ok(slice.page(by_name(rows)))
}

/// The friends of both whom `viewer` may see, by name.
pub async fn list_mutual_friends(
    conn: &mut Conn,
    viewer: UserId,
    user_id: UserId,
    slice: &Slice<NameKey>,
) -> Result<Page<NameKey, UserId>> {
    let rows = keyset!(
        conn,
        slice,
        oldest r#"lower(a.display_name) collate "C""#,
        "a.user_id",
        NamedRow,
        r#"select lower(a.display_name) as "name!", a.user_id as "user_id!: _"
           from friendship mine
           join friendship theirs on theirs.user_id = $5 and theirs.friend_id = mine.friend_id
           join visible_account($4) a on a.user_id = mine.friend_id
           where mine.user_id = $4"#,
        viewer as _,
        user_id as _,
    )?;
    Ok(slice.page(by_name(rows)))
}

/// Makes two people friends. The caller holds their pair.
pub async fn insert_friendship(
    conn: &mut Conn,
    one: UserId,
    other: UserId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into friendship (user_id, friend_id, created_at) values ($1, $2, $3), ($2, $1, $3)",
        one as _,
        other as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a friendship; says whether there was one. The caller holds the pair.
pub async fn delete_friendship(conn: &mut Conn, one: UserId, other: UserId) -> Result<bool> {
    let done = sqlx::query!(
        "delete from friendship
         where (user_id = $1 and friend_id = $2) or (user_id = $2 and friend_id = $1)",
        one as _,
        other as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
