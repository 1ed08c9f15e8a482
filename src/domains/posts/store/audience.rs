//! The lists of custom audiences.

use uuid::Uuid;

use crate::infra::db::Conn;
use crate::kernel::{PostId, Result, UserId};

/// A person or a circle in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberRow {
    /// The post.
    pub post_id: PostId,
    /// Whether it is denied.
    pub deny: bool,
    /// The id of the person or the circle.
    pub id: Uuid,
}

/// The lists of some posts, in order of id.
pub async fn list_members(conn: &mut Conn, post_ids: &[PostId]) -> Result<Vec<MemberRow>> {
    Ok(sqlx::query_as!(
        MemberRow,
        r#"select post_id as "post_id: _", deny, coalesce(user_id, circle_id) as "id!"
           from post_audience where post_id = any(array(select unnest($1::uuid[]))) order by 3"#,
        post_ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Who an id in a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRow {
    /// The id.
    pub id: Uuid,
    /// Whether it is a circle; otherwise it is a person.
    pub is_circle: bool,
}

/// Those of the ids that an author may put into a list: people whom they see, circles of their own,
/// and whatever is in the lists of `post_id` already, so that an edit need not first weed out people
/// who have gone and circles that were deleted.
pub async fn list_known(
    conn: &mut Conn,
    author_id: UserId,
    post_id: PostId,
    ids: &[Uuid],
) -> Result<Vec<KnownRow>> {
    Ok(sqlx::query_as!(
        KnownRow,
        r#"select a.user_id as "id!", false as "is_circle!"
           from visible_account($1) a where a.user_id = any($3)
           union
           select c.circle_id, true from circle c
           where c.owner_id = $1 and c.deleted_at is null and c.circle_id = any($3)
           union
           select coalesce(pa.user_id, pa.circle_id), pa.circle_id is not null
           from post_audience pa
           where pa.post_id = $2 and coalesce(pa.user_id, pa.circle_id) = any($3)"#,
        author_id as _,
        post_id as _,
        ids
    )
    .fetch_all(conn)
    .await?)
}

/// An entry to add to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewMember {
    /// Whether it is denied.
    pub deny: bool,
    /// Who it is.
    pub who: KnownRow,
}

/// Adds entries to the lists of a post.
pub async fn insert_members(conn: &mut Conn, post_id: PostId, members: &[NewMember]) -> Result<()> {
    let deny: Vec<bool> = members.iter().map(|member| member.deny).collect();
    let ids: Vec<Uuid> = members.iter().map(|member| member.who.id).collect();
    let circles: Vec<bool> = members.iter().map(|member| member.who.is_circle).collect();
    sqlx::query!(
        "insert into post_audience (post_id, deny, user_id, circle_id)
         select $1, m.deny, case when not m.is_circle then m.id end, case when m.is_circle then m.id end
         from unnest($2::boolean[], $3::uuid[], $4::boolean[]) as m (deny, id, is_circle)",
        post_id as _,
        &deny,
        &ids,
        &circles
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes all entries from the lists of a post.
pub async fn delete_members(conn: &mut Conn, post_id: PostId) -> Result<()> {
    sqlx::query!("delete from post_audience where post_id = $1", post_id as _)
        .execute(conn)
        .await?;
    Ok(())
}
