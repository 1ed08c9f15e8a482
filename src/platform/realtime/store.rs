//! The SQL of streams, but for what a transaction appends with its last statement (`write::closing`).

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::{Channel, Offset, Told};
use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp, UserId};

/// Where channels stand.
pub(super) struct Standings {
    /// The epoch of this database's offsets.
    pub epoch: String,
    /// The last event of each channel; one without events is left out.
    pub tops: HashMap<Channel, Offset>,
    /// Whether one of these events is younger than was asked.
    pub has_young: bool,
}

/// Where these channels stand, and whether that is news since `young`.
pub(super) async fn list_tops(
    conn: &mut Conn,
    channels: &[Channel],
    young: Timestamp,
) -> Result<Standings> {
    let (topics, ids): (Vec<String>, Vec<Uuid>) = channels
        .iter()
        .map(|channel| (channel.topic.to_string(), channel.id))
        .unzip();
    let rows = sqlx::query!(
        r#"select epoch, stream.topic as "topic?", stream.id as "id?", stream.top as "top?",
                  exists (
                      select from stream_event e
                      where e.topic = stream.topic and e.id = stream.id
                        and e.number = stream.top and e.at > $3
                  ) as "is_young!"
           from stream_epoch
           left join (unnest($1::text[], $2::uuid[]) as asked (topic, id)
                      join stream using (topic, id)) on true"#,
        &topics,
        &ids,
        young as _
    )
    .fetch_all(conn)
    .await?;
    let (mut epoch, mut has_young) = (String::new(), false);
    let mut tops = HashMap::new();
    for row in rows {
        epoch = row.epoch;
        has_young |= row.is_young;
        if let (Some(topic), Some(id), Some(top)) = (row.topic, row.id, row.top) {
            let topic = topic.into();
            tops.insert(Channel { topic, id }, top);
        }
    }
    Ok(Standings {
        epoch,
        tops,
        has_young,
    })
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
