//! How far people have looked, and what they want to know.

use std::collections::HashMap;

use crate::domains::notifications::model::{Channel, Kind, Marks, Preference};
use crate::infra::db::Conn;
use crate::kernel::{NotificationId, Result, Timestamp, UserId};

/// The marks of some people; whoever has left none has those that hold by default.
pub async fn list_marks(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<(UserId, Marks)>> {
    let rows = sqlx::query!(
        r#"select m.user_id as "user_id!: UserId", m.seen_up_to as "seen_up_to?: Timestamp",
                  m.read_up_to as "read_up_to?: Timestamp", null::text as "kind?: Kind",
                  null::text as "channel?: Channel", null::boolean as "is_on?"
           from notification_marker m where m.user_id = any(array(select unnest($1::uuid[])))
           union all
           select p.user_id, null, null, p.kind, p.channel, p.is_on
           from notification_preference p where p.user_id = any(array(select unnest($1::uuid[])))
           order by 4, 5"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<UserId, Marks> = HashMap::new();
    for row in rows {
        let marks = found.entry(row.user_id).or_default();
        if let (Some(kind), Some(channel), Some(is_on)) = (row.kind, row.channel, row.is_on) {
            marks.preferences.0.push(Preference {
                kind,
                channel,
                is_on,
            });
        } else {
            marks.seen_up_to = row.seen_up_to;
            marks.read_up_to = row.read_up_to;
        }
    }
    let marks = ids
        .iter()
        .map(|id| (*id, found.remove(id).unwrap_or_default()));
    Ok(marks.collect())
}

/// Moves how far a person has seen the list; it never moves back. Says whether it moved.
pub async fn advance_seen(conn: &mut Conn, user_id: UserId, up_to: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "insert into notification_marker as m (user_id, seen_up_to) values ($1, $2)
         on conflict (user_id) do update set seen_up_to = excluded.seen_up_to
         where m.seen_up_to is null or m.seen_up_to < excluded.seen_up_to",
        user_id as _,
        up_to as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A person's own group, or the group of their own item with this id.
pub async fn find_own(
    conn: &mut Conn,
    user_id: UserId,
    id: NotificationId,
) -> Result<Option<(NotificationId, Timestamp)>> {
    let row = sqlx::query!(
        r#"select notification_id as "group_id!: NotificationId", updated_at as "up_to!: Timestamp"
           from notification where notification_id = $2 and user_id = $1
           union all
           select notification_id, created_at
           from notification_item where notification_item_id = $2 and user_id = $1"#,
        user_id as _,
        id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.group_id, row.up_to)))
}

/// Moves how far a group was read; it never moves back. Says whether it moved.
pub async fn advance_read(
    conn: &mut Conn,
    group_id: NotificationId,
    up_to: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update notification set read_up_to = $2
         where notification_id = $1 and (read_up_to is null or read_up_to < $2)",
        group_id as _,
        up_to as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Moves how far a person has read all of it; it never moves back. Says whether it moved.
pub async fn advance_read_all(conn: &mut Conn, user_id: UserId, up_to: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "insert into notification_marker as m (user_id, read_up_to) values ($1, $2)
         on conflict (user_id) do update set read_up_to = excluded.read_up_to
         where m.read_up_to is null or m.read_up_to < excluded.read_up_to",
        user_id as _,
        up_to as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes what a person chose.
pub async fn upsert_preferences(
    conn: &mut Conn,
    user_id: UserId,
    choices: &[Preference],
) -> Result<()> {
    let kinds = choices.iter().map(|choice| choice.kind.as_str().to_owned());
    let channels = choices
        .iter()
        .map(|choice| choice.channel.as_str().to_owned());
    let on: Vec<bool> = choices.iter().map(|choice| choice.is_on).collect();
    sqlx::query!(
        "insert into notification_preference as p (user_id, kind, channel, is_on)
         select $1, c.kind, c.channel, c.is_on
         from unnest($2::text[], $3::text[], $4::boolean[]) as c (kind, channel, is_on)
         on conflict (user_id, kind, channel) do update set is_on = excluded.is_on
         where p.is_on <> excluded.is_on",
        user_id as _,
        &kinds.collect::<Vec<_>>(),
        &channels.collect::<Vec<_>>(),
        &on
    )
    .execute(conn)
    .await?;
    Ok(())
}
