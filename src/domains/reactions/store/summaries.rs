//! How many have reacted to something, by kind.

use std::collections::HashMap;

use sqlx::Connection as _;
use uuid::Uuid;

use super::columns;
use crate::domains::reactions::model::{Kind, Summary, Target, TargetKind};
use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp};

/// What somebody has reacted to, in order of kind and id.
pub async fn walk_targets(
    conn: &mut Conn,
    after: Option<Target>,
    limit: i64,
) -> Result<Vec<Target>> {
    let (kind, id) = after.map_or(("", Uuid::nil()), |after| (after.kind.as_str(), after.id));
    let rows = sqlx::query!(
        r#"select distinct target_kind as "target_kind: TargetKind", target_id from reaction_summary
         where (target_kind, target_id) > ($1, $2)
         order by target_kind, target_id limit $3"#,
        kind,
        id,
        limit
    )
    .fetch_all(conn)
    .await?;
    let target = |kind, id| Target { kind, id };
    Ok(rows
        .into_iter()
        .map(|row| target(row.target_kind, row.target_id))
        .collect())
}

/// Adds to one count of a target's summary. One that has drifted down stops at nought.
pub async fn add_to_summary(
    conn: &mut Conn,
    target: Target,
    kind: Kind,
    change: i32,
) -> Result<()> {
    // A row is proposed with nought at least: one proposed with -1 would break the check, though there is
    // a row to add it to.
    sqlx::query!(
        "insert into reaction_summary as s (target_kind, target_id, kind, count)
         values ($1, $2, $3, greatest($4, 0))
         on conflict (target_kind, target_id, kind) do update set count = greatest(s.count + $4, 0)",
        target.kind.as_str(),
        target.id,
        kind.as_str(),
        change
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The summaries of some targets; nought everywhere is a summary too.
pub async fn list_summaries(conn: &mut Conn, targets: &[Target]) -> Result<Vec<(Target, Summary)>> {
    let (kinds, ids) = columns(targets);
    let rows = sqlx::query!(
        r#"select s.target_kind as "target_kind: TargetKind", s.target_id,
                  s.kind as "kind: Kind", s.count
           from unnest($1::text[], $2::uuid[]) as wanted (kind, id)
           join reaction_summary s on s.target_kind = wanted.kind and s.target_id = wanted.id
           where s.count > 0"#,
        &kinds as _,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<Target, Summary> = targets
        .iter()
        .map(|target| (*target, Summary::default()))
        .collect();
    for row in rows {
        let (kind, id) = (row.target_kind, row.target_id);
        let summary = found.entry(Target { kind, id }).or_default();
        summary.0.insert(row.kind, row.count);
    }
    Ok(found.into_iter().collect())
}

/// How people had reacted to some targets by an instant each, of those who have not taken it back since. Whoever
/// has changed a reaction counts as what it is now.
pub async fn list_summaries_then(
    conn: &mut Conn,
    target: TargetKind,
    asked: &[(Uuid, Timestamp)],
) -> Result<HashMap<Uuid, Summary>> {
    let (ids, instants): (Vec<Uuid>, Vec<Timestamp>) = asked.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select r.target_id, r.kind as "kind: Kind", count(*)::int as "count!"
           from unnest($2::uuid[], $3::timestamptz[]) as asked (id, at)
           join reaction r
             on r.target_kind = $1 and r.target_id = asked.id and r.created_at <= asked.at
           group by r.target_id, r.kind"#,
        target.as_str(),
        &ids,
        &instants as _
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<Uuid, Summary> = HashMap::new();
    for row in rows {
        let summary = found.entry(row.target_id).or_default();
        summary.0.insert(row.kind, row.count);
    }
    Ok(found)
}

/// Counts every summary anew; says how many counts had drifted.
pub async fn recount(conn: &mut Conn) -> Result<u64> {
    let mut transaction = conn.begin().await?;
    // Whoever reacts meanwhile waits at the summary, and adds to what is written here.
    sqlx::query!("lock table reaction_summary in share row exclusive mode")
        .execute(&mut *transaction)
        .await?;
    let done = sqlx::query!(
        "insert into reaction_summary as s (target_kind, target_id, kind, count)
         select target_kind, target_id, kind, count(*)::int
         from reaction group by target_kind, target_id, kind
         union all
         select e.target_kind, e.target_id, e.kind, 0
         from reaction_summary e
         where e.count <> 0 and not exists (
             select from reaction r
             where r.target_kind = e.target_kind and r.target_id = e.target_id and r.kind = e.kind
         )
         on conflict (target_kind, target_id, kind) do update set count = excluded.count
         where s.count <> excluded.count"
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(done.rows_affected())
}
