//! What lies between a person and those whom they want to talk with.

use std::collections::HashMap;

use crate::domains::messaging::model::MemberState;
use crate::domains::users::MessagePolicy;
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
    pub who_can_message: MessagePolicy,
}

/// Those of these people whom `viewer` may see, in order of id.
pub async fn list_contacts(
    conn: &mut Conn,
    viewer: UserId,
    ids: &[UserId],
) -> Result<Vec<Contact>> {
    Ok(sqlx::query_as!(
        Contact,
        r#"select a.user_id as "user_id!: _", s.who_can_message as "who_can_message: _",
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
    /// Who it is.
    pub user_id: UserId,
    /// How they are in it; `None` if they have no part in it yet.
    pub state: Option<MemberState>,
    /// Who they are to the one who writes; `None` if they may not be seen.
    pub contact: Option<Contact>,
}

/// How somebody, the viewer, finds the other one of a direct conversation of theirs; for several at once.
pub async fn list_counterparts(
    conn: &mut Conn,
    asked: &[(ConversationId, UserId, UserId)],
) -> Result<HashMap<ConversationId, Counterpart>> {
    let ids: Vec<ConversationId> = asked.iter().map(|(id, ..)| *id).collect();
    let viewers: Vec<UserId> = asked.iter().map(|(_, viewer, _)| *viewer).collect();
    let others: Vec<UserId> = asked.iter().map(|(.., other)| *other).collect();
    let rows = sqlx::query!(
        r#"select asked.id as "id!: ConversationId", asked.other as "other!: UserId",
                  m.state as "state?: MemberState",
                  s.who_can_message as "who_can_message?: MessagePolicy",
                  exists (
                      select from friendship f
                      where f.user_id = asked.viewer and f.friend_id = asked.other
                  ) as "are_friends!"
           from unnest((select $1::uuid[]), (select $2::uuid[]), (select $3::uuid[]))
                as asked (id, viewer, other)
           left join conversation_member m
             on m.conversation_id = asked.id and m.user_id = asked.other
           left join lateral (
               select s.who_can_message
               from visible_account(asked.viewer) a join user_settings s using (user_id)
               where a.user_id = asked.other
           ) as s on true"#,
        &ids as _,
        &viewers as _,
        &others as _
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| {
        let contact = row.who_can_message.map(|who_can_message| Contact {
            user_id: row.other,
            are_friends: row.are_friends,
            who_can_message,
        });
        let counterpart = Counterpart {
            user_id: row.other,
            state: row.state,
            contact,
        };
        (row.id, counterpart)
    });
    Ok(found.collect())
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
