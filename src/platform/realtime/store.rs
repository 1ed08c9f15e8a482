//! The SQL of streams, but for what a transaction appends with its last statement (`write::closing`).

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::{Channel, Offset, Told};
use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp, UserId};

/// The epoch of this database's offsets, and the tops of these channels; one without events is left
/// out.
pub(super) async fn list_tops(
    conn: &mut Conn,
    channels: &[Channel],
) -> Result<(String, HashMap<Channel, Offset>)> {
    let (topics, ids): (Vec<String>, Vec<Uuid>) = channels
        .iter()
        .map(|channel| (channel.topic.to_string(), channel.id))
        .unzip();
    let rows = sqlx::query!(
        r#"select epoch, stream.topic as "topic?", stream.id as "id?", stream.top as "top?"
           from stream_epoch
           left join (unnest($1::text[], $2::uuid[]) as asked (topic, id)
                      join stream using (topic, id)) on true"#,
        &topics,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut epoch = String::new();
    let mut tops = HashMap::new();
    for row in rows {
        epoch = row.epoch;
        if let (Some(topic), Some(id), Some(top)) = (row.topic, row.id, row.top) {
            let topic = topic.into();
            tops.insert(Channel { topic, id }, top);
        }
    }
    Ok((epoch, tops))
}

/// Whether one of these events was told after `since`.
pub(super) async fn is_one_younger(
    conn: &mut Conn,
    tops: &HashMap<Channel, Offset>,
    since: Timestamp,
) -> Result<bool> {
    let topics: Vec<String> = tops
        .keys()
        .map(|channel| channel.topic.to_string())
        .collect();
    let ids: Vec<Uuid> = tops.keys().map(|channel| channel.id).collect();
    let numbers: Vec<Offset> = tops.values().copied().collect();
    let is_one = sqlx::query_scalar!(
        "select bool_or(exists (
             select from stream_event e
             where e.topic = told.topic and e.id = told.id and e.number = told.number and e.at > $4
         ))
         from unnest($1::text[], $2::uuid[], $3::bigint[]) as told (topic, id, number)",
        &topics,
        &ids,
        &numbers,
        since as _
    )
    .fetch_one(conn)
    .await?;
    Ok(is_one.unwrap_or(false))
}

/// Events of a channel after a place, in order.
pub(super) async fn list_events(
    conn: &mut Conn,
    channel: &Channel,
    after: Offset,
    limit: i64,
) -> Result<Vec<Told>> {
    let rows = sqlx::query!(
        r#"select number, kind, object_id, actor_id as "actor: UserId", detail, op_id,
                  at as "at: Timestamp"
           from stream_event
           where topic = $1 and id = $2 and number > $3
           order by number limit $4"#,
        channel.topic.as_ref(),
        channel.id,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    let told = rows.into_iter().map(|row| Told {
        channel: channel.clone(),
        offset: row.number,
        kind: row.kind,
        object_id: row.object_id,
        actor: row.actor,
        detail: row.detail.unwrap_or(Value::Null),
        op_id: row.op_id,
        at: row.at,
    });
    Ok(told.collect())
}

/// Makes the tables of the coming days, and drops those of days that are over.
pub(super) async fn keep_partitions(
    conn: &mut Conn,
    now: Timestamp,
    days_inbox: i32,
    days_other: i32,
) -> Result<()> {
    sqlx::query!(
        "select keep_stream_partitions($1::date, $2, $3)",
        now.utc().date_naive(),
        days_inbox,
        days_other
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Starts another series of offsets in every stream: after a backup was read, a client's position may be one
/// that the database has given out since for another event.
pub async fn start_new_series(conn: &mut Conn) -> Result<()> {
    sqlx::query!("update stream_epoch set epoch = default")
        .execute(conn)
        .await?;
    Ok(())
}
