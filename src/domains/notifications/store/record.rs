//! Noting what happened, and forgetting what was undone.

use uuid::Uuid;

use crate::domains::notifications::model::{Happening, Kind};
use crate::infra::db::Conn;
use crate::kernel::{CommentId, NotificationId, Result, Timestamp, UserId};

/// Notes that something happened, in the group that it belongs to; `None` when it is known. What happened again
/// since it was noted, as an invitation, is noted as new. New ids are for a group and an item.
pub async fn record(
    conn: &mut Conn,
    happening: &Happening,
    (group_id, item_id): (NotificationId, NotificationId),
) -> Result<Option<NotificationId>> {
    let Happening {
        user_id,
        subject,
        actor_id,
        source_id,
        at,
    } = *happening;
    let noted = sqlx::query_scalar!(
        r#"with grouped as (
               insert into notification as n
                      (notification_id, user_id, kind, group_key, post_id, comment_id,
                       conversation_id, created_at, updated_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
               -- It is held, and moved below, if there is something to note in it.
               on conflict (user_id, group_key) do update set updated_at = n.updated_at
               returning n.notification_id
           )
           insert into notification_item as i
                  (notification_item_id, notification_id, user_id, actor_id, source_id, created_at)
           select $9, g.notification_id, $2, $10, $11, $8 from grouped g
           on conflict (notification_id, actor_id, source_id) do update
           set created_at = excluded.created_at
           where i.created_at < excluded.created_at
           returning notification_id as "notification_id: NotificationId""#,
        group_id as _,
        user_id as _,
        subject.kind().as_str(),
        subject.group_key(),
        subject.post_id() as _,
        subject.comment_id() as _,
        subject.conversation_id() as _,
        at as _,
        item_id as _,
        actor_id as _,
        source_id
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(notification_id) = noted {
        move_group(conn, notification_id, happening, item_id).await?;
    }
    Ok(noted)
}

/// Has a group be as new as what was noted in it, and count who did it, unless they are counted.
async fn move_group(
    conn: &mut Conn,
    notification_id: NotificationId,
    noted: &Happening,
    item_id: NotificationId,
) -> Result<()> {
    sqlx::query!(
        "update notification n
         set updated_at = greatest(n.updated_at, $4),
             actor_count = n.actor_count + case when exists (
                 select from notification_item i
                 where i.notification_id = $1 and i.actor_id = $2
                   and i.notification_item_id <> $3) then 0 else 1 end
         where n.notification_id = $1",
        notification_id as _,
        noted.actor_id as _,
        item_id as _,
        noted.at as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// When somebody was first told that a text calls them, which is now unless it is known.
pub async fn note_mention(
    conn: &mut Conn,
    source_id: Uuid,
    user_id: UserId,
    at: Timestamp,
) -> Result<Timestamp> {
    Ok(sqlx::query_scalar!(
        r#"insert into mention_told as t (source_id, user_id, told_at) values ($1, $2, $3)
           on conflict (source_id, user_id) do update set told_at = t.told_at
           returning told_at as "told_at: _""#,
        source_id,
        user_id as _,
        at as _
    )
    .fetch_one(conn)
    .await?)
}

/// Forgets who was told before an instant that a text calls them.
pub async fn trim_mentions(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from mention_told where (source_id, user_id) in (
             select source_id, user_id from mention_told where told_at < $1
             order by told_at limit $2)",
        before as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Takes what was undone out of its groups: what these kinds tell of `source_id`, by `actor_id` or
/// by anybody. Gives the groups that were touched, with whose they are.
pub async fn forget_source(
    conn: &mut Conn,
    kinds: &[Kind],
    source_id: Uuid,
    actor_id: Option<UserId>,
) -> Result<Vec<(NotificationId, UserId)>> {
    let words: Vec<String> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let rows = sqlx::query!(
        r#"delete from notification_item i using notification n
           where n.notification_id = i.notification_id and n.kind = any($1) and i.source_id = $2
             and ($3::uuid is null or i.actor_id = $3)
           returning i.notification_id as "notification_id: NotificationId",
                     i.user_id as "user_id: UserId""#,
        &words,
        source_id,
        actor_id as _
    )
    .fetch_all(conn)
    .await?;
    let touched = rows.into_iter();
    Ok(touched
        .map(|row| (row.notification_id, row.user_id))
        .collect())
}

/// The same for the mentions in one text, but those of people whom it still calls.
pub async fn forget_mentions(
    conn: &mut Conn,
    source_id: Uuid,
    still_called: &[String],
) -> Result<Vec<(NotificationId, UserId)>> {
    let rows = sqlx::query!(
        r#"delete from notification_item i using notification n
           where n.notification_id = i.notification_id and n.kind = 'mention' and i.source_id = $1
             and not exists (select from account a
                             where a.user_id = i.user_id and a.username = any($2))
           returning i.notification_id as "notification_id: NotificationId",
                     i.user_id as "user_id: UserId""#,
        source_id,
        still_called
    )
    .fetch_all(conn)
    .await?;
    let touched = rows.into_iter();
    Ok(touched
        .map(|row| (row.notification_id, row.user_id))
        .collect())
}

/// Makes groups fit the items that are left of them; those without any go. Gives those that are left.
pub async fn settle_groups(conn: &mut Conn, ids: &[NotificationId]) -> Result<Vec<NotificationId>> {
    // Locked first, so that the next statements see what others have noted meanwhile.
    sqlx::query_scalar!(
        "select 1 from notification where notification_id = any($1)
         order by notification_id for update",
        ids as _
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "update notification n
         set actor_count = left_over.actors, updated_at = left_over.last
         from (
             select notification_id, count(distinct actor_id)::int as actors, max(created_at) as last
             from notification_item where notification_id = any($1) group by notification_id
         ) left_over
         where n.notification_id = left_over.notification_id",
        ids as _
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from notification n where n.notification_id = any($1)
           and not exists (select from notification_item i where i.notification_id = n.notification_id)",
        ids as _
    )
    .execute(&mut *conn)
    .await?;
    Ok(sqlx::query_scalar!(
        r#"select notification_id as "notification_id: _" from notification
           where notification_id = any($1)"#,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Deletes the groups about a comment; gives whose they were.
pub async fn forget_comment(
    conn: &mut Conn,
    comment_id: CommentId,
) -> Result<Vec<(NotificationId, UserId)>> {
    let rows = sqlx::query!(
        r#"delete from notification where comment_id = $1
           returning notification_id as "notification_id: NotificationId",
                     user_id as "user_id: UserId""#,
        comment_id as _
    )
    .fetch_all(conn)
    .await?;
    let gone = rows.into_iter();
    Ok(gone.map(|row| (row.notification_id, row.user_id)).collect())
}

/// Deletes a person's own group with this id.
pub async fn delete_group(conn: &mut Conn, user_id: UserId, id: NotificationId) -> Result<bool> {
    let done = sqlx::query!(
        "delete from notification where notification_id = $2 and user_id = $1",
        user_id as _,
        id as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes a person's own item with this id; gives its group.
pub async fn delete_item(
    conn: &mut Conn,
    user_id: UserId,
    id: NotificationId,
) -> Result<Option<NotificationId>> {
    Ok(sqlx::query_scalar!(
        r#"delete from notification_item where notification_item_id = $2 and user_id = $1
           returning notification_id as "notification_id: _""#,
        user_id as _,
        id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Deletes some items of the groups in which nothing has happened since `before`, oldest groups first, and
/// those of these groups that have none left; says how many of both.
pub async fn trim(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<u64> {
    let items = sqlx::query!(
        "delete from notification_item where notification_item_id in (
             select i.notification_item_id
             from (select notification_id from notification where updated_at < $1
                   order by updated_at limit $2) n
             join notification_item i on i.notification_id = n.notification_id
             limit $2)",
        before as _,
        limit
    )
    .execute(&mut *conn)
    .await?;
    let groups = sqlx::query!(
        "delete from notification where notification_id in (
             select n.notification_id
             from (select notification_id from notification where updated_at < $1
                   order by updated_at limit $2) n
             where not exists (select from notification_item i where i.notification_id = n.notification_id))",
        before as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(items.rows_affected() + groups.rows_affected())
}
