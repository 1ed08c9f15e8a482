//! Passwords and addresses.

use super::super::model::Email;
use crate::infra::db::{Conn, OnConstraint};
use crate::kernel::{Code, Error, Result, Timestamp, UserId};
use crate::platform::sessions::AccountState;

/// What is known of somebody who gives a login name.
#[derive(Debug)]
pub struct Known {
    /// The person.
    pub user_id: UserId,
    /// Hash of their password.
    pub password_hash: String,
    /// Their account's state.
    pub state: AccountState,
    /// End of a suspension.
    pub suspended_until: Option<Timestamp>,
}

/// The person with this username.
pub async fn find_by_username(conn: &mut Conn, username: &str) -> Result<Option<Known>> {
    Ok(sqlx::query_as!(
        Known,
        r#"select user_id as "user_id: _", password_hash, state as "state: _",
                  suspended_until as "suspended_until: _"
           from account join credential using (user_id) where username = lower($1)"#,
        username
    )
    .fetch_optional(conn)
    .await?)
}

/// The person with this e-mail address.
pub async fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<Known>> {
    Ok(sqlx::query_as!(
        Known,
        r#"select user_id as "user_id: _", password_hash, state as "state: _",
                  suspended_until as "suspended_until: _"
           from account join credential using (user_id) where lower(email) = lower($1)"#,
        email
    )
    .fetch_optional(conn)
    .await?)
}

/// A person's password hash.
pub async fn find_password_hash(conn: &mut Conn, user_id: UserId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "select password_hash from credential where user_id = $1",
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// The same, locked until the transaction ends.
pub async fn lock_password_hash(conn: &mut Conn, user_id: UserId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "select password_hash from credential where user_id = $1 for update",
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Which of a new person's names belong to somebody: `(username, email)`.
pub async fn find_taken(conn: &mut Conn, username: &str, email: &Email) -> Result<(bool, bool)> {
    let taken = sqlx::query!(
        r#"select exists (select from account where username = $1) as "username!",
                  exists (select from credential where lower(email) = lower($2)) as "email!""#,
        username,
        email.as_str()
    )
    .fetch_one(conn)
    .await?;
    Ok((taken.username, taken.email))
}

/// The refusal for an address that belongs to an account.
pub fn email_taken() -> Error {
    Error::new(
        Code::EmailTaken,
        "There is an account with this e-mail address. Sign in, or set a new password.",
    )
}

/// Adds how a new person signs in.
pub async fn insert_credential(
    conn: &mut Conn,
    user_id: UserId,
    email: &Email,
    password_hash: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into credential (user_id, email, password_hash, password_changed_at)
         values ($1, $2, $3, $4)",
        user_id as _,
        email.as_str(),
        password_hash,
        now as _
    )
    .execute(conn)
    .await
    .on_constraint("credential_email_key", email_taken)?;
    Ok(())
}

/// Sets another password. Whoever asked for another address before may have known the old one: that is withdrawn.
pub async fn update_password(
    conn: &mut Conn,
    user_id: UserId,
    password_hash: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update credential
         set password_hash = $2, password_changed_at = $3, pending_email = null
         where user_id = $1",
        user_id as _,
        password_hash,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Replaces the hash of a password that stays the same.
pub async fn update_hash(conn: &mut Conn, user_id: UserId, password_hash: &str) -> Result<()> {
    sqlx::query!(
        "update credential set password_hash = $2 where user_id = $1",
        user_id as _,
        password_hash
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks an address as confirmed, if it still is the person's; says whether that was news.
pub async fn mark_verified(
    conn: &mut Conn,
    user_id: UserId,
    email: &str,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update credential set email_verified_at = $3
         where user_id = $1 and email = $2 and email_verified_at is null",
        user_id as _,
        email,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes the address that an account is to have once its link is followed, in place of one that was asked for
/// before.
pub async fn set_pending_email(conn: &mut Conn, user_id: UserId, email: &Email) -> Result<()> {
    sqlx::query!(
        "update credential set pending_email = $2 where user_id = $1",
        user_id as _,
        email.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives an account another address, which is confirmed; gives the one before.
pub async fn replace_email(
    conn: &mut Conn,
    user_id: UserId,
    email: &str,
    now: Timestamp,
) -> Result<String> {
    sqlx::query_scalar!(
        "update credential c set email = $2, email_verified_at = $3, pending_email = null
         from (select email from credential where user_id = $1 for update) before
         where c.user_id = $1
         returning before.email",
        user_id as _,
        email,
        now as _
    )
    .fetch_one(conn)
    .await
    .on_constraint("credential_email_key", email_taken)
}

/// Takes address and password away from a deleted account, so that the address is free again.
pub async fn erase_credential(conn: &mut Conn, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "update credential
         set email = user_id || '@deleted.invalid', email_verified_at = null, pending_email = null,
             password_hash = '!'
         where user_id = $1",
        user_id as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Somebody whom kith writes a mail.
#[derive(Debug)]
pub struct Recipient {
    /// The person.
    pub user_id: UserId,
    /// Their name in addresses.
    pub username: String,
    /// The name that people read.
    pub display_name: String,
    /// Their address.
    pub email: String,
    /// Whether the address was confirmed.
    pub verified: bool,
}

/// A person whose account is not deleted.
pub async fn find_recipient(conn: &mut Conn, user_id: UserId) -> Result<Option<Recipient>> {
    Ok(sqlx::query_as!(
        Recipient,
        r#"select user_id as "user_id: _", username, display_name, email,
                  email_verified_at is not null as "verified!"
           from credential join account using (user_id)
           where user_id = $1 and state <> 'deleted'"#,
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Whether somebody may use their account.
#[derive(Debug)]
pub struct Standing {
    /// Their account's state.
    pub state: AccountState,
    /// End of a suspension.
    pub suspended_until: Option<Timestamp>,
}

/// The standing of an account, which stays as it is until the transaction ends: whoever suspends it
/// meanwhile waits, and then ends the sessions that were opened.
pub async fn hold_standing(conn: &mut Conn, user_id: UserId) -> Result<Standing> {
    sqlx::query_as!(
        Standing,
        r#"select state as "state: _", suspended_until as "suspended_until: _" from account
           where user_id = $1 for no key update"#,
        user_id as _
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(Error::not_found)
}
