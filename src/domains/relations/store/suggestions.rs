//! Friends of friends.

use super::RankedRow;
use crate::infra::db::Conn;
use crate::kernel::ids::Id;
use crate::kernel::page::{Page, RankKey, Slice};
use crate::kernel::{Result, Timestamp, UserId};
use crate::keyset;

/// Friends of friends of `viewer` with the number of friends in common, most first: people whom
/// they may see, who let themselves be suggested, who were neither asked nor dismissed.
pub async fn list_suggestions(
    conn: &mut Conn,
    viewer: UserId,
    slice: &Slice<RankKey>,
) -> Result<Page<RankKey, (UserId, i64)>> {
    let rows = keyset!(
        conn, slice, newest "s.rank", "s.user_id", RankedRow,
        r#"select s.rank as "rank!", s.user_id as "user_id!: _"
           from (
               select theirs.friend_id as user_id, count(*) as rank
               from friendship mine
               join visible_account($4) common on common.user_id = mine.friend_id
               join friendship theirs on theirs.user_id = mine.friend_id
               where mine.user_id = $4 and theirs.friend_id <> $4
               group by theirs.friend_id
           ) s
           join visible_account($4) a on a.user_id = s.user_id
           join user_settings o on o.user_id = s.user_id and o.suggestions
           where not exists (
                     select from friendship f where f.user_id = $4 and f.friend_id = s.user_id
                 )
             and not exists (
                     select from suggestion_dismissal d
                     where d.user_id = $4 and d.dismissed_id = s.user_id
                 )
             and not exists (
                     select from friend_request r
                     where r.state = 'pending'
                       and least(r.sender_id, r.recipient_id) = least($4, s.user_id)
                       and greatest(r.sender_id, r.recipient_id) = greatest($4, s.user_id)
                 )"#,
        viewer as _,
    )?;
    let key = |row: RankedRow| {
        (
            RankKey(row.rank, row.user_id.uuid()),
            (row.user_id, row.rank),
        )
    };
    Ok(slice.page(rows.into_iter().map(key).collect()))
}

/// A friend in common with somebody.
#[derive(Debug)]
pub struct MutualRow {
    /// With whom.
    pub user_id: UserId,
    /// The friend.
    pub friend_id: UserId,
}

/// Up to three friends whom `viewer` has in common with each of these people, by name.
pub async fn list_first_mutuals(
    conn: &mut Conn,
    viewer: UserId,
    ids: &[UserId],
) -> Result<Vec<MutualRow>> {
    Ok(sqlx::query_as!(
        MutualRow,
        r#"select t.user_id as "user_id!: _", m.friend_id as "friend_id!: _"
           from unnest($2::uuid[]) t (user_id)
           cross join lateral (
               select mine.friend_id
               from friendship mine
               join friendship theirs
                 on theirs.user_id = t.user_id and theirs.friend_id = mine.friend_id
               join visible_account($1) a on a.user_id = mine.friend_id
               where mine.user_id = $1
               order by lower(a.display_name) collate "C", mine.friend_id
               limit 3
           ) m"#,
        viewer as _,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Leaves somebody out of all later suggestions.
pub async fn insert_dismissal(
    conn: &mut Conn,
    user_id: UserId,
    dismissed_id: UserId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into suggestion_dismissal (user_id, dismissed_id, created_at) values ($1, $2, $3)
         on conflict do nothing",
        user_id as _,
        dismissed_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
