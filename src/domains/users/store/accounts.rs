//! Accounts and the usernames that people gave up.

use serde::{Deserialize, Serialize};

use super::super::model::NewAccount;
use crate::infra::db::{Conn, OnConstraint};
use crate::kernel::{Code, Error, Result, Timestamp, UserId};

/// An account as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Its id.
    pub user_id: UserId,
    /// Its name in addresses.
    pub username: String,
    /// The name that people read.
    pub display_name: String,
    /// What the person says of themselves.
    pub bio: String,
    /// Where the person says they are.
    pub location: String,
    /// Their website.
    pub website: Option<String>,
    /// `user`, `moderator` or `admin`.
    pub role: String,
    /// `active`, `suspended` or `deleted`.
    pub state: String,
    /// Counts edits.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Accounts by id, in no order, whatever their state.
pub async fn list_accounts(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<AccountRow>> {
    Ok(sqlx::query_as!(
        AccountRow,
        r#"select user_id as "user_id: _", username, display_name, bio, location, website, role,
                  state, version, created_at as "created_at: _"
           from account where user_id = any($1)"#,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Ids of all accounts, in their order.
pub async fn walk_accounts(
    conn: &mut Conn,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"select user_id as "user_id: _" from account
           where $1::uuid is null or user_id > $1
           order by user_id limit $2"#,
        after as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The account with this id.
pub async fn find_account(conn: &mut Conn, user_id: UserId) -> Result<Option<AccountRow>> {
    Ok(list_accounts(conn, &[user_id]).await?.pop())
}

/// The person who has this username, or else the one who gave it up lately.
pub async fn find_by_username(conn: &mut Conn, username: &str) -> Result<Option<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"select user_id as "user_id!: _" from account where username = $1
           union all
           select user_id from former_username where username = $1
           limit 1"#,
        username
    )
    .fetch_optional(conn)
    .await?)
}

/// The present username of whoever gave this one up, unless somebody has it again.
pub async fn find_name_of_today(conn: &mut Conn, username: &str) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "select a.username from former_username f join account a using (user_id)
         where f.username = $1
           and not exists (select from account b where b.username = $1)",
        username
    )
    .fetch_optional(conn)
    .await?)
}

/// Adds an account with default settings and counters at nought.
pub async fn insert_account(conn: &mut Conn, account: &NewAccount, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "with made as (
             insert into account (user_id, username, display_name, created_at, updated_at)
             values ($1, $2, $3, $4, $4) returning user_id
         ), settings as (
             insert into user_settings (user_id, updated_at) select user_id, $4 from made
         )
         insert into user_counter (user_id) select user_id from made",
        account.user_id as _,
        account.username.as_str(),
        account.display_name.as_str(),
        now as _
    )
    .execute(conn)
    .await
    .on_constraint("account_username_key", username_taken)?;
    Ok(())
}

/// The refusal for a username that belongs to somebody.
pub fn username_taken() -> Error {
    Error::new(
        Code::UsernameTaken,
        "This username is taken. Choose another.",
    )
}

/// New values of an account; everything that the owner may edit.
#[derive(Debug)]
pub struct AccountUpdate<'a> {
    /// Its name in addresses.
    pub username: &'a str,
    /// The name that people read.
    pub display_name: &'a str,
    /// What the person says of themselves.
    pub bio: &'a str,
    /// Where the person says they are.
    pub location: &'a str,
    /// Their website.
    pub website: Option<&'a str>,
}

/// Locks an account's row until the transaction ends and reads it.
pub async fn lock_account(conn: &mut Conn, user_id: UserId) -> Result<AccountRow> {
    sqlx::query_as!(
        AccountRow,
        r#"select user_id as "user_id: _", username, display_name, bio, location, website, role,
                  state, version, created_at as "created_at: _"
           from account where user_id = $1 for update"#,
        user_id as _
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(Error::not_found)
}

/// Writes an account's new values.
pub async fn update_account(
    conn: &mut Conn,
    user_id: UserId,
    update: &AccountUpdate<'_>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update account
         set username = $2, display_name = $3, bio = $4, location = $5, website = $6,
             version = version + 1, updated_at = $7
         where user_id = $1",
        user_id as _,
        update.username,
        update.display_name,
        update.bio,
        update.location,
        update.website,
        now as _
    )
    .execute(conn)
    .await
    .on_constraint("account_username_key", username_taken)?;
    Ok(())
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

/// Lets go of usernames that were given up before `before`; says how many.
pub async fn release_usernames(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "delete from former_username where released_at < $1",
        before as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Changes what an account may do; says whether there is such an account.
pub async fn set_role(
    conn: &mut Conn,
    user_id: UserId,
    role: &str,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update account set role = $2, version = version + 1, updated_at = $3 where user_id = $1",
        user_id as _,
        role,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Suspends or restores an account that is not deleted; says whether there is one.
pub async fn set_state(
    conn: &mut Conn,
    user_id: UserId,
    state: &str,
    until: Option<Timestamp>,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update account
         set state = $2, suspended_until = $3, suspended_reason = $4,
             version = version + 1, updated_at = $5
         where user_id = $1 and state <> 'deleted'",
        user_id as _,
        state,
        until as _,
        reason,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Marks an account as deleted and blanks what it said of itself; the username stays taken.
pub async fn mark_deleted(conn: &mut Conn, user_id: UserId, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update account
         set state = 'deleted', deleted_at = $2, bio = '', location = '', website = null,
             version = version + 1, updated_at = $2
         where user_id = $1",
        user_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Restores accounts whose suspension has run out; says how many.
pub async fn lift_suspensions(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "update account
         set state = 'active', suspended_until = null, suspended_reason = null,
             version = version + 1, updated_at = $1
         where state = 'suspended' and suspended_until <= $1",
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// What only the owner of an account sees.
#[derive(Debug)]
pub struct OwnRow {
    /// E-mail address.
    pub email: String,
    /// Whether it was confirmed.
    pub email_verified: bool,
    friends: i32,
    followers: i32,
    posts: i32,
}

impl OwnRow {
    /// All numbers, since nothing is hidden from oneself.
    pub fn counts(&self) -> super::super::view::Counts {
        super::super::view::Counts {
            friends: Some(i64::from(self.friends)),
            followers: Some(i64::from(self.followers)),
            posts: Some(i64::from(self.posts)),
        }
    }
}

/// E-mail address and counters of an account.
pub async fn load_own(conn: &mut Conn, user_id: UserId) -> Result<OwnRow> {
    sqlx::query_as!(
        OwnRow,
        r#"select r.email, r.email_verified_at is not null as "email_verified!",
                  c.friends, c.followers,
                  c.posts_public + c.posts_friends + c.posts_private as "posts!"
           from credential r join user_counter c using (user_id)
           where r.user_id = $1"#,
        user_id as _
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(Error::not_found)
}
