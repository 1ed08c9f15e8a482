//! All SQL of reactions.

use sqlx::Connection as _;
use uuid::Uuid;

use super::model::{Kind, TargetKind};
use crate::infra::db::Conn;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{Error, Result, Timestamp, UserId};
use crate::keyset;

/// Adds a reaction; says whether the person had none to this target.
pub async fn insert_reaction(
    conn: &mut Conn,
    target: TargetKind,
    target_id: Uuid,
    user_id: UserId,
    kind: Kind,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into reaction (target_kind, target_id, user_id, kind, created_at)
         values ($1, $2, $3, $4, $5) on conflict do nothing",
        target.as_str(),
        target_id,
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
    target: TargetKind,
    target_id: Uuid,
    user_id: UserId,
) -> Result<Option<Kind>> {
    sqlx::query_scalar!(
        "select kind from reaction
         where target_kind = $1 and target_id = $2 and user_id = $3 for update",
        target.as_str(),
        target_id,
        user_id as _
    )
    .fetch_optional(conn)
    .await?
    .map(|word| read_kind(&word))
    .transpose()
}

/// Changes a reaction. It keeps its time, so that nobody who walks the list meets it twice.
pub async fn update_reaction(
    conn: &mut Conn,
    target: TargetKind,
    target_id: Uuid,
    user_id: UserId,
    kind: Kind,
) -> Result<()> {
    sqlx::query!(
        "update reaction set kind = $4
         where target_kind = $1 and target_id = $2 and user_id = $3",
        target.as_str(),
        target_id,
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
    target: TargetKind,
    target_id: Uuid,
    user_id: UserId,
) -> Result<Option<Kind>> {
    sqlx::query_scalar!(
        "delete from reaction where target_kind = $1 and target_id = $2 and user_id = $3
         returning kind",
        target.as_str(),
        target_id,
        user_id as _
    )
    .fetch_optional(conn)
    .await?
    .map(|word| read_kind(&word))
    .transpose()
}

/// Adds to one count of a target's summary.
pub async fn add_to_summary(
    conn: &mut Conn,
    target: TargetKind,
    target_id: Uuid,
    kind: Kind,
    change: i32,
) -> Result<()> {
    // The row is made with nought first: a row proposed with -1 would break the check.
    sqlx::query!(
        "insert into reaction_summary as s (target_kind, target_id, kind, count)
         values ($1, $2, $3, greatest($4, 0))
         on conflict (target_kind, target_id, kind) do update set count = s.count + $4",
        target.as_str(),
        target_id,
        kind.as_str(),
        change
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One count of a target's summary.
#[derive(Debug)]
pub struct SummaryRow {
    /// The target.
    pub target_id: Uuid,
    /// The kind's word.
    pub kind: String,
    /// How many.
    pub count: i32,
}

/// The counts of some targets that are not nought.
pub async fn list_summaries(
    conn: &mut Conn,
    target: TargetKind,
    target_ids: &[Uuid],
) -> Result<Vec<SummaryRow>> {
    Ok(sqlx::query_as!(
        SummaryRow,
        "select target_id, kind, count from reaction_summary
         where target_kind = $1 and target_id = any($2) and count > 0",
        target.as_str(),
        target_ids
    )
    .fetch_all(conn)
    .await?)
}

/// A person's reactions to some targets.
pub async fn list_own(
    conn: &mut Conn,
    user_id: UserId,
    target: TargetKind,
    target_ids: &[Uuid],
) -> Result<Vec<(Uuid, Kind)>> {
    sqlx::query!(
        "select target_id, kind from reaction
         where user_id = $1 and target_kind = $2 and target_id = any($3)",
        user_id as _,
        target.as_str(),
        target_ids
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|row| Ok((row.target_id, read_kind(&row.kind)?)))
    .collect()
}

/// A reaction in a list.
#[derive(Debug)]
pub struct ListRow {
    /// Who reacted.
    pub user_id: UserId,
    /// The kind's word.
    pub kind: String,
    /// When they first reacted.
    pub created_at: Timestamp,
}

/// Reactions to a target by people whom the viewer may see, newest first.
pub async fn list_reactions(
    conn: &mut Conn,
    viewer: Option<UserId>,
    target: TargetKind,
    target_id: Uuid,
    slice: &Slice<TimeKey>,
) -> Result<Vec<ListRow>> {
    Ok(keyset!(
        conn,
        slice,
        newest "r.created_at",
        "r.user_id",
        ListRow,
        r#"select r.user_id as "user_id: _", r.kind, r.created_at as "created_at: _"
           from reaction r join visible_account($4) a on a.user_id = r.user_id
           where r.target_kind = $5 and r.target_id = $6"#,
        viewer as _,
        target.as_str(),
        target_id
    )?)
}

/// The same of one kind, which has an index of its own.
pub async fn list_reactions_of_kind(
    conn: &mut Conn,
    viewer: Option<UserId>,
    target: TargetKind,
    target_id: Uuid,
    kind: Kind,
    slice: &Slice<TimeKey>,
) -> Result<Vec<ListRow>> {
    Ok(keyset!(
        conn,
        slice,
        newest "r.created_at",
        "r.user_id",
        ListRow,
        r#"select r.user_id as "user_id: _", r.kind, r.created_at as "created_at: _"
           from reaction r join visible_account($4) a on a.user_id = r.user_id
           where r.target_kind = $5 and r.target_id = $6 and r.kind = $7"#,
        viewer as _,
        target.as_str(),
        target_id,
        kind.as_str()
    )?)
}

/// Deletes all reactions to targets that are gone for good.
pub async fn forget(conn: &mut Conn, kind: TargetKind, target_ids: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "with gone as (
             delete from reaction_summary where target_kind = $1 and target_id = any($2)
         )
         delete from reaction where target_kind = $1 and target_id = any($2)",
        kind.as_str(),
        target_ids
    )
    .execute(conn)
    .await?;
    Ok(())
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

/// Reads a kind that the table's check has let in.
pub(super) fn read_kind(word: &str) -> Result<Kind> {
    Kind::from_word(word)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("unknown kind of reaction {word}")))
}
