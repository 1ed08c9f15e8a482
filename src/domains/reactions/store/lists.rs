//! Who has reacted to something.

use super::columns;
use crate::domains::reactions::model::{Kind, Target, TargetKind};
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::kept::Head;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{Result, Timestamp, UserId, gathered};
use crate::keyset;

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
