//! Counters of posts: changed last in the transaction of what they count, before those of people. One that
//! has drifted down stops at nought.

use sqlx::Connection as _;

use crate::domains::posts::model::PostCounters;
use crate::infra::db::Conn;
use crate::kernel::{PostId, Result};

/// The numbers of some posts.
pub async fn list_counters(conn: &mut Conn, ids: &[PostId]) -> Result<Vec<(PostId, PostCounters)>> {
    let rows = sqlx::query!(
        r#"select post_id as "post_id: PostId", comments, shares, views
           from post_counter where post_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    let counters = rows.into_iter().map(|row| {
        let counters = PostCounters {
            comments: row.comments,
            shares: row.shares,
            views: row.views,
        };
        (row.post_id, counters)
    });
    Ok(counters.collect())
}

/// Adds to the number of a post's comments. Call it last.
pub async fn bump_comments(conn: &mut Conn, post_id: PostId, change: i32) -> Result<()> {
    sqlx::query!(
        "update post_counter set comments = greatest(comments + $2, 0) where post_id = $1",
        post_id as _,
        change
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to the number of a post's shares.
pub async fn bump_shares(conn: &mut Conn, post_id: PostId, change: i32) -> Result<()> {
    sqlx::query!(
        "update post_counter set shares = greatest(shares + $2, 0) where post_id = $1",
        post_id as _,
        change
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts comments and shares of every post anew; says how many posts' counters had drifted. Those of a
/// deleted post are left as they are: once it cannot come back its comments go, before it goes itself.
pub async fn recount(conn: &mut Conn) -> Result<u64> {
    let mut transaction = conn.begin().await?;
    // Whoever comments or shares meanwhile waits at the counter, and adds to what is written here.
    sqlx::query!("lock table post_counter in share row exclusive mode")
        .execute(&mut *transaction)
        .await?;
    let done = sqlx::query!(
        "with comments as (
             select post_id, count(*)::int as count from comment
             where deleted_at is null group by post_id
         ), shares as (
             select shared_post_id as post_id, count(*)::int as count from post
             where shared_post_id is not null and deleted_at is null group by shared_post_id
         )
         insert into post_counter as c (post_id, comments, shares)
         select p.post_id, coalesce(comments.count, 0), coalesce(shares.count, 0)
         from post p left join comments using (post_id) left join shares using (post_id)
         where p.deleted_at is null
         on conflict (post_id) do update set comments = excluded.comments, shares = excluded.shares
         where (c.comments, c.shares) is distinct from (excluded.comments, excluded.shares)"
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(done.rows_affected())
}
