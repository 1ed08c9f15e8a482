//! Circles and their members.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{NamedRow, by_name};
use crate::infra::db::{Conn, OnConstraint};
use crate::kernel::page::{NameKey, Page, Slice};
use crate::kernel::{CircleId, Code, Error, Result, Timestamp, UserId, gathered};
use crate::keyset;

/// A circle that is not deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircleRow {
    /// Its id.
    pub circle_id: CircleId,
    /// What its owner calls it.
    pub name: String,
    /// Counts edits of the name.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or its members changed.
    pub updated_at: Timestamp,
}

/// Those of these circles that belong to `owner_id` and are not deleted.
pub async fn list_circles_among(
    conn: &mut Conn,
    owner_id: UserId,
    ids: &[CircleId],
) -> Result<HashSet<CircleId>> {
    let rows = sqlx::query_scalar!(
        r#"select circle_id as "circle_id: CircleId" from circle
           where owner_id = $1 and circle_id = any($2) and deleted_at is null"#,
        owner_id as _,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// The circles of some people, without deleted ones; whoever has none has an empty list.
pub async fn list_circles(
    conn: &mut Conn,
    owners: &[UserId],
) -> Result<Vec<(UserId, Vec<CircleRow>)>> {
    let rows = sqlx::query!(
        r#"select owner_id as "owner_id: UserId", circle_id as "circle_id: CircleId", name, version,
                  created_at as "created_at: Timestamp", updated_at as "updated_at: Timestamp"
           from circle where owner_id = any(array(select unnest($1::uuid[]))) and deleted_at is null
           order by created_at desc, circle_id desc"#,
        owners as _
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| {
        let circle = CircleRow {
            circle_id: row.circle_id,
            name: row.name,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        (row.owner_id, circle)
    });
    Ok(gathered(owners, found))
}

/// The version of a circle of `owner_id`, which is locked until the transaction ends.
pub async fn lock_circle(
    conn: &mut Conn,
    owner_id: UserId,
    circle_id: CircleId,
) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "select version from circle
         where owner_id = $1 and circle_id = $2 and deleted_at is null for update",
        owner_id as _,
        circle_id as _
    )
    .fetch_optional(conn)
    .await?)
}

/// How many circles a person has.
pub async fn count_circles(conn: &mut Conn, owner_id: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from circle where owner_id = $1 and deleted_at is null"#,
        owner_id as _
    )
    .fetch_one(conn)
    .await?)
}

/// Adds an empty circle.
pub async fn insert_circle(
    conn: &mut Conn,
    circle_id: CircleId,
    owner_id: UserId,
    name: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into circle (circle_id, owner_id, name, created_at, updated_at)
         values ($1, $2, $3, $4, $4)",
        circle_id as _,
        owner_id as _,
        name,
        now as _
    )
    .execute(conn)
    .await
    .on_constraint("circle_owner_name_key", name_taken)?;
    Ok(())
}

/// Gives a circle another name.
pub async fn rename_circle(
    conn: &mut Conn,
    circle_id: CircleId,
    name: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update circle set name = $2, version = version + 1, updated_at = $3 where circle_id = $1",
        circle_id as _,
        name,
        now as _
    )
    .execute(conn)
    .await
    .on_constraint("circle_owner_name_key", name_taken)?;
    Ok(())
}

fn name_taken() -> Error {
    Error::new(
        Code::Conflict,
        "You have a circle of this name. Choose another name.",
    )
}

/// Takes a circle out of its owner's lists. It goes on standing for its members in the audiences
/// that name it.
pub async fn mark_circle_deleted(
    conn: &mut Conn,
    owner_id: UserId,
    circle_id: CircleId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "update circle set deleted_at = $3, version = version + 1, updated_at = $3
         where owner_id = $1 and circle_id = $2 and deleted_at is null",
        owner_id as _,
        circle_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Puts somebody into a circle; says whether that is new.
pub async fn insert_member(
    conn: &mut Conn,
    circle_id: CircleId,
    user_id: UserId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into circle_member (circle_id, user_id, created_at) values ($1, $2, $3)
         on conflict do nothing",
        circle_id as _,
        user_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes somebody out of a circle; says whether they were in it.
pub async fn delete_member(conn: &mut Conn, circle_id: CircleId, user_id: UserId) -> Result<bool> {
    let done = sqlx::query!(
        "delete from circle_member where circle_id = $1 and user_id = $2",
        circle_id as _,
        user_id as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that a circle's members changed.
pub async fn touch_circle(conn: &mut Conn, circle_id: CircleId, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update circle set updated_at = $2 where circle_id = $1",
        circle_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes each of two people out of all circles of the other, deleted ones too, because those still
/// stand in audiences.
pub async fn delete_mutual_members(conn: &mut Conn, one: UserId, other: UserId) -> Result<()> {
    sqlx::query!(
        "delete from circle_member m using circle c
         where c.circle_id = m.circle_id
           and ((c.owner_id = $1 and m.user_id = $2) or (c.owner_id = $2 and m.user_id = $1))",
        one as _,
        other as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The members of circles, deleted ones included: those still stand for their members.
pub async fn list_circle_members(
    conn: &mut Conn,
    ids: &[CircleId],
) -> Result<Vec<(CircleId, Vec<UserId>)>> {
    let rows = sqlx::query!(
        r#"select c.circle_id as "circle_id: CircleId",
                  array(select m.user_id from circle_member m
                        where m.circle_id = c.circle_id order by m.user_id) as "members!: Vec<UserId>"
           from circle c where c.circle_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.circle_id, row.members))
        .collect())
}

/// Those in a circle whom its owner may see, by name.
pub async fn list_members_by_name(
    conn: &mut Conn,
    owner_id: UserId,
    circle_id: CircleId,
    slice: &Slice<NameKey>,
) -> Result<Page<NameKey, UserId>> {
    let rows = keyset!(
        conn,
        slice,
        oldest r#"lower(a.display_name) collate "C""#,
        "a.user_id",
        NamedRow,
        r#"select lower(a.display_name) as "name!", a.user_id as "user_id!: _"
           from circle_member m join visible_account($4) a on a.user_id = m.user_id
           where m.circle_id = $5"#,
        owner_id as _,
        circle_id as _,
    )?;
    Ok(slice.page(by_name(rows)))
}

/// Circles in order of id.
pub async fn walk_circles(
    conn: &mut Conn,
    after: Option<CircleId>,
    limit: i64,
) -> Result<Vec<CircleId>> {
    Ok(sqlx::query_scalar!(
        r#"select circle_id as "circle_id: _" from circle
           where $1::uuid is null or circle_id > $1
           order by circle_id limit $2"#,
        after as _,
        limit
    )
    .fetch_all(conn)
    .await?)
}
