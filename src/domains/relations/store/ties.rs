//! Everything that lies between a person and others, in one statement.

use crate::infra::db::Conn;
use crate::kernel::{CircleId, Result, Timestamp, UserId};

/// The ties of one person, as lists in order of id.
#[derive(Debug)]
pub struct TiesRow {
    /// The person.
    pub user_id: UserId,
    /// Their friends.
    pub friends: Vec<UserId>,
    /// Whom they follow.
    pub following: Vec<UserId>,
    /// Whom they have blocked and who has blocked them.
    pub hidden: Vec<UserId>,
    /// Whom they have muted.
    pub muted: Vec<UserId>,
    /// Until when each mute lasts; `None`: for good.
    pub muted_until: Vec<Option<Timestamp>>,
}

/// The ties of some people; whoever has none has empty lists.
pub async fn list_ties(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<TiesRow>> {
    Ok(sqlx::query_as!(
        TiesRow,
        r#"select u.user_id as "user_id!: _",
                  array(select f.friend_id from friendship f
                        where f.user_id = u.user_id order by f.friend_id) as "friends!: _",
                  array(select w.followee_id from follow w
                        where w.follower_id = u.user_id order by w.followee_id) as "following!: _",
                  array(select b.blocked_id from block b where b.blocker_id = u.user_id
                        union
                        select b.blocker_id from block b where b.blocked_id = u.user_id
                        order by 1) as "hidden!: _",
                  array(select m.muted_id from mute m
                        where m.muter_id = u.user_id order by m.muted_id) as "muted!: _",
                  array(select m.until from mute m
                        where m.muter_id = u.user_id order by m.muted_id) as "muted_until!: _"
           from unnest($1::uuid[]) as u(user_id)"#,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// The members of circles, deleted ones included: those still stand for their members.
pub async fn list_circle_members(
    conn: &mut Conn,
    ids: &[CircleId],
) -> Result<Vec<(CircleId, Vec<UserId>)>> {
    let rows = sqlx::query!(
        r#"select c.circle_id as "circle_id: CircleId",
                  array(select m.user_id from circle_member m
                        where m.circle_id = c.circle_id order by m.user_id) as "members!: Vec<UserId>"
           from circle c where c.circle_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.circle_id, row.members))
        .collect())
}

/// Circles in order of id.
pub async fn walk_circles(
    conn: &mut Conn,
    after: Option<CircleId>,
    limit: i64,
) -> Result<Vec<CircleId>> {
    Ok(sqlx::query_scalar!(
        r#"select circle_id as "circle_id: _" from circle
           where $1::uuid is null or circle_id > $1
           order by circle_id limit $2"#,
        after as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}
