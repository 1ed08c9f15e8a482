//! Which conversations a person's lists show, and how many wait for them.

use crate::domains::messaging::model::{Waiting, Wanted};
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{ConversationId, Result, Timestamp, UserId};
use crate::keyset;

struct PlaceRow {
    at: Timestamp,
    conversation_id: ConversationId,
}

/// A stretch of the conversations of a person, the one that changed last first. One that they have
/// cleared is back with its next message. A group that they left is found by what it was called then.
pub async fn list_conversation_places(
    conn: &mut Conn,
    user_id: UserId,
    wanted: Wanted<'_>,
    slice: &Slice<TimeKey>,
) -> Result<Vec<(TimeKey, ConversationId)>> {
    let rows = keyset!(
        conn, slice, newest "coalesce(m.left_at, c.updated_at)", "c.conversation_id", PlaceRow,
        r#"select coalesce(m.left_at, c.updated_at) as "at!: _",
                  c.conversation_id as "conversation_id!: _"
           from visible_conversation($4) c
           join conversation_member m on m.conversation_id = c.conversation_id and m.user_id = $4
           join conversation_mark k on k.conversation_id = c.conversation_id and k.user_id = $4
           where (k.cleared_up_to = 0 or k.cleared_up_to < coalesce(m.left_seq, c.top_seq))
             and case $5::text
                     when 'requests' then m.state = 'request'
                     when 'archived' then m.state <> 'request' and (k.archived or m.state = 'left')
                     else m.state = 'active' and not k.archived
                 end
             and ($5 <> 'unread' or exists (
                     select from message s
                     where s.conversation_id = c.conversation_id
                       and s.seq > greatest(k.read_up_to, k.cleared_up_to)
                       and s.author_id <> $4 and s.deleted_at is null
                 ))
             and ($6::timestamptz is null or coalesce(m.left_at, c.updated_at) > $6)
             and ($7::text is null or strpos(lower(case when m.state = 'left' then m.left_title
                                                        else c.title end), $7) > 0 or exists (
                     select from conversation_member o
                     join account a on a.user_id = o.user_id and a.state <> 'deleted'
                     where o.conversation_id = c.conversation_id and o.user_id <> $4
                       and (o.state in ('active', 'request') or c.kind = 'direct')
                       and m.state <> 'left'
                       and (strpos(lower(a.display_name), $7) > 0 or strpos(a.username, $7) > 0)
                 ))"#,
        user_id as _, wanted.filter.as_str(), wanted.updated_after as _, wanted.q
    )?;
    let place = |row: PlaceRow| {
        let key = TimeKey(row.at, row.conversation_id.uuid());
        (key, row.conversation_id)
    };
    Ok(rows.into_iter().map(place).collect())
}

/// How many conversations wait for each person.
pub async fn list_waiting(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<(UserId, Waiting)>> {
    let rows = sqlx::query!(
        r#"select wanted.user_id as "user_id!: UserId",
                  count(*) filter (where m.state = 'active') as "unread!",
                  count(*) filter (where m.state = 'request') as "requests!"
           from unnest((select $1::uuid[])) as wanted (user_id)
           left join lateral (
               select m.state from visible_conversation(wanted.user_id) c
               join conversation_member m using (conversation_id)
               join conversation_mark k using (conversation_id, user_id)
               where m.user_id = wanted.user_id and c.top_seq > k.cleared_up_to
                 and (m.state = 'request' or m.state = 'active' and not k.archived and exists (
                         select from message s
                         where s.conversation_id = c.conversation_id
                           and s.seq > greatest(k.read_up_to, k.cleared_up_to)
                           and s.author_id <> wanted.user_id and s.deleted_at is null
                     ))
           ) m on true
           group by wanted.user_id"#,
        ids as _
    )
    .fetch_all(conn)
    .await?
    .into_iter();
    let waiting = |unread, requests| Waiting { unread, requests };
    Ok(rows
        .map(|row| (row.user_id, waiting(row.unread, row.requests)))
        .collect())
}
