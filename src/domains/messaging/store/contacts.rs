//! What lies between a person and those whom they want to talk with.

use crate::domains::messaging::model::MemberState;
use crate::infra::db::Conn;
use crate::kernel::{ConversationId, Result, UserId};

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

/// The other of the two in a direct conversation, as the one who writes finds them.
#[derive(Debug, Clone)]
pub struct Counterpart {
    /// How they are in it; `None` if they have no part in it yet.
    pub state: Option<MemberState>,
    /// Who they are to the one who writes; `None` if they may not be seen.
    pub contact: Option<Contact>,
}

/// How `viewer` finds the other one of a direct conversation.
pub async fn find_counterpart(
    conn: &mut Conn,
    conversation_id: ConversationId,
    (viewer, other): (UserId, UserId),
) -> Result<Counterpart> {
    let row = sqlx::query!(
        r#"select m.state as "state?: MemberState", a.user_id as "user_id?: UserId",
                  s.who_can_message as "who_can_message?",
                  exists (
                      select from friendship f where f.user_id = $2 and f.friend_id = $3
                  ) as "are_friends!"
           from (select $3::uuid as id) as other
           left join conversation_member m on m.conversation_id = $1 and m.user_id = other.id
           left join visible_account($2) a on a.user_id = other.id
           left join user_settings s on s.user_id = a.user_id"#,
        conversation_id as _,
        viewer as _,
        other as _
    )
    .fetch_one(conn)
    .await?;
    let contact = row.user_id.zip(row.who_can_message);
    Ok(Counterpart {
        state: row.state,
        contact: contact.map(|(user_id, who_can_message)| Contact {
            user_id,
            are_friends: row.are_friends,
            who_can_message,
        }),
    })
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
