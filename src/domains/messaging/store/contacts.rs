//! What lies between a person and those whom they want to talk with.

use crate::infra::db::Conn;
use crate::kernel::{Result, UserId};

/// Somebody whom a person wants to talk with.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Who it is.
    pub user_id: UserId,
    /// Whether the two are friends.
    pub are_friends: bool,
    /// Whom they let write.
    pub who_can_message: String,
}

/// Those of these people whom `viewer` may see, in order of id.
pub async fn list_contacts(
    conn: &mut Conn,
    viewer: UserId,
    ids: &[UserId],
) -> Result<Vec<Contact>> {
    Ok(sqlx::query_as!(
        Contact,
        r#"select a.user_id as "user_id!: _", s.who_can_message,
                  exists (
                      select from friendship f where f.user_id = $1 and f.friend_id = a.user_id
                  ) as "are_friends!"
           from visible_account($1) a
           join user_settings s on s.user_id = a.user_id
           where a.user_id = any(array(select unnest($2::uuid[])))
           order by a.user_id"#,
        viewer as _,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Whether somebody lets others know what they have read.
pub async fn tells_what_is_read(conn: &mut Conn, user_id: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        "select read_receipts from user_settings where user_id = $1",
        user_id as _
    )
    .fetch_optional(conn)
    .await?
    .unwrap_or(false))
}
