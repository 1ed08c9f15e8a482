//! The messages themselves.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::types::Json;

use crate::domains::messaging::model::{Action, MessageEntry, Window};
use crate::infra::db::Conn;
use crate::kernel::{ConversationId, MessageId, Result, Timestamp, UserId};

/// Messages by id, in no order, deleted ones too.
pub async fn list_messages(conn: &mut Conn, ids: &[MessageId]) -> Result<Vec<MessageEntry>> {
    Ok(sqlx::query_as!(
        MessageEntry,
        r#"select message_id as "message_id: _", conversation_id as "conversation_id: _", seq,
                  author_id as "author_id: _", content, action as "action: _",
                  subject_id as "subject_id: _", reply_to_id as "reply_to_id: _", op_id, version,
                  created_at as "created_at: _", edited_at as "edited_at: _",
                  deleted_at is not null as "deleted!"
           from message where message_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Ids of all messages, in their order.
pub async fn walk_messages(
    conn: &mut Conn,
    after: Option<MessageId>,
    limit: i64,
) -> Result<Vec<MessageId>> {
    Ok(sqlx::query_scalar!(
        r#"select message_id as "message_id: _" from message
           where $1::uuid is null or message_id > $1
           order by message_id limit $2"#,
        after as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The newest messages of some conversations.
pub async fn list_windows(
    conn: &mut Conn,
    ids: &[ConversationId],
) -> Result<Vec<(ConversationId, Window)>> {
    let rows = sqlx::query!(
        r#"select c.id as "conversation_id!: ConversationId", late.seq as "seq!",
                  late.message_id as "message_id!: MessageId"
           from unnest($1::uuid[]) as c (id)
           cross join lateral (
               select s.seq, s.message_id from message s
               where s.conversation_id = c.id order by s.seq desc limit $2
           ) as late
           order by c.id, late.seq"#,
        ids as _,
        Window::SIZE
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<ConversationId, Window> =
        ids.iter().map(|id| (*id, Window::default())).collect();
    for row in rows {
        let window = found.entry(row.conversation_id).or_default();
        if window.ids.is_empty() {
            window.first = row.seq;
        }
        window.ids.push(row.message_id);
    }
    Ok(found.into_iter().collect())
}

/// The messages of a conversation from `low` to `high`, with their places.
pub async fn list_places(
    conn: &mut Conn,
    conversation_id: ConversationId,
    low: i64,
    high: i64,
) -> Result<Vec<(i64, MessageId)>> {
    let rows = sqlx::query!(
        r#"select seq, message_id as "message_id: MessageId" from message
           where conversation_id = $1 and seq between $2 and $3 order by seq"#,
        conversation_id as _,
        low,
        high
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.seq, row.message_id)).collect())
}

/// The messages at these places of conversations.
pub async fn list_at(
    conn: &mut Conn,
    places: &[(ConversationId, i64)],
) -> Result<HashMap<ConversationId, MessageId>> {
    let (conversations, seqs): (Vec<ConversationId>, Vec<i64>) = places.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select s.conversation_id as "conversation_id: ConversationId",
                  s.message_id as "message_id: MessageId"
           from unnest($1::uuid[], $2::bigint[]) as wanted (conversation_id, seq)
           join message s using (conversation_id, seq)"#,
        &conversations as _,
        &seqs
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| (row.conversation_id, row.message_id))
        .collect())
}

/// What a write must know of a message.
#[derive(Debug, Clone)]
pub struct MessageFacts {
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// Its place there.
    pub seq: i64,
    /// Who wrote it.
    pub author_id: UserId,
    /// What a system message tells.
    pub action: Option<Action>,
    /// Counts edits.
    pub version: i64,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// A message, whoever may see it.
pub async fn find_message(conn: &mut Conn, message_id: MessageId) -> Result<Option<MessageFacts>> {
    Ok(sqlx::query_as!(
        MessageFacts,
        r#"select conversation_id as "conversation_id: _", seq, author_id as "author_id: _",
                  action as "action: _", version, deleted_at is not null as "deleted!"
           from message where message_id = $1"#,
        message_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// A message to be added.
#[derive(Debug, Serialize)]
pub struct NewRow<'a> {
    /// Its id.
    pub message_id: MessageId,
    /// The conversation, which the caller holds.
    pub conversation_id: ConversationId,
    /// Who writes it, or does what it tells.
    pub author_id: UserId,
    /// What it says.
    pub content: &'a str,
    /// What a system message tells.
    pub action: Option<Action>,
    /// To whom that happened.
    pub subject_id: Option<UserId>,
    /// The message that it answers.
    pub reply_to_id: Option<MessageId>,
    /// The idempotency key of the request.
    pub op_id: Option<&'a str>,
}

/// Adds messages, each at the next place of its conversation, no two of them in the same one. The author
/// of each has read up to it.
pub async fn insert_messages(
    conn: &mut Conn,
    rows: &[NewRow<'_>],
    now: Timestamp,
) -> Result<Vec<MessageEntry>> {
    Ok(sqlx::query_as!(
        MessageEntry,
        r#"with placed as (
             update conversation c
             set top_seq = top_seq + 1, last_message_id = new.message_id,
                 updated_at = greatest(updated_at, $2)
             from jsonb_to_recordset($1) as new (
                 message_id uuid, conversation_id uuid, author_id uuid, content text, action text,
                 subject_id uuid, reply_to_id uuid, op_id text)
             where c.conversation_id = new.conversation_id
             returning new.*, c.top_seq
         ), mark as (
             update conversation_mark k
             set read_up_to = top_seq, shown_up_to = top_seq, delivered_up_to = top_seq
             from placed
             where k.conversation_id = placed.conversation_id and k.user_id = placed.author_id
         )
         insert into message (message_id, conversation_id, seq, author_id, content, action,
                              subject_id, reply_to_id, op_id, created_at)
         select message_id, conversation_id, top_seq, author_id, content, action,
                subject_id, reply_to_id, op_id, $2
         from placed
         returning message_id as "message_id: _", conversation_id as "conversation_id: _", seq,
                   author_id as "author_id: _", content, action as "action: _",
                   subject_id as "subject_id: _", reply_to_id as "reply_to_id: _", op_id, version,
                   created_at as "created_at: _", edited_at as "edited_at: _",
                   deleted_at is not null as "deleted!""#,
        Json(rows) as _,
        now as _
    )
    .fetch_all(conn)
    .await?)
}

/// Writes a message's new words; says whether they differ.
pub async fn update_content(
    conn: &mut Conn,
    message_id: MessageId,
    content: &str,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update message set content = $2, edited_at = $3, version = version + 1
         where message_id = $1 and content <> $2",
        message_id as _,
        content,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Marks a message as deleted and forgets what it said.
pub async fn mark_deleted(conn: &mut Conn, message_id: MessageId, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update message set content = '', deleted_at = $2, version = version + 1
         where message_id = $1",
        message_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
