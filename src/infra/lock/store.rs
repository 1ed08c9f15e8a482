//! The SQL of fencing tokens.

use crate::infra::db::Conn;
use crate::kernel::Result;

/// A token that is higher than all before it.
pub async fn next_token(conn: &mut Conn) -> Result<i64> {
    Ok(
        sqlx::query_scalar!(r#"select nextval('lock_token') as "token!""#)
            .fetch_one(conn)
            .await?,
    )
}

/// Raises the fence of a lock to `token`; false if it is higher already. The row stays locked until
/// the caller's transaction ends.
pub async fn raise_fence(conn: &mut Conn, name: &str, token: i64) -> Result<bool> {
    let done = sqlx::query!(
        "insert into lock_fence as f (name, token) values ($1, $2)
         on conflict (name) do update set token = excluded.token where f.token <= excluded.token",
        name,
        token
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
