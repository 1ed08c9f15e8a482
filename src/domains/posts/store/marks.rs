//! What a person has saved and hidden.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domains::posts::model::PostMarksEntry;
use crate::infra::db::Conn;
use crate::kernel::kept::Newest;
use crate::kernel::{PostId, Result, Timestamp, UserId};

/// The newest posts that some people have saved and hidden.
pub async fn list_newest(
    conn: &mut Conn,
    user_ids: &[UserId],
) -> Result<Vec<(UserId, PostMarksEntry)>> {
    let rows = sqlx::query!(
        r#"select person.id as "user_id!: UserId", marked.post_id as "post_id!",
                  marked.hidden as "hidden!"
           from unnest($1::uuid[]) as person (id)
           cross join lateral (
               (select s.post_id, false as hidden from saved_post s
                where s.user_id = person.id order by s.post_id desc limit $2)
               union all
               (select d.post_id, true from hidden_post d
                where d.user_id = person.id order by d.post_id desc limit $2)
           ) marked
           order by marked.post_id desc"#,
        user_ids as _,
        Newest::<()>::FETCH
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<UserId, [Vec<(Uuid, ())>; 2]> = HashMap::new();
    for row in rows {
        let [saved, hidden] = found.entry(row.user_id).or_default();
        let list = if row.hidden { hidden } else { saved };
        list.push((row.post_id, ()));
    }
    let marks = user_ids.iter().map(|id| {
        let [saved, hidden] = found.remove(id).unwrap_or_default();
        let marks = PostMarksEntry {
            saved: Newest::new(saved),
            hidden: Newest::new(hidden),
        };
        (*id, marks)
    });
    Ok(marks.collect())
}

/// The statements of a table of marks: what sets one, which keeps the time of the first, what takes it
/// away, and which of some posts have it.
macro_rules! mark {
    ($table:literal, $insert:ident, $delete:ident, $list:ident) => {
        #[doc = concat!("Puts a post into `", $table, "`.")]
        pub async fn $insert(
            conn: &mut Conn,
            user_id: UserId,
            post_id: PostId,
            now: Timestamp,
        ) -> Result<()> {
            sqlx::query!(
                "insert into " + $table + " (user_id, post_id, created_at) values ($1, $2, $3)
                 on conflict do nothing",
                user_id as _,
                post_id as _,
                now as _
            )
            .execute(conn)
            .await?;
            Ok(())
        }

        #[doc = concat!("Takes a post out of `", $table, "`.")]
        pub async fn $delete(conn: &mut Conn, user_id: UserId, post_id: PostId) -> Result<()> {
            sqlx::query!(
                "delete from " + $table + " where user_id = $1 and post_id = $2",
                user_id as _,
                post_id as _
            )
            .execute(conn)
            .await?;
            Ok(())
        }

        #[doc = concat!("Those of the posts that a person has in `", $table, "`.")]
        pub async fn $list(
            conn: &mut Conn,
            user_id: UserId,
            post_ids: &[PostId],
        ) -> Result<Vec<PostId>> {
            Ok(sqlx::query_scalar!(
                r#"select post_id as "post_id: PostId" from "# + $table +
                    r#" where user_id = $1 and post_id = any($2)"#,
                user_id as _,
                post_ids as _
            )
            .fetch_all(conn)
            .await?)
        }
    };
}

mark!("saved_post", insert_saved, delete_saved, list_saved_of);
mark!("hidden_post", insert_hidden, delete_hidden, list_hidden_of);
mark!("muted_post", insert_muted, delete_muted, list_muted_of);
