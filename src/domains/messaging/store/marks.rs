//! How far everybody has read, and what else each has of their own.

use std::collections::HashMap;

use crate::domains::messaging::model::{MyChange, Receipt};
use crate::infra::db::Conn;
use crate::kernel::{ConversationId, Result, UserId};
use crate::platform::http::Patch;

struct ReceiptRow {
    conversation_id: ConversationId,
    user_id: UserId,
    shown_up_to: i64,
    delivered_up_to: i64,
}

/// How far those have read who are in some conversations, in order of person.
pub async fn list_receipts(
    conn: &mut Conn,
    ids: &[ConversationId],
) -> Result<Vec<(ConversationId, Vec<Receipt>)>> {
    let rows = sqlx::query_as!(
        ReceiptRow,
        r#"select conversation_id as "conversation_id: _", user_id as "user_id: _", shown_up_to,
                  delivered_up_to
           from conversation_mark where conversation_id = any(array(select unnest($1::uuid[])))
           order by user_id"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<ConversationId, Vec<Receipt>> = HashMap::new();
    for row in rows {
        found.entry(row.conversation_id).or_default().push(Receipt {
            user_id: row.user_id,
            shown_up_to: row.shown_up_to,
            delivered_up_to: row.delivered_up_to,
        });
    }
    Ok(found.into_iter().collect())
}

/// How many messages of others, and not deleted, each person has not read in a conversation. That is the
/// length of the stretch after their mark, since places have no gap and whoever writes has read up to it,
/// less what was deleted there, which alone is looked up.
pub async fn list_unread(
    conn: &mut Conn,
    keys: &[(ConversationId, UserId)],
) -> Result<Vec<((ConversationId, UserId), i64)>> {
    let (conversations, people): (Vec<ConversationId>, Vec<UserId>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select k.conversation_id as "conversation_id: ConversationId",
                  k.user_id as "user_id: UserId",
                  greatest(0, stretch.top - stretch.mark - deleted.count) as "count!"
           from unnest((select $1::uuid[]), (select $2::uuid[])) as wanted (conversation_id, user_id)
           join conversation_mark k using (conversation_id, user_id)
           join conversation_member m using (conversation_id, user_id)
           join conversation c using (conversation_id)
           cross join lateral (
               select greatest(k.read_up_to, k.cleared_up_to) as mark,
                      least(c.top_seq, m.left_seq) as top
           ) as stretch
           cross join lateral (
               select count(*) from message s
               where s.conversation_id = k.conversation_id and s.deleted_at is not null
                 and s.seq > stretch.mark and s.seq <= stretch.top
           ) as deleted"#,
        &conversations as _,
        &people as _
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| ((row.conversation_id, row.user_id), row.count))
        .collect())
}

/// What the others are told of how far somebody has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMark {
    /// How far the others know.
    pub shown_up_to: i64,
}

/// Moves how far somebody has read forward, the part that is told only if `shown`. `None`: nothing
/// has moved.
pub async fn advance_read(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
    up_to: i64,
    shown: bool,
) -> Result<Option<ReadMark>> {
    Ok(sqlx::query_as!(
        ReadMark,
        "update conversation_mark
         set read_up_to = greatest(read_up_to, $3),
             shown_up_to = case when $4 then greatest(shown_up_to, $3) else shown_up_to end,
             delivered_up_to = case when $4 then greatest(delivered_up_to, $3)
                                    else delivered_up_to end
         where conversation_id = $1 and user_id = $2
           and (read_up_to < $3 or ($4 and shown_up_to < $3))
         returning shown_up_to",
        conversation_id as _,
        user_id as _,
        up_to,
        shown
    )
    .fetch_optional(conn)
    .await?)
}

/// Moves how far messages have reached somebody forward; says whether it has moved.
pub async fn advance_delivered(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
    up_to: i64,
) -> Result<bool> {
    let done = sqlx::query!(
        "update conversation_mark set delivered_up_to = $3
         where conversation_id = $1 and user_id = $2 and delivered_up_to < $3",
        conversation_id as _,
        user_id as _,
        up_to
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Holds what a conversation is to somebody, so that it changes only here until the transaction ends.
pub async fn lock_marks(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
) -> Result<()> {
    sqlx::query_scalar!(
        r#"select 1 as "held!" from conversation_mark
           where conversation_id = $1 and user_id = $2 for no key update"#,
        conversation_id as _,
        user_id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// Changes what a conversation is to somebody. Nothing that is as it was is written again.
pub async fn update_marks(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
    change: &MyChange,
    cleared_up_to: Option<i64>,
) -> Result<()> {
    let (mutes, muted_until) = match change.muted_until {
        Patch::Keep => (false, None),
        Patch::Clear => (true, None),
        Patch::Set(until) => (true, Some(until)),
    };
    sqlx::query!(
        "update conversation_mark k
         set muted_until = n.muted_until, archived = n.archived, pinned = n.pinned,
             cleared_up_to = n.cleared_up_to
         from (
             select case when $3 then $4 else o.muted_until end as muted_until,
                    coalesce($5, o.archived) as archived, coalesce($6, o.pinned) as pinned,
                    greatest(o.cleared_up_to, $7) as cleared_up_to
             from conversation_mark o where o.conversation_id = $1 and o.user_id = $2
         ) as n
         where k.conversation_id = $1 and k.user_id = $2
           and (k.muted_until, k.archived, k.pinned, k.cleared_up_to)
               is distinct from (n.muted_until, n.archived, n.pinned, n.cleared_up_to)",
        conversation_id as _,
        user_id as _,
        mutes,
        muted_until as _,
        change.archived,
        change.pinned,
        cleared_up_to
    )
    .execute(conn)
    .await?;
    Ok(())
}
