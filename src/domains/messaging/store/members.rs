//! Who is in a conversation.

use std::collections::HashMap;

use crate::domains::messaging::model::{Member, MemberRole, MemberState, Membership};
use crate::infra::db::Conn;
use crate::kernel::{ConversationId, Result, Timestamp, UserId};

struct MemberRow {
    conversation_id: ConversationId,
    user_id: UserId,
    role: MemberRole,
    state: MemberState,
    joined_at: Timestamp,
}

/// Those who are in some conversations or asked to them: the owner, admins, members, each in the
/// order in which they came. The other one of a direct conversation is there in any case.
pub async fn list_members(
    conn: &mut Conn,
    ids: &[ConversationId],
) -> Result<Vec<(ConversationId, Vec<Member>)>> {
    let rows = sqlx::query_as!(
        MemberRow,
        r#"select m.conversation_id as "conversation_id: _", m.user_id as "user_id: _",
                  m.role as "role: _", m.state as "state: _", m.joined_at as "joined_at: _"
           from conversation_member m
           join conversation c on c.conversation_id = m.conversation_id
           where m.conversation_id = any(array(select unnest($1::uuid[])))
             and (m.state in ('active', 'request') or c.kind = 'direct')
           order by array_position(array['owner', 'admin', 'member'], m.role),
                    m.joined_at, m.user_id"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<ConversationId, Vec<Member>> = HashMap::new();
    for row in rows {
        found.entry(row.conversation_id).or_default().push(Member {
            user_id: row.user_id,
            role: row.role,
            state: row.state,
            joined_at: row.joined_at,
        });
    }
    Ok(found.into_iter().collect())
}

struct MembershipRow {
    conversation_id: ConversationId,
    user_id: UserId,
    role: MemberRole,
    state: MemberState,
    left_seq: Option<i64>,
    left_at: Option<Timestamp>,
    left_title: Option<String>,
    left_version: Option<i64>,
    read_up_to: i64,
    cleared_up_to: i64,
    muted_until: Option<Timestamp>,
    archived: bool,
    pinned: bool,
}

/// What some conversations are to some people.
pub async fn list_memberships(
    conn: &mut Conn,
    keys: &[(ConversationId, UserId)],
) -> Result<Vec<((ConversationId, UserId), Membership)>> {
    let (conversations, people): (Vec<ConversationId>, Vec<UserId>) = keys.iter().copied().unzip();
    let rows = sqlx::query_as!(
        MembershipRow,
        r#"select m.conversation_id as "conversation_id: _", m.user_id as "user_id: _",
                  m.role as "role: _", m.state as "state: _", m.left_seq,
                  m.left_at as "left_at: _", m.left_title, m.left_version,
                  k.read_up_to, k.cleared_up_to, k.muted_until as "muted_until: _", k.archived, k.pinned
           from unnest((select $1::uuid[]), (select $2::uuid[])) as wanted (conversation_id, user_id)
           join conversation_member m using (conversation_id, user_id)
           join conversation_mark k using (conversation_id, user_id)"#,
        &conversations as _,
        &people as _
    )
    .fetch_all(conn)
    .await?;
    let membership = |row: MembershipRow| {
        let membership = Membership {
            role: row.role,
            state: row.state,
            left_seq: row.left_seq,
            left_at: row.left_at,
            left_title: row.left_title,
            left_version: row.left_version,
            read_up_to: row.read_up_to,
            cleared_up_to: row.cleared_up_to,
            muted_until: row.muted_until,
            archived: row.archived,
            pinned: row.pinned,
        };
        ((row.conversation_id, row.user_id), membership)
    };
    Ok(rows.into_iter().map(membership).collect())
}

/// Everybody with a part in any conversation, in order of conversation and person.
pub async fn walk_memberships(
    conn: &mut Conn,
    after: Option<(ConversationId, UserId)>,
    limit: i64,
) -> Result<Vec<(ConversationId, UserId)>> {
    let (conversation_id, user_id) = after.unzip();
    let rows = sqlx::query!(
        r#"select conversation_id as "conversation_id: ConversationId", user_id as "user_id: UserId"
           from conversation_member
           where $1::uuid is null or (conversation_id, user_id) > ($1, $2)
           order by conversation_id, user_id limit $3"#,
        conversation_id as _,
        user_id as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|row| (row.conversation_id, row.user_id)).collect())
}

/// How somebody is in a conversation, if they have any part in it.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// What they may do.
    pub role: MemberRole,
    /// How they are in it.
    pub state: MemberState,
}

/// The part that somebody has in a conversation.
pub async fn find_part(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
) -> Result<Option<Standing>> {
    Ok(sqlx::query_as!(
        Standing,
        r#"select role as "role: _", state as "state: _" from conversation_member
           where conversation_id = $1 and user_id = $2"#,
        conversation_id as _,
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Puts people into a conversation, in which they have read up to `from`: what was said before is
/// there for them, and is nothing new. Who was in it before is back.
pub async fn upsert_members(
    conn: &mut Conn,
    conversation_id: ConversationId,
    people: &[(UserId, MemberRole, MemberState)],
    from: i64,
    now: Timestamp,
) -> Result<()> {
    let ids: Vec<UserId> = people.iter().map(|(user_id, ..)| *user_id).collect();
    let roles: Vec<&str> = people.iter().map(|(_, role, _)| role.as_str()).collect();
    let states: Vec<&str> = people.iter().map(|(.., state)| state.as_str()).collect();
    sqlx::query!(
        "with member as (
             insert into conversation_member as m
                    (conversation_id, user_id, role, state, joined_at)
             select $1, p.user_id, p.role, p.state, $6
             from unnest($2::uuid[], $3::text[], $4::text[]) as p (user_id, role, state)
             on conflict (conversation_id, user_id) do update
             set role = excluded.role, state = excluded.state, joined_at = excluded.joined_at,
                 former_left_seq = m.left_seq, former_left_at = m.left_at,
                 left_seq = null, left_at = null
         )
         insert into conversation_mark as k
                (conversation_id, user_id, read_up_to)
         select $1, p.user_id, $5 from unnest($2::uuid[]) as p (user_id)
         on conflict (conversation_id, user_id) do update
         set read_up_to = greatest(k.read_up_to, excluded.read_up_to), archived = false",
        conversation_id as _,
        &ids as _,
        &roles as _,
        &states as _,
        from,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Changes how somebody is in a conversation, who has not left it. Who declines to come back to one that they had
/// left has left it as before.
pub async fn update_state(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
    state: MemberState,
) -> Result<()> {
    sqlx::query!(
        "update conversation_member
         set state = case when $3 = 'declined' and former_left_at is not null then 'left' else $3 end,
             left_seq = case when $3 = 'declined' then former_left_seq end,
             left_at = case when $3 = 'declined' then former_left_at end,
             former_left_seq = null, former_left_at = null
         where conversation_id = $1 and user_id = $2",
        conversation_id as _,
        user_id as _,
        state as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets somebody leave, who sees messages up to `left_seq` from then on, and the group as it is called now.
pub async fn update_left(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
    left_seq: i64,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update conversation_member m
         set state = 'left', role = 'member', left_seq = $3, left_at = $4,
             left_title = c.title, left_version = c.version
         from conversation c
         where m.conversation_id = $1 and m.user_id = $2 and c.conversation_id = m.conversation_id",
        conversation_id as _,
        user_id as _,
        left_seq,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives somebody a role.
pub async fn update_role(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
    role: MemberRole,
) -> Result<()> {
    sqlx::query!(
        "update conversation_member set role = $3 where conversation_id = $1 and user_id = $2",
        conversation_id as _,
        user_id as _,
        role as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who becomes the owner when `user_id` leaves: the admin, else the member, who is in it longest.
pub async fn find_successor(
    conn: &mut Conn,
    conversation_id: ConversationId,
    user_id: UserId,
) -> Result<Option<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"select m.user_id as "user_id: _"
           from conversation_member m join account a using (user_id)
           where m.conversation_id = $1 and m.user_id <> $2 and m.state = 'active'
             and a.state <> 'deleted'
           order by m.role = 'admin' desc, m.joined_at, m.user_id limit 1
           for share of a"#,
        conversation_id as _,
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Whether somebody has an account still, and until this transaction ends: deleting it waits, and hands over
/// what they own by then.
pub async fn hold_account(conn: &mut Conn, user_id: UserId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select state <> 'deleted' as "there!" from account where user_id = $1 for share"#,
        user_id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.unwrap_or_default())
}

/// Whether somebody who has an account owns a group and is in it.
pub async fn has_owner(conn: &mut Conn, conversation_id: ConversationId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from conversation_member m join account a using (user_id)
               where m.conversation_id = $1 and m.role = 'owner' and m.state = 'active'
                 and a.state <> 'deleted') as "exists!""#,
        conversation_id as _
    )
    .fetch_one(conn)
    .await?)
}

/// The groups that somebody owns and is in.
pub async fn list_owned(conn: &mut Conn, user_id: UserId) -> Result<Vec<ConversationId>> {
    Ok(sqlx::query_scalar!(
        r#"select conversation_id as "conversation_id: _" from conversation_member
           where user_id = $1 and role = 'owner' and state = 'active'
           order by conversation_id"#,
        user_id as _
    )
    .fetch_all(conn)
    .await?)
}

/// How many are in a conversation or asked to it.
pub async fn count_members(conn: &mut Conn, conversation_id: ConversationId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from conversation_member
           where conversation_id = $1 and state in ('active', 'request')"#,
        conversation_id as _
    )
    .fetch_one(conn)
    .await?)
}
