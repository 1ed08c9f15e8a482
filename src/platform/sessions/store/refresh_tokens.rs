//! Refresh tokens, a family a session.

use crate::infra::db::Conn;
use crate::kernel::{Result, SessionId, Timestamp, UserId};

/// Adds an unused refresh token to a family.
pub async fn insert_refresh_token(
    conn: &mut Conn,
    hash: &[u8; 32],
    session_id: SessionId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into refresh_token (token_hash, session_id, issued_at) values ($1, $2, $3)",
        hash.as_slice(),
        session_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The session that a refresh token belongs to.
pub async fn find_family(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<(UserId, SessionId)>> {
    let row = sqlx::query!(
        r#"select s.user_id as "user_id: UserId", s.session_id as "session_id: SessionId"
           from refresh_token t join session s using (session_id) where t.token_hash = $1"#,
        hash.as_slice()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.user_id, row.session_id)))
}

/// A family under its lock.
#[derive(Debug)]
pub struct Family {
    /// Whose it is.
    pub user_id: UserId,
    /// Whether it was ended.
    pub revoked: bool,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
}

/// Locks a family's row until the transaction ends.
pub async fn lock_family(conn: &mut Conn, session_id: SessionId) -> Result<Option<Family>> {
    Ok(sqlx::query_as!(
        Family,
        r#"select user_id as "user_id: _", revoked_at is not null as "revoked!",
                  expires_at as "expires_at: _", ends_at as "ends_at: _"
           from session where session_id = $1 for update"#,
        session_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// When a token was used.
pub async fn load_used_at(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<Timestamp>> {
    Ok(sqlx::query_scalar!(
        r#"select used_at as "used_at: _" from refresh_token where token_hash = $1"#,
        hash.as_slice()
    )
    .fetch_optional(conn)
    .await?
    .flatten())
}

/// Whether the token exists and was never used.
pub async fn is_unused(conn: &mut Conn, hash: &[u8; 32]) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from refresh_token where token_hash = $1 and used_at is null
           ) as "unused!""#,
        hash.as_slice()
    )
    .fetch_one(conn)
    .await?)
}

/// Deletes the tokens of a family that were used before `before`.
pub async fn forget_used(conn: &mut Conn, session_id: SessionId, before: Timestamp) -> Result<()> {
    sqlx::query!(
        "delete from refresh_token where session_id = $1 and used_at < $2",
        session_id as _,
        before as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks a token as used.
pub async fn mark_used(conn: &mut Conn, hash: &[u8; 32], now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update refresh_token set used_at = $2 where token_hash = $1",
        hash.as_slice(),
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
