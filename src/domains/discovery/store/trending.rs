//! What is talked about. A job ranks it; what it found is the same for everybody.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::infra::db::Conn;
use crate::kernel::{PostId, Result, Timestamp, UserId};

/// The smallest id of the newest posts, which are at most `most`, and none below `first_id`.
pub async fn first_of_newest(conn: &mut Conn, first_id: Uuid, most: i64) -> Result<Uuid> {
    let first = sqlx::query_scalar!(
        "select post_id from post where post_id > $1 order by post_id desc offset $2 limit 1",
        first_id,
        most - 1
    )
    .fetch_optional(conn)
    .await?;
    Ok(first.unwrap_or(first_id))
}

/// Ranks public posts by active people made after `since`: reactions, comments and shares weigh in,
/// and less as the post grows older. Looks at the posts from `first_id` on, and at those that were ranked
/// the last time.
pub async fn rank_posts(
    conn: &mut Conn,
    since: Timestamp,
    first_id: Uuid,
    now: Timestamp,
    limit: i64,
) -> Result<()> {
    sqlx::query!(
        "with weighed as (
             select p.post_id, p.created_at,
                    coalesce(c.comments, 0) * 2 + coalesce(c.shares, 0) * 3 + coalesce((
                        select sum(s.count) from reaction_summary s
                        where s.target_kind = 'post' and s.target_id = p.post_id
                    ), 0) as weight
             from visible_post(null) p left join post_counter c on c.post_id = p.post_id
             where (p.post_id >= $2 or p.post_id = any(array(select post_id from trending_post)))
               and p.created_at >= $1 and p.audience = 'public'
         ), best as (
             select post_id,
                    (1000000 * weight / power(
                        greatest(extract(epoch from $3 - created_at) / 3600, 0) + 2, 1.5
                    ))::bigint as score
             from weighed where weight > 0
             order by score desc, post_id desc
             limit $4
         ), gone as (
             delete from trending_post where post_id not in (select post_id from best)
         )
         insert into trending_post as t (post_id, score)
         select post_id, score from best
         on conflict (post_id) do update set score = excluded.score",
        since as _,
        first_id,
        now as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ranks the hashtags of public posts by active people made after `since`, by how many people use
/// them and how lately: somebody who repeats a hashtag counts by their newest post. Looks at the posts
/// from `first_id` on.
pub async fn rank_hashtags(
    conn: &mut Conn,
    since: Timestamp,
    first_id: Uuid,
    now: Timestamp,
    limit: i64,
) -> Result<()> {
    sqlx::query!(
        "with uses as (
             select h.tag, p.author_id, count(*) as posts, max(p.created_at) as newest
             from visible_post(null) p join post_hashtag h on h.post_id = p.post_id
             where p.post_id >= $2 and p.created_at >= $1 and p.audience = 'public'
             group by h.tag, p.author_id
         ), best as (
             select tag, sum(posts)::int as posts, count(*)::int as people,
                    sum(1000000 / power(
                        greatest(extract(epoch from $3 - newest) / 3600, 0) + 2, 0.5
                    ))::bigint as score
             from uses
             group by tag
             order by score desc, tag
             limit $4
         ), gone as (
             delete from trending_hashtag where tag not in (select tag from best)
         )
         insert into trending_hashtag as t (tag, score, posts, people)
         select tag, score, posts, people from best
         on conflict (tag) do update
         set score = excluded.score, posts = excluded.posts, people = excluded.people",
        since as _,
        first_id,
        now as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A post that is talked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendingPost {
    /// The post.
    pub post_id: PostId,
    /// How much.
    pub score: i64,
}

/// The posts that are talked about most, whoever asks.
pub async fn top_posts(conn: &mut Conn, limit: i64) -> Result<Vec<TrendingPost>> {
    Ok(sqlx::query_as!(
        TrendingPost,
        r#"select post_id as "post_id: _", score from trending_post
           order by score desc, post_id desc limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// A hashtag that is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendingTag {
    /// The word in lower case, without the `#`.
    pub tag: String,
    /// Public posts of the last days that say it.
    pub posts: i32,
    /// People who wrote those.
    pub people: i32,
}

/// The hashtags that are most in use, whoever asks.
pub async fn top_hashtags(conn: &mut Conn, limit: i64) -> Result<Vec<TrendingTag>> {
    Ok(sqlx::query_as!(
        TrendingTag,
        "select tag, posts, people from trending_hashtag order by score desc, tag limit $1",
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Those of the posts that a feed of the viewer may hold: they see them, have not hidden them and
/// have not muted their authors. In no order.
pub async fn keep_posts(
    conn: &mut Conn,
    viewer: Option<UserId>,
    ids: &[PostId],
    now: Timestamp,
) -> Result<Vec<PostId>> {
    Ok(sqlx::query_scalar!(
        r#"select p.post_id as "post_id!: PostId"
           from visible_post($1) p
           where p.post_id = any($2)
             and not exists (
                 select from hidden_post d where d.user_id = $1 and d.post_id = p.post_id
             )
             and not exists (
                 select from mute m
                 where m.muter_id = $1 and m.muted_id = p.author_id
                   and (m.until is null or m.until > $3)
             )"#,
        viewer as _,
        ids as _,
        now as _
    )
    .fetch_all(conn)
    .await?)
}
