//! Links in mails, as hashes of their tokens.

use super::super::model::Purpose;
use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp, UserId};

/// Adds a link's token.
pub async fn insert_mail_token(
    conn: &mut Conn,
    hash: &[u8; 32],
    user_id: UserId,
    purpose: Purpose,
    email: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into mail_token (token_hash, user_id, purpose, email, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        hash.as_slice(),
        user_id as _,
        purpose.as_str(),
        email,
        now as _,
        expires_at as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose a token is.
#[derive(Debug)]
pub struct TokenOwner {
    /// The person.
    pub user_id: UserId,
    /// The address it was mailed to.
    pub email: String,
}

/// Whose a token is that can still be used.
pub async fn find_mail_token(
    conn: &mut Conn,
    hash: &[u8; 32],
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<TokenOwner>> {
    Ok(sqlx::query_as!(
        TokenOwner,
        r#"select t.user_id as "user_id: _", t.email
           from mail_token t join credential c on c.user_id = t.user_id and c.email = t.email
           where t.token_hash = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3"#,
        hash.as_slice(),
        purpose.as_str(),
        now as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Uses a token up. Of two uses at once only one finds it.
pub async fn use_mail_token(
    conn: &mut Conn,
    hash: &[u8; 32],
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<TokenOwner>> {
    Ok(sqlx::query_as!(
        TokenOwner,
        r#"update mail_token t set used_at = $3
           from credential c
           where t.token_hash = $1 and t.purpose = $2 and t.used_at is null and t.expires_at > $3
             and c.user_id = t.user_id and c.email = t.email
           returning t.user_id as "user_id: _", t.email"#,
        hash.as_slice(),
        purpose.as_str(),
        now as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Uses up a token that was mailed to the address that its account is to have.
pub async fn use_change_token(
    conn: &mut Conn,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<TokenOwner>> {
    Ok(sqlx::query_as!(
        TokenOwner,
        r#"update mail_token t set used_at = $2
           from credential c
           where t.token_hash = $1 and t.purpose = 'change_email' and t.used_at is null and t.expires_at > $2
             and c.user_id = t.user_id and c.pending_email = t.email
           returning t.user_id as "user_id: _", t.email"#,
        hash.as_slice(),
        now as _
    )
    .fetch_optional(conn)
    .await?)
}

/// How many links for this purpose a person was sent since then.
pub async fn count_mail_tokens(
    conn: &mut Conn,
    user_id: UserId,
    purpose: Purpose,
    since: Timestamp,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from mail_token
           where user_id = $1 and purpose = $2 and created_at > $3"#,
        user_id as _,
        purpose.as_str(),
        since as _
    )
    .fetch_one(conn)
    .await?)
}

/// Deletes a token that could not be mailed.
pub async fn delete_mail_token(conn: &mut Conn, hash: &[u8; 32]) -> Result<()> {
    sqlx::query!(
        "delete from mail_token where token_hash = $1",
        hash.as_slice()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes all of a person's open links for this purpose useless.
pub async fn expire_mail_tokens(
    conn: &mut Conn,
    user_id: UserId,
    purpose: Purpose,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update mail_token set used_at = $3
         where user_id = $1 and purpose = $2 and used_at is null",
        user_id as _,
        purpose.as_str(),
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes all of a person's tokens, with the addresses that they hold.
pub async fn delete_mail_tokens_of(conn: &mut Conn, user_id: UserId) -> Result<()> {
    sqlx::query!("delete from mail_token where user_id = $1", user_id as _)
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes some of the tokens that ran out before `before`; says how many.
pub async fn delete_old_mail_tokens(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from mail_token where token_hash in (
             select token_hash from mail_token where expires_at < $1
             order by expires_at limit $2)",
        before as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
