//! Accounts.

use serde::{Deserialize, Serialize};

use super::super::model::NewAccount;
use super::username_taken;
use crate::infra::db::{Conn, OnConstraint};
use crate::kernel::{Error, Result, Timestamp, UserId};
use crate::platform::sessions::{AccountState, Role};

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
    /// What it may do.
    pub role: Role,
    /// How it stands.
    pub state: AccountState,
    /// Counts edits.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl AccountRow {
    /// Whether the person takes part: neither suspended nor deleted.
    pub fn is_active(&self) -> bool {
        self.state == AccountState::Active
    }
}

/// Accounts by id, in no order, whatever their state.
pub async fn list_accounts(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<AccountRow>> {
    Ok(sqlx::query_as!(
        AccountRow,
        r#"select user_id as "user_id: _", username, display_name, bio, location, website,
                  role as "role: _", state as "state: _", version, created_at as "created_at: _"
           from account where user_id = any(array(select unnest($1::uuid[])))"#,
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

/// Locks an account's row until the transaction ends and reads it. Whoever adds rows that belong to the account
/// does not wait for that.
pub async fn lock_account(conn: &mut Conn, user_id: UserId) -> Result<AccountRow> {
    sqlx::query_as!(
        AccountRow,
        r#"select user_id as "user_id: _", username, display_name, bio, location, website,
                  role as "role: _", state as "state: _", version, created_at as "created_at: _"
           from account where user_id = $1 for no key update"#,
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

/// Changes what an account may do; says whether there is such an account.
pub async fn set_role(
    conn: &mut Conn,
    user_id: UserId,
    role: Role,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update account set role = $2, version = version + 1, updated_at = $3 where user_id = $1",
        user_id as _,
        role.as_str(),
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
    state: AccountState,
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
        state.as_str(),
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnRow {
    /// E-mail address.
    pub email: String,
    /// Whether it was confirmed.
    pub email_verified: bool,
}

/// What only their owners see of these accounts.
pub async fn list_own(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<(UserId, OwnRow)>> {
    let rows = sqlx::query!(
        r#"select user_id as "user_id: UserId", email,
                  email_verified_at is not null as "email_verified!"
           from credential where user_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    let own = |email, email_verified| OwnRow {
        email,
        email_verified,
    };
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id, own(row.email, row.email_verified)))
        .collect())
}
