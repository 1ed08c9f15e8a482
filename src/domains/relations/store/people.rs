//! Whom somebody sees, and what lies between two people.

use std::collections::HashMap;

use super::super::model::{Between, Muting};
use crate::infra::db::Conn;
use crate::kernel::{FriendRequestId, Result, Timestamp, UserId};

/// Some of those whom somebody is friends with, follows or is followed by.
pub async fn list_tied(conn: &mut Conn, user_id: UserId, limit: i64) -> Result<Vec<UserId>> {
    Ok(sqlx::query_scalar!(
        r#"select friend_id as "user_id!: _" from friendship where user_id = $1
           union select followee_id from follow where follower_id = $1
           union select follower_id from follow where followee_id = $1
           limit $2"#,
        user_id as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Whether `viewer` may see this person.
pub async fn is_visible(conn: &mut Conn, viewer: Option<UserId>, user_id: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from visible_account($1) a where a.user_id = $2) as "visible!""#,
        viewer as _,
        user_id as _
    )
    .fetch_one(conn)
    .await?)
}

struct BetweenRow {
    viewer_id: UserId,
    other_id: UserId,
    are_friends: bool,
    friend_request_id: Option<FriendRequestId>,
    has_asked: bool,
    following: bool,
    followed_by: bool,
    blocking: bool,
    blocked_by: bool,
    is_muted: bool,
    muted_until: Option<Timestamp>,
}

impl BetweenRow {
    fn keyed(self) -> ((UserId, UserId), Between) {
        let until = self.muted_until;
        let between = Between {
            are_friends: self.are_friends,
            friend_request_id: self.friend_request_id,
            has_asked: self.has_asked,
            following: self.following,
            followed_by: self.followed_by,
            blocking: self.blocking,
            blocked_by: self.blocked_by,
            mute: self.is_muted.then_some(Muting { until }),
        };
        ((self.viewer_id, self.other_id), between)
    }
}

/// What lies between the two of each pair, a viewer and another person, whether or not there are
/// such people.
pub async fn list_between(
    conn: &mut Conn,
    pairs: &[(UserId, UserId)],
) -> Result<Vec<((UserId, UserId), Between)>> {
    let (viewers, others): (Vec<UserId>, Vec<UserId>) = pairs.iter().copied().unzip();
    let rows = sqlx::query_as!(
        BetweenRow,
        r#"select k.viewer_id as "viewer_id!: _", k.other_id as "other_id!: _",
                  exists (
                      select from friendship f
                      where f.user_id = k.viewer_id and f.friend_id = k.other_id
                  ) as "are_friends!",
                  r.friend_request_id as "friend_request_id?: _",
                  coalesce(r.sender_id = k.viewer_id, false) as "has_asked!",
                  exists (
                      select from follow f
                      where f.follower_id = k.viewer_id and f.followee_id = k.other_id
                  ) as "following!",
                  exists (
                      select from follow f
                      where f.follower_id = k.other_id and f.followee_id = k.viewer_id
                  ) as "followed_by!",
                  exists (
                      select from block b
                      where b.blocker_id = k.viewer_id and b.blocked_id = k.other_id
                  ) as "blocking!",
                  exists (
                      select from block b
                      where b.blocker_id = k.other_id and b.blocked_id = k.viewer_id
                  ) as "blocked_by!",
                  m.muter_id is not null as "is_muted!", m.until as "muted_until?: _"
           from unnest($1::uuid[], $2::uuid[]) as k (viewer_id, other_id)
           left join friend_request r
             on r.state = 'pending'
            and least(r.sender_id, r.recipient_id) = least(k.viewer_id, k.other_id)
            and greatest(r.sender_id, r.recipient_id) = greatest(k.viewer_id, k.other_id)
           left join mute m on m.muter_id = k.viewer_id and m.muted_id = k.other_id"#,
        viewers as _,
        others as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(BetweenRow::keyed).collect())
}

/// Pairs of a viewer and somebody between whom there is something, in their order: for the checker.
pub async fn walk_pairs(
    conn: &mut Conn,
    after: Option<(UserId, UserId)>,
    limit: i64,
) -> Result<Vec<(UserId, UserId)>> {
    let (viewer, other) = after.unzip();
    let rows = sqlx::query_file!(
        "src/domains/relations/store/pairs.sql",
        viewer as _,
        other as _,
        limit
    )
    .fetch_all(conn)
    .await?;
    let pairs = rows.into_iter().map(|row| (row.viewer_id, row.other_id));
    Ok(pairs.collect())
}

/// How many posts for a custom audience `viewer` may see of each of these authors; authors of none
/// are left out.
pub async fn count_custom_posts(
    conn: &mut Conn,
    viewer: UserId,
    authors: &[UserId],
) -> Result<HashMap<UserId, i64>> {
    let rows = sqlx::query!(
        r#"select p.author_id as "author_id!: UserId", count(*) as "posts!"
           from visible_post($1) p
           where p.author_id = any($2) and p.audience = 'custom'
           group by p.author_id"#,
        viewer as _,
        authors as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.author_id, row.posts))
        .collect())
}

/// Locks what may change between two people until the transaction ends. Every change of their
/// friendship, requests, follows or blocks does this first, so that two of them never interleave.
pub async fn lock_pair(conn: &mut Conn, one: UserId, other: UserId) -> Result<()> {
    let (lower, higher) = (one.min(other), one.max(other));
    sqlx::query!(
        "insert into pair (lower_id, higher_id) values ($1, $2) on conflict do nothing",
        lower as _,
        higher as _
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "select 1 from pair where lower_id = $1 and higher_id = $2 for update",
        lower as _,
        higher as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}
