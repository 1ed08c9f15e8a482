//! Accounts as an operator sees and changes them, whatever their state.

mod routes;
mod store;

use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::users;
use crate::infra::db::Conn;
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Code, Error, Result, Timestamp, UserId};
use crate::platform::Tx;
use crate::platform::sessions::{self, AccountState, EndReason, Role};

pub use routes::configure;

/// An account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Its name in addresses.
    pub username: String,
    /// The name that people read.
    pub display_name: String,
    /// E-mail address, where the account can sign in.
    #[schema(required)]
    pub email: Option<String>,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// `user`, `moderator` or `admin`.
    #[schema(value_type = String)]
    pub role: Role,
    /// `active`, `suspended` or `deleted`.
    #[schema(value_type = String)]
    pub state: AccountState,
    /// End of a suspension.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub suspended_until: Option<Timestamp>,
    /// Why it is suspended.
    #[schema(required)]
    pub suspended_reason: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
}

/// An account as an operator names it: by id, by username with or without `@`, or by address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Its id.
    Id(UserId),
    /// Its username, in lower case.
    Username(String),
    /// Its e-mail address.
    Email(String),
}

impl FromStr for Who {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_prefix('@').unwrap_or(text);
        Ok(if let Ok(id) = text.parse() {
            Self::Id(id)
        } else if name.contains('@') {
            Self::Email(name.to_owned())
        } else {
            Self::Username(name.to_ascii_lowercase())
        })
    }
}

/// Accounts, newest first; with `query` only those whose names or address hold it.
pub async fn list(
    conn: &mut Conn,
    query: Option<&str>,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Account>> {
    let rows = store::list_accounts(conn, query, slice).await?;
    Ok(slice.page(rows))
}

/// The account that is meant, or an error that says there is none.
pub async fn find(conn: &mut Conn, who: &Who) -> Result<Account> {
    let found = match who {
        Who::Id(id) => store::find_by_id(conn, *id).await?,
        Who::Username(name) => store::find_by_username(conn, name).await?,
        Who::Email(email) => store::find_by_email(conn, email).await?,
    };
    found.ok_or_else(|| Error::new(Code::NotFound, "There is no such account."))
}

/// Keeps an account as it is until the transaction ends, but for what that changes.
pub async fn hold(tx: &mut Tx, user_id: UserId) -> Result<()> {
    users::lock_account(tx.conn(), user_id).await.map(drop)
}

/// Changes what an account may do, and tells its person's devices.
pub async fn promote(tx: &mut Tx, user_id: UserId, role: Role) -> Result<()> {
    let now = tx.now();
    let found = users::set_role(tx.conn(), user_id, role, now).await?;
    found_or_refused(found)?;
    users::tell_changed(tx, user_id, None);
    Ok(())
}

/// Suspends an account, for good without `until`, and ends its sessions; says how many those were.
pub async fn suspend(
    tx: &mut Tx,
    user_id: UserId,
    until: Option<Timestamp>,
    reason: Option<&str>,
) -> Result<u64> {
    let now = tx.now();
    let state = AccountState::Suspended;
    let found = users::set_state(tx.conn(), user_id, state, until, reason, now).await?;
    found_or_refused(found)?;
    sessions::end_all(tx, user_id, None, EndReason::Suspended).await
}

/// Ends a suspension.
pub async fn unsuspend(tx: &mut Tx, user_id: UserId) -> Result<()> {
    let now = tx.now();
    let state = AccountState::Active;
    let found = users::set_state(tx.conn(), user_id, state, None, None, now).await?;
    found_or_refused(found)
}

fn found_or_refused(found: bool) -> Result<()> {
    if found {
        return Ok(());
    }
    Err(Error::new(Code::Conflict, "The account is deleted."))
}

/// Whether there is any account at all.
pub async fn any(conn: &mut Conn) -> Result<bool> {
    store::has_accounts(conn).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_named_by_id_username_or_address() {
        let parse = |text: &str| text.parse::<Who>();
        assert_eq!(parse("Alice"), Ok(Who::Username("alice".to_owned())));
        assert_eq!(parse("@alice"), Ok(Who::Username("alice".to_owned())));
        assert_eq!(parse("a@b.org"), Ok(Who::Email("a@b.org".to_owned())));
        let id = "01938b2f-5a00-7000-8000-000000000001";
        assert!(matches!(parse(id), Ok(Who::Id(_))));
    }
}
