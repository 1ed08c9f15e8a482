//! All SQL of the home feed.

pub mod marker;
mod timelines;

use sqlx::Connection as _;

use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Direction, Slice, TimeKey};
use crate::kernel::{PostId, Result, Timestamp, UserId};

pub use timelines::{
    Readership, forget_readers, insert_pulled, list_by_author, list_candidates, list_fan_out_posts,
    list_pulled, list_readers, list_recipients, list_who_see, note_reader,
};

/// The statement that reads a page away from the newest post, for tests of its plan.
pub const OLDER: &str = include_str!("older.sql");
/// The statement that reads a page towards the newest post, for tests of its plan.
pub const NEWER: &str = include_str!("newer.sql");
/// The statement that finds whom a post is pushed to, for tests of its plan.
pub const RECIPIENTS: &str = include_str!("recipients.sql");
/// The statement that finds whom several posts are pushed to, likewise.
pub const READERS: &str = include_str!("readers.sql");

/// How both statements of pages are planned: once for all, and by walking indexes in the order of the list.
/// Left to itself, Postgres takes the visible posts of an author for so few that it sorts all of
/// them, which is slow for whoever writes a lot.
pub const PLANNING: &str = "begin read only; set local plan_cache_mode = force_generic_plan; \
     set local enable_seqscan = off; set local enable_bitmapscan = off";

/// A post of a feed with its sort key.
pub type FeedEntry = (TimeKey, PostId);

struct EntryRow {
    created_at: Timestamp,
    post_id: PostId,
}

fn entry(row: &EntryRow) -> FeedEntry {
    (TimeKey(row.created_at, row.post_id.uuid()), row.post_id)
}

/// A segment of the home feed of `viewer`.
pub async fn list_entries(
    conn: &mut Conn,
    viewer: UserId,
    slice: &Slice<TimeKey>,
    now: Timestamp,
) -> Result<Vec<FeedEntry>> {
    let ascending = slice.direction == Direction::Prev;
    let TimeKey(time, id) = slice.bound(ascending);
    let mut transaction = conn.begin_with(PLANNING).await?;
    let rows = if ascending {
        sqlx::query_file_as!(
            EntryRow,
            "src/domains/feed/store/newer.sql",
            time as _,
            id,
            slice.fetch(),
            viewer as _,
            now as _
        )
        .fetch_all(&mut *transaction)
        .await?
    } else {
        sqlx::query_file_as!(
            EntryRow,
            "src/domains/feed/store/older.sql",
            time as _,
            id,
            slice.fetch(),
            viewer as _,
            now as _
        )
        .fetch_all(&mut *transaction)
        .await?
    };
    transaction.commit().await?;
    Ok(rows.iter().map(entry).collect())
}

/// Where a post stands in the home feed of `viewer`, if it belongs there.
pub async fn find_entry(
    conn: &mut Conn,
    viewer: UserId,
    post_id: PostId,
    now: Timestamp,
) -> Result<Option<FeedEntry>> {
    let row = sqlx::query_as!(
        EntryRow,
        r#"select p.created_at as "created_at!: _", p.post_id as "post_id!: _"
           from visible_post($1) p
           where p.post_id = $2
             and (
                 p.author_id = $1
                 or exists (select from friendship f where f.user_id = $1 and f.friend_id = p.author_id)
                 or exists (select from follow w where w.follower_id = $1 and w.followee_id = p.author_id)
             )
             and not exists (
                 select from mute m
                 where m.muter_id = $1 and m.muted_id = p.author_id
                   and (m.until is null or m.until > $3)
             )
             and not exists (
                 select from hidden_post d where d.user_id = $1 and d.post_id = p.post_id
             )"#,
        viewer as _,
        post_id as _,
        now as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.as_ref().map(entry))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// A line of `older.sql` the other way round.
    fn turned(line: &str) -> String {
        let line = line
            .replace(" desc", " asc")
            .replace("'-infinity'", "'infinity'")
            .replace(&Uuid::nil().to_string(), &Uuid::max().to_string());
        if !line.contains("(p.created_at, p.post_id)") {
            return line;
        }
        let turned = line.chars().map(|c| match c {
            '<' => '>',
            '>' => '<',
            c => c,
        });
        turned.collect()
    }

    #[test]
    fn both_directions_are_one_statement() {
        // But for what they say they are.
        let lines = OLDER.lines().skip(1).map(turned);
        let newer: Vec<&str> = NEWER.lines().skip(1).collect();
        assert_eq!(lines.collect::<Vec<_>>(), newer);
    }
}
