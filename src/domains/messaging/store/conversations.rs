//! The conversations themselves.

use crate::domains::messaging::model::{
    ConversationEntry, ConversationKind, MemberRole, MemberState,
};
use crate::infra::db::Conn;
use crate::kernel::{ConversationId, Result, Timestamp, UserId};

/// Conversations by id, whoever is in them.
pub async fn list_conversations(
    conn: &mut Conn,
    ids: &[ConversationId],
) -> Result<Vec<ConversationEntry>> {
    Ok(sqlx::query_as!(
        ConversationEntry,
        r#"select conversation_id as "conversation_id: _", kind as "kind: _",
                  lower_id as "lower_id: _", higher_id as "higher_id: _", title, top_seq,
                  last_message_id as "last_message_id: _", version,
                  updated_at as "updated_at: _"
           from conversation where conversation_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Ids of all conversations, in their order.
pub async fn walk_conversations(
    conn: &mut Conn,
    after: Option<ConversationId>,
    limit: i64,
) -> Result<Vec<ConversationId>> {
    Ok(sqlx::query_scalar!(
        r#"select conversation_id as "conversation_id: _" from conversation
           where $1::uuid is null or conversation_id > $1
           order by conversation_id limit $2"#,
        after as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Holds conversations that people have a part in, so that nothing else changes in them until the
/// transaction ends: in the order of their ids, so that two who hold several do not wait for each other.
/// Whoever has no part holds up nobody.
pub async fn lock_conversations(conn: &mut Conn, parts: &[(UserId, ConversationId)]) -> Result<()> {
    let (people, ids): (Vec<UserId>, Vec<ConversationId>) = parts.iter().copied().unzip();
    sqlx::query_scalar!(
        r#"select 1 as "held!"
           from unnest((select $1::uuid[]), (select $2::uuid[])) as part (user_id, conversation_id)
           join conversation_member using (user_id, conversation_id)
           join conversation c using (conversation_id)
           order by c.conversation_id
           for no key update of c"#,
        &people as _,
        &ids as _
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// What a write must know of a conversation and of the part that somebody has in it.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Its id.
    pub conversation_id: ConversationId,
    /// How many talk with each other.
    pub kind: ConversationKind,
    /// The two of a direct one.
    pub lower_id: Option<UserId>,
    /// The other of the two.
    pub higher_id: Option<UserId>,
    /// What a group is called.
    pub title: Option<String>,
    /// The `seq` of the newest message.
    pub top_seq: i64,
    /// Counts changes of the title, up to their leaving.
    pub version: i64,
    /// What they may do.
    pub role: MemberRole,
    /// How they are in it.
    pub state: MemberState,
    /// The last message that they see after they left.
    pub left_seq: Option<i64>,
    /// Messages up to this one are gone for them.
    pub cleared_up_to: i64,
    /// How far they have read.
    pub read_up_to: i64,
    /// Whether they have put it away.
    pub archived: bool,
}

impl Facts {
    /// Whether the conversation may be one of those that wait for them: it is not, if all that they have
    /// not read is deleted.
    pub fn may_wait(&self) -> bool {
        match self.state {
            MemberState::Request => self.top_seq > self.cleared_up_to,
            MemberState::Active => {
                !self.archived && self.top_seq > self.read_up_to.max(self.cleared_up_to)
            }
            _ => false,
        }
    }

    /// With whom `me` talks in a direct conversation.
    pub fn other(&self, me: UserId) -> Option<UserId> {
        let (lower, higher) = (self.lower_id?, self.higher_id?);
        Some(if lower == me { higher } else { lower })
    }
}

/// Those of these conversations that are there for those who have a part in them, in no order. Each is
/// asked for inside of what the person sees: from outside Postgres would look through all that they see.
pub async fn list_facts(conn: &mut Conn, parts: &[(UserId, ConversationId)]) -> Result<Vec<Facts>> {
    let (people, ids): (Vec<UserId>, Vec<ConversationId>) = parts.iter().copied().unzip();
    Ok(sqlx::query_as!(
        Facts,
        r#"select c.conversation_id as "conversation_id!: _", c.kind as "kind!: _",
                  c.lower_id as "lower_id?: _", c.higher_id as "higher_id?: _", c.title,
                  c.top_seq as "top_seq!",
                  case when m.state = 'left' then coalesce(m.left_version, 1)
                       else c.version end as "version!",
                  m.role as "role: _", m.state as "state: _", m.left_seq, k.cleared_up_to,
                  k.read_up_to, k.archived
           from unnest((select $1::uuid[]), (select $2::uuid[])) as part (user_id, conversation_id)
           cross join lateral (
               select * from visible_conversation(part.user_id) as seen
               where seen.conversation_id = part.conversation_id
           ) as c
           join conversation_member m
             on m.conversation_id = part.conversation_id and m.user_id = part.user_id
           join conversation_mark k
             on k.conversation_id = part.conversation_id and k.user_id = part.user_id"#,
        &people as _,
        &ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// A conversation that is there for somebody.
pub async fn find_facts(
    conn: &mut Conn,
    user_id: UserId,
    conversation_id: ConversationId,
) -> Result<Option<Facts>> {
    Ok(list_facts(conn, &[(user_id, conversation_id)]).await?.pop())
}

/// Makes the conversation of two people, unless they have one.
pub async fn insert_direct(
    conn: &mut Conn,
    conversation_id: ConversationId,
    one: UserId,
    other: UserId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into conversation
                (conversation_id, kind, lower_id, higher_id, created_at, updated_at)
         values ($1, 'direct', $2, $3, $4, $4) on conflict do nothing",
        conversation_id as _,
        one.min(other) as _,
        one.max(other) as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The conversation of two people, locked until the transaction ends.
pub async fn lock_direct(
    conn: &mut Conn,
    one: UserId,
    other: UserId,
) -> Result<Option<ConversationId>> {
    Ok(sqlx::query_scalar!(
        r#"select conversation_id as "conversation_id: _" from conversation
           where kind = 'direct' and lower_id = $1 and higher_id = $2
           for no key update"#,
        one.min(other) as _,
        one.max(other) as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Makes a group.
pub async fn insert_group(
    conn: &mut Conn,
    conversation_id: ConversationId,
    title: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into conversation (conversation_id, kind, title, created_at, updated_at)
         values ($1, 'group', $2, $3, $3)",
        conversation_id as _,
        title,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a group another title, or none.
pub async fn update_title(
    conn: &mut Conn,
    conversation_id: ConversationId,
    title: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "update conversation set title = $2, version = version + 1 where conversation_id = $1",
        conversation_id as _,
        title
    )
    .execute(conn)
    .await?;
    Ok(())
}
