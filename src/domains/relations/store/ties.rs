//! Everything that lies between a person and others, in one statement.

use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp, UserId};

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
