//! Counters of a person: changed last in the transaction of what they count, in order of id, so that
//! two transactions that touch the same people never wait for each other in a circle.

use serde::{Deserialize, Serialize};
use sqlx::Connection as _;

use crate::infra::db::Conn;
use crate::kernel::{Result, UserId};

/// A change of one person's counters.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Friends.
    pub friends: i32,
    /// People who follow them.
    pub followers: i32,
    /// People whom they follow.
    pub following: i32,
    /// Public posts.
    pub posts_public: i32,
    /// Posts for friends.
    pub posts_friends: i32,
    /// Posts for a custom audience or for nobody else.
    pub posts_private: i32,
}

/// The counters of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCounts {
    /// Friends.
    pub friends: i32,
    /// People who follow them.
    pub followers: i32,
    /// Public posts.
    pub posts_public: i32,
    /// Posts for friends.
    pub posts_friends: i32,
    /// Posts for a custom audience or for nobody else.
    pub posts_private: i32,
}

/// The counters of some people.
pub async fn list_counts(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<(UserId, UserCounts)>> {
    let rows = sqlx::query!(
        r#"select user_id as "user_id: UserId", friends, followers, posts_public, posts_friends,
                  posts_private
           from user_counter where user_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    let counts = rows.into_iter().map(|row| {
        let counts = UserCounts {
            friends: row.friends,
            followers: row.followers,
            posts_public: row.posts_public,
            posts_friends: row.posts_friends,
            posts_private: row.posts_private,
        };
        (row.user_id, counts)
    });
    Ok(counts.collect())
}

/// Adds to the counters of some people. Call it last. One that has drifted down, as after a change by hand,
/// stops at nought: it keeps nobody from undoing what it did not count.
pub async fn bump(conn: &mut Conn, changes: &[(UserId, Tally)]) -> Result<()> {
    let mut sorted = changes.to_vec();
    sorted.sort_by_key(|(user_id, _)| *user_id);
    for (user_id, tally) in sorted {
        sqlx::query!(
            "update user_counter
             set friends = greatest(friends + $2, 0), followers = greatest(followers + $3, 0),
                 following = greatest(following + $4, 0),
                 posts_public = greatest(posts_public + $5, 0),
                 posts_friends = greatest(posts_friends + $6, 0),
                 posts_private = greatest(posts_private + $7, 0)
             where user_id = $1",
            user_id as _,
            tally.friends,
            tally.followers,
            tally.following,
            tally.posts_public,
            tally.posts_friends,
            tally.posts_private
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Counts everything anew; says how many people's counters had drifted.
pub async fn recount(conn: &mut Conn) -> Result<u64> {
    let mut transaction = conn.begin().await?;
    // Whoever changes what is counted meanwhile waits at the counter, and adds to what is written
    // here.
    sqlx::query!("lock table user_counter in share row exclusive mode")
        .execute(&mut *transaction)
        .await?;
    let done = sqlx::query!(
        "with truth as (
             select a.user_id,
                    (select count(*)::int from friendship f where f.user_id = a.user_id) as friends,
                    (select count(*)::int from follow f where f.followee_id = a.user_id) as followers,
                    (select count(*)::int from follow f where f.follower_id = a.user_id) as following,
                    count(p.post_id) filter (where p.audience = 'public')::int as posts_public,
                    count(p.post_id) filter (where p.audience = 'friends')::int as posts_friends,
                    count(p.post_id) filter (where p.audience in ('custom', 'only_me'))::int as posts_private
             from account a
             left join post p on p.author_id = a.user_id and p.deleted_at is null
             group by a.user_id
         )
         insert into user_counter as c
                (user_id, friends, followers, following, posts_public, posts_friends, posts_private)
         select * from truth
         on conflict (user_id) do update
         set friends = excluded.friends, followers = excluded.followers,
             following = excluded.following, posts_public = excluded.posts_public,
             posts_friends = excluded.posts_friends, posts_private = excluded.posts_private
         where (c.friends, c.followers, c.following, c.posts_public, c.posts_friends, c.posts_private)
               is distinct from
               (excluded.friends, excluded.followers, excluded.following, excluded.posts_public,
                excluded.posts_friends, excluded.posts_private)"
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(done.rows_affected())
}
