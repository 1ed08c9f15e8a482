//! Who has seen which post on which day.

use chrono::NaiveDate;

use crate::infra::db::Conn;
use crate::kernel::{PostId, Result, UserId};

/// A post, somebody who saw it, and the day.
pub type View = (PostId, UserId, NaiveDate);

/// Keeps views that are not there yet and adds them to the posts' counters. What somebody may not
/// see, they have not seen. Counters are locked in order of their keys, because others change them
/// too.
pub async fn count_views(conn: &mut Conn, views: &[View]) -> Result<()> {
    let posts: Vec<PostId> = views.iter().map(|view| view.0).collect();
    let people: Vec<UserId> = views.iter().map(|view| view.1).collect();
    let days: Vec<NaiveDate> = views.iter().map(|view| view.2).collect();
    sqlx::query!(
        "with fresh as (
             insert into post_view (post_id, user_id, day)
             select v.post_id, v.user_id, v.day
             from unnest($1::uuid[], $2::uuid[], $3::date[]) as v (post_id, user_id, day)
             where exists (select from visible_post(v.user_id) p where p.post_id = v.post_id)
             order by v.post_id, v.user_id, v.day
             on conflict do nothing
             returning post_id
         ), counted as (
             select post_id, count(*) as views from fresh group by post_id
         ), locked as (
             select c.post_id, k.views
             from post_counter c join counted k using (post_id)
             order by c.post_id
             for no key update of c
         )
         update post_counter c set views = c.views + locked.views
         from locked where c.post_id = locked.post_id",
        &posts as _,
        &people as _,
        &days
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets views of days before `day`, some at a time; says how many.
pub async fn delete_before(conn: &mut Conn, day: NaiveDate, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from post_view where (post_id, user_id, day) in (
             select post_id, user_id, day from post_view where day < $1 order by day limit $2)",
        day,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
