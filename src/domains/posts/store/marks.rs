//! What a person has saved and hidden.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domains::posts::model::PostMarksEntry;
use crate::infra::db::Conn;
use crate::kernel::kept::Newest;
use crate::kernel::{PostId, Result, Timestamp, UserId};

/// The newest posts that some people have saved and hidden.
pub async fn list_newest(
    conn: &mut Conn,
    user_ids: &[UserId],
) -> Result<Vec<(UserId, PostMarksEntry)>> {
    let rows = sqlx::query!(
        r#"select person.id as "user_id!: UserId", marked.post_id as "post_id!",
                  marked.hidden as "hidden!"
           from unnest($1::uuid[]) as person (id)
           cross join lateral (
               (select s.post_id, false as hidden from saved_post s
                where s.user_id = person.id order by s.post_id desc limit $2)
               union all
               (select d.post_id, true from hidden_post d
                where d.user_id = person.id order by d.post_id desc limit $2)
           ) marked
           order by marked.post_id desc"#,
        user_ids as _,
        Newest::<()>::FETCH
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<UserId, [Vec<(Uuid, ())>; 2]> = HashMap::new();
    for row in rows {
        let [saved, hidden] = found.entry(row.user_id).or_default();
        let list = if row.hidden { hidden } else { saved };
        list.push((row.post_id, ()));
    }
    let marks = user_ids.iter().map(|id| {
        let [saved, hidden] = found.remove(id).unwrap_or_default();
        let marks = PostMarksEntry {
            saved: Newest::new(saved),
            hidden: Newest::new(hidden),
        };
        (*id, marks)
    });
    Ok(marks.collect())
}

/// Those of the posts that a person has saved.
pub async fn list_saved_of(
    conn: &mut Conn,
    user_id: UserId,
    post_ids: &[PostId],
) -> Result<Vec<PostId>> {
    Ok(sqlx::query_scalar!(
        r#"select post_id as "post_id: PostId" from saved_post
           where user_id = $1 and post_id = any($2)"#,
        user_id as _,
        post_ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Those of the posts that a person has hidden.
pub async fn list_hidden_of(
    conn: &mut Conn,
    user_id: UserId,
    post_ids: &[PostId],
) -> Result<Vec<PostId>> {
    Ok(sqlx::query_scalar!(
        r#"select post_id as "post_id: PostId" from hidden_post
           where user_id = $1 and post_id = any($2)"#,
        user_id as _,
        post_ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Saves a post; a repeated save keeps its time.
pub async fn insert_saved(
    conn: &mut Conn,
    user_id: UserId,
    post_id: PostId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into saved_post (user_id, post_id, created_at) values ($1, $2, $3)
         on conflict do nothing",
        user_id as _,
        post_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a post out of what is saved.
pub async fn delete_saved(conn: &mut Conn, user_id: UserId, post_id: PostId) -> Result<()> {
    sqlx::query!(
        "delete from saved_post where user_id = $1 and post_id = $2",
        user_id as _,
        post_id as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Hides a post from a person's feeds.
pub async fn insert_hidden(
    conn: &mut Conn,
    user_id: UserId,
    post_id: PostId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into hidden_post (user_id, post_id, created_at) values ($1, $2, $3)
         on conflict do nothing",
        user_id as _,
        post_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets a hidden post into a person's feeds again.
pub async fn delete_hidden(conn: &mut Conn, user_id: UserId, post_id: PostId) -> Result<()> {
    sqlx::query!(
        "delete from hidden_post where user_id = $1 and post_id = $2",
        user_id as _,
        post_id as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
