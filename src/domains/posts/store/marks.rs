//! What a person has saved and hidden.

use crate::infra::db::Conn;
use crate::kernel::{PostId, Result, Timestamp, UserId};

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
