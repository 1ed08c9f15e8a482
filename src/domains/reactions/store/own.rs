//! What people have reacted to, and how.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domains::reactions::model::{Kind, Target, TargetKind};
use crate::infra::db::Conn;
use crate::kernel::kept::Newest;
use crate::kernel::{Result, Timestamp, UserId, gathered};

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
