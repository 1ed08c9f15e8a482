//! The last statement of a transaction: what it leaves for others.
//!
//! Events for the outbox and lines for the streams of listeners are gathered while a transaction works,
//! and written together when it is about to commit, in one round trip. A stream's row, which all who
//! write to it need, is so locked for as short as can be, and several of them always in the same
//! order. What its triggers have gathered is left in one void row. Back come the places of the lines and
//! that row.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use crate::infra::cache::store::{VoidRow, leave_gathered};
use crate::infra::db::Conn;
use crate::infra::outbox::Note;
use crate::kernel::{Result, Timestamp, UserId};

/// A line for a stream, which gets the next place in it.
#[derive(Debug, Clone)]
pub struct Line {
    /// The stream's topic.
    pub topic: Cow<'static, str>,
    /// Which stream of the topic.
    pub id: Uuid,
    /// What happened.
    pub kind: &'static str,
    /// What it is about.
    pub object_id: Option<Uuid>,
    /// Who did it.
    pub actor_id: Option<UserId>,
    /// Small facts.
    pub detail: Option<Value>,
    /// The idempotency key of the request that it was done for.
    pub op_id: Option<String>,
}

/// What a transaction leaves, in the order in which it happened.
#[derive(Debug, Default)]
pub struct Closing {
    /// Events for the outbox.
    pub events: Vec<Note>,
    /// Lines for streams.
    pub lines: Vec<Line>,
}

/// What became of it.
#[derive(Debug, Default)]
pub struct Closed {
    /// What the transaction has made void.
    pub void: Option<VoidRow>,
    /// The epoch of this database's streams; empty if there are no lines.
    pub epoch: String,
    /// The places of the lines, in their order.
    pub places: Vec<i64>,
}

/// Writes what a transaction leaves.
pub async fn close(conn: &mut Conn, closing: &Closing, now: Timestamp) -> Result<Closed> {
    if closing.lines.is_empty() {
        return leave_events(conn, &closing.events, now).await;
    }
    let names: Vec<&str> = closing.events.iter().map(|event| event.name).collect();
    let payloads: Vec<&Value> = closing.events.iter().map(|event| &event.payload).collect();
    let lines = &closing.lines;
    let topics: Vec<&str> = lines.iter().map(|line| line.topic.as_ref()).collect();
    let ids: Vec<Uuid> = lines.iter().map(|line| line.id).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line.kind).collect();
    let objects: Vec<Option<Uuid>> = lines.iter().map(|line| line.object_id).collect();
    let actors: Vec<Option<UserId>> = lines.iter().map(|line| line.actor_id).collect();
    let details: Vec<Option<&Value>> = lines.iter().map(|line| line.detail.as_ref()).collect();
    let op_ids: Vec<Option<&str>> = lines.iter().map(|line| line.op_id.as_deref()).collect();
    let row = sqlx::query!(
        r#"with event as (
               insert into outbox (event, payload, created_at)
               select name, payload, $10
               from unnest((select $1::text[]), (select $2::jsonb[])) as e (name, payload)
           ), line as materialized (
               select l.*, count(*) over stream as of,
                      row_number() over (stream order by nth) as number
               from unnest((select $3::text[]), (select $4::uuid[]), (select $5::text[]),
                           (select $6::uuid[]), (select $7::uuid[]), (select $8::jsonb[]),
                           (select $9::text[]))
                    with ordinality
                    as l (topic, id, kind, object_id, actor_id, detail, op_id, nth)
               window stream as (partition by topic, id)
           ), stream_now as (
               insert into stream (topic, id, top)
               select topic, id, count(*) from line group by topic, id order by topic, id
               on conflict (topic, id) do update set top = stream.top + excluded.top
               returning topic, id, top
           ), placed as materialized (
               select line.*, stream_now.top - line.of + line.number as place
               from line join stream_now using (topic, id)
           ), told as (
               insert into stream_event
                      (topic, id, number, kind, object_id, actor_id, detail, op_id, at)
               select topic, id, place, kind, object_id, actor_id, detail, op_id, $10 from placed
           )
           select void.number, void.named, (select epoch from stream_epoch) as "epoch!",
                  array(select place from placed order by nth) as "places!"
           from leave_gathered_voids() as void"#,
        &names as _,
        &payloads as _,
        &topics as _,
        &ids,
        &kinds as _,
        &objects as _,
        &actors as _,
        &details as _,
        &op_ids as _,
        now as _
    )
    .fetch_one(conn)
    .await?;
    Ok(Closed {
        void: row.number.zip(row.named),
        epoch: row.epoch,
        places: row.places,
    })
}

/// The same without lines.
async fn leave_events(conn: &mut Conn, events: &[Note], now: Timestamp) -> Result<Closed> {
    let void = if events.is_empty() {
        leave_gathered(conn).await?
    } else {
        let names: Vec<&str> = events.iter().map(|event| event.name).collect();
        let payloads: Vec<&Value> = events.iter().map(|event| &event.payload).collect();
        let left = sqlx::query!(
            r#"with event as (
                   insert into outbox (event, payload, created_at)
                   select name, payload, $3
                   from unnest((select $1::text[]), (select $2::jsonb[])) as e (name, payload)
               )
               select number, named from leave_gathered_voids()"#,
            &names as _,
            &payloads as _,
            now as _
        )
        .fetch_one(conn)
        .await?;
        left.number.zip(left.named)
    };
    Ok(Closed {
        void,
        ..Closed::default()
    })
}
