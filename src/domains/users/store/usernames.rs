//! Usernames: whom they lead to, and those that people gave up.

use serde::{Deserialize, Serialize};

use crate::infra::db::Conn;
use crate::kernel::{Code, Error, Result, Timestamp, UserId};

/// The person who has this username, or else the one who gave it up lately.
pub async fn find_by_username(conn: &mut Conn, username: &str) -> Result<Option<UserId>> {
    let found = list_named(conn, &[username.to_owned()]).await?.pop();
    Ok(found.map(|(_, named)| named.user_id))
}

/// Whom a username leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedRow {
    /// The person.
    pub user_id: UserId,
    /// Whether they gave the name up.
    pub is_former: bool,
}

/// Whom usernames lead to: the person who has the name, or else the one who gave it up lately.
pub async fn list_named(conn: &mut Conn, names: &[String]) -> Result<Vec<(String, NamedRow)>> {
    let rows = sqlx::query!(
        r#"select username as "username!", user_id as "user_id!: UserId", false as "is_former!"
           from account where username = any(array(select unnest($1::text[])))
           union all
           select f.username, f.user_id, true
           from former_username f
           where f.username = any(array(select unnest($1::text[])))
             and not exists (select from account a where a.username = f.username)"#,
        names
    )
    .fetch_all(conn)
    .await?;
    let named = |user_id, is_former| NamedRow { user_id, is_former };
    Ok(rows
        .into_iter()
        .map(|row| (row.username, named(row.user_id, row.is_former)))
        .collect())
}

/// Usernames, former ones too, in their order.
pub async fn walk_usernames(
    conn: &mut Conn,
    after: Option<String>,
    limit: i64,
) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        r#"select username as "username!" from account where username > $1
           union
           select username from former_username where username > $1
           order by 1 limit $2"#,
        after.unwrap_or_default(),
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The refusal for a username that belongs to somebody.
pub fn username_taken() -> Error {
    Error::new(
        Code::UsernameTaken,
        "This username is taken. Choose another.",
    )
}

/// Keeps a username for the person who gave it up.
pub async fn insert_former_username(
    conn: &mut Conn,
    username: &str,
    user_id: UserId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into former_username (username, user_id, released_at) values ($1, $2, $3)
         on conflict (username) do update set user_id = $2, released_at = $3",
        username,
        user_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether this username is kept for somebody else who gave it up lately.
pub async fn is_held_for_another(conn: &mut Conn, username: &str, user_id: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from former_username
               where username = $1 and user_id <> $2
           ) as "held!""#,
        username,
        user_id as _
    )
    .fetch_one(conn)
    .await?)
}

/// Lets go of some of the usernames that were given up before `before`; says how many.
pub async fn release_usernames(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from former_username where username in (
             select username from former_username where released_at < $1
             order by released_at limit $2)",
        before as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
