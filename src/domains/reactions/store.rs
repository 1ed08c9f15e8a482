//! All SQL of reactions.

use std::collections::HashMap;

use sqlx::Connection as _;
use uuid::Uuid;

use super::model::{Kind, Summary, Target, TargetKind};
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::kept::{Head, Newest};
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{Result, Timestamp, UserId, gathered};
use crate::{keyset, stored_words};

stored_words!(TargetKind, Kind);

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

/// Adds a reaction; says whether the person had none to this target.
pub async fn insert_reaction(
    conn: &mut Conn,
    target: Target,
    user_id: UserId,
    kind: Kind,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into reaction (target_kind, target_id, user_id, kind, created_at)
         values ($1, $2, $3, $4, $5) on conflict do nothing",
        target.kind.as_str(),
        target.id,
        user_id as _,
        kind.as_str(),
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A person's reaction to a target, locked until the transaction ends.
pub async fn lock_reaction(
    conn: &mut Conn,
    target: Target,
    user_id: UserId,
) -> Result<Option<Kind>> {
    Ok(sqlx::query_scalar!(
        r#"select kind as "kind: _" from reaction
         where target_kind = $1 and target_id = $2 and user_id = $3 for update"#,
        target.kind.as_str(),
        target.id,
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Changes a reaction. It keeps its time, so that nobody who walks the list meets it twice.
pub async fn update_reaction(
    conn: &mut Conn,
    target: Target,
    user_id: UserId,
    kind: Kind,
) -> Result<()> {
    sqlx::query!(
        "update reaction set kind = $4
         where target_kind = $1 and target_id = $2 and user_id = $3",
        target.kind.as_str(),
        target.id,
        user_id as _,
        kind.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a reaction; says which it was.
pub async fn delete_reaction(
    conn: &mut Conn,
    target: Target,
    user_id: UserId,
) -> Result<Option<Kind>> {
    Ok(sqlx::query_scalar!(
        r#"delete from reaction where target_kind = $1 and target_id = $2 and user_id = $3
         returning kind as "kind: _""#,
        target.kind.as_str(),
        target.id,
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
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

/// A person's reactions to some targets.
pub async fn list_own(
    conn: &mut Conn,
    user_id: UserId,
    target: TargetKind,
    target_ids: &[Uuid],
) -> Result<HashMap<Uuid, Kind>> {
    let rows = sqlx::query!(
        r#"select target_id, kind as "kind: Kind" from reaction
         where user_id = $1 and target_kind = $2 and target_id = any(array(select unnest($3::uuid[])))"#,
        user_id as _,
        target.as_str(),
        target_ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.target_id, row.kind))
        .collect())
}

/// The newest things that some people reacted to, and how.
pub async fn list_newest_own(
    conn: &mut Conn,
    user_ids: &[UserId],
) -> Result<Vec<(UserId, Newest<(TargetKind, Kind)>)>> {
    let rows = sqlx::query!(
        r#"select r.user_id as "user_id: UserId", r.target_kind as "target_kind: TargetKind",
                  r.target_id, r.kind as "kind: Kind"
           from unnest($1::uuid[]) as person (id)
           cross join lateral (
               select * from reaction r where r.user_id = person.id
               order by r.target_id desc limit $2
           ) r
           order by r.user_id, r.target_id desc"#,
        user_ids as _,
        Newest::<()>::FETCH
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| {
        let own = (row.target_id, (row.target_kind, row.kind));
        (row.user_id, own)
    });
    let newest = gathered(user_ids, found).into_iter();
    Ok(newest
        .map(|(user_id, own)| (user_id, Newest::new(own)))
        .collect())
}

/// A reaction in a list.
struct ListRow {
    user_id: UserId,
    kind: Kind,
    created_at: Timestamp,
}

/// Who reacted, and how, with the sort key.
pub type Row = (TimeKey, (UserId, Kind));

impl ListRow {
    fn keyed(self) -> Row {
        let key = TimeKey(self.created_at, self.user_id.uuid());
        (key, (self.user_id, self.kind))
    }
}

/// The newest reactions to some targets, by whomever.
pub async fn list_heads(
    conn: &mut Conn,
    targets: &[Target],
) -> Result<Vec<(Target, Head<(UserId, Kind)>)>> {
    let (kinds, ids) = columns(targets);
    let rows = sqlx::query!(
        r#"select r.target_kind as "target_kind: TargetKind", r.target_id,
                  r.user_id as "user_id: UserId", r.kind as "kind: Kind",
                  r.created_at as "created_at: Timestamp"
           from unnest($1::text[], $2::uuid[]) as wanted (kind, id)
           cross join lateral (
               select * from reaction r where r.target_kind = wanted.kind and r.target_id = wanted.id
               order by r.created_at desc, r.user_id desc limit $3
           ) r
           order by r.target_kind, r.target_id, r.created_at desc, r.user_id desc"#,
        &kinds as _,
        &ids,
        Head::<()>::FETCH
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| {
        let (kind, id) = (row.target_kind, row.target_id);
        let key = TimeKey(row.created_at, row.user_id.uuid());
        (Target { kind, id }, (key, (row.user_id, row.kind)))
    });
    let heads = gathered(targets, found).into_iter();
    Ok(heads
        .map(|(target, rows)| (target, Head::new(rows)))
        .collect())
}

/// Reactions to a target, of one kind or of all, by people whom the viewer may see, newest first.
pub async fn list_reactions(
    conn: &mut Conn,
    viewer: Option<UserId>,
    target: Target,
    kind: Option<Kind>,
    slice: &Slice<TimeKey>,
) -> Result<Vec<Row>> {
    // Each kind has an index of its own, so the two are two statements.
    let rows = match kind {
        None => keyset!(
            conn, slice, newest "r.created_at", "r.user_id", ListRow,
            r#"select r.user_id as "user_id: _", r.kind as "kind: _",
                      r.created_at as "created_at: _"
               from reaction r join visible_account($4) a on a.user_id = r.user_id
               where r.target_kind = $5 and r.target_id = $6"#,
            viewer as _, target.kind.as_str(), target.id
        ),
        Some(kind) => keyset!(
            conn, slice, newest "r.created_at", "r.user_id", ListRow,
            r#"select r.user_id as "user_id: _", r.kind as "kind: _",
                      r.created_at as "created_at: _"
               from reaction r join visible_account($4) a on a.user_id = r.user_id
               where r.target_kind = $5 and r.target_id = $6 and r.kind = $7"#,
            viewer as _, target.kind.as_str(), target.id, kind.as_str()
        ),
    }?;
    Ok(rows.into_iter().map(ListRow::keyed).collect())
}

/// Reactions that one statement deletes.
const FORGOTTEN: i64 = 10_000;

/// Deletes reactions to targets that are gone for good, some at a time; says whether none is left.
pub async fn forget(conn: &mut Conn, kind: TargetKind, target_ids: &[Uuid]) -> Result<bool> {
    let done = sqlx::query!(
        "with gone as (
             delete from reaction_summary where target_kind = $1 and target_id = any($2)
         )
         delete from reaction r using (
             select user_id, target_id from reaction
             where target_kind = $1 and target_id = any($2) limit $3
         ) few
         where r.target_kind = $1 and r.target_id = few.target_id and r.user_id = few.user_id",
        kind.as_str(),
        target_ids,
        FORGOTTEN
    )
    .execute(conn)
    .await?;
    Ok(i64::try_from(done.rows_affected()).is_ok_and(|deleted| deleted < FORGOTTEN))
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

fn columns(targets: &[Target]) -> (Vec<&'static str>, Vec<Uuid>) {
    let kinds = targets.iter().map(|target| target.kind.as_str());
    (
        kinds.collect(),
        targets.iter().map(|target| target.id).collect(),
    )
}
