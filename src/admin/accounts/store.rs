//! What is asked of accounts across domains. It changes nothing.

use super::Account;
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{Result, UserId};
use crate::keyset;

/// One slice of all accounts, in the order of the walk.
pub(super) async fn list_accounts(
    conn: &mut Conn,
    query: Option<&str>,
    slice: &Slice<TimeKey>,
) -> Result<Vec<(TimeKey, Account)>> {
    let rows = keyset!(
        conn,
        slice,
        newest "a.created_at",
        "a.user_id",
        Account,
        r#"select a.user_id as "id: _", a.username, a.display_name, c.email as "email?",
                  c.email_verified_at is not null as "email_verified!",
                  a.role as "role: _", a.state as "state: _",
                  a.suspended_until as "suspended_until: _", a.suspended_reason,
                  a.created_at as "created_at: _", a.version
           from account a left join credential c using (user_id)
           where ($4::text is null
                  or position(lower($4) in a.username) > 0
                  or position(lower($4) in lower(a.display_name)) > 0
                  or position(lower($4) in lower(c.email)) > 0)"#,
        query
    )?;
    let keyed = |account: Account| (TimeKey(account.created_at, account.id.uuid()), account);
    Ok(rows.into_iter().map(keyed).collect())
}

macro_rules! find {
    ($conn:expr, $condition:literal, $arg:expr) => {
        Ok(sqlx::query_as!(
            Account,
            r#"select a.user_id as "id: _", a.username, a.display_name, c.email as "email?",
                      c.email_verified_at is not null as "email_verified!",
                      a.role as "role: _", a.state as "state: _",
                      a.suspended_until as "suspended_until: _", a.suspended_reason,
                      a.created_at as "created_at: _", a.version
               from account a left join credential c using (user_id)
               where "#
                + $condition,
            $arg
        )
        .fetch_optional($conn)
        .await?)
    };
}

/// The account with this id.
pub(super) async fn find_by_id(conn: &mut Conn, user_id: UserId) -> Result<Option<Account>> {
    find!(conn, "a.user_id = $1", user_id as _)
}

/// The account with this username.
pub(super) async fn find_by_username(conn: &mut Conn, username: &str) -> Result<Option<Account>> {
    find!(conn, "a.username = $1", username)
}

/// The account with this e-mail address.
pub(super) async fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<Account>> {
    find!(conn, "lower(c.email) = lower($1)", email)
}

/// Whether there is any account.
pub(super) async fn has_accounts(conn: &mut Conn) -> Result<bool> {
    Ok(
        sqlx::query_scalar!(r#"select exists (select from account) as "exists!""#)
            .fetch_one(conn)
            .await?,
    )
}
