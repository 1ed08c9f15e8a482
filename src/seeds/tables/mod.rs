//! A data set as the rows of each table, in an order that foreign keys allow.

mod chats;
mod people;
mod posts;

use super::copy::CopyText;
use super::counters::Counters;
use super::dataset::Dataset;
use crate::domains::reactions::Target;
use crate::infra::db::Conn;
use crate::kernel::Timestamp;

/// Bytes that are sent to Postgres at a time.
const CHUNK: usize = 1 << 20;

/// The rows of one table.
pub struct Table {
    /// What is loaded, for whoever waits.
    pub name: &'static str,
    /// The statement that takes the rows.
    pub statement: &'static str,
    /// The rows.
    pub rows: CopyText,
}

impl Table {
    /// Writes the rows.
    pub async fn write(self, conn: &mut Conn) -> anyhow::Result<()> {
        let rows = self.rows.rows();
        if rows == 0 {
            return Ok(());
        }
        let bytes = self.rows.into_bytes();
        let mut sink = conn.copy_in_raw(self.statement).await?;
        for chunk in bytes.chunks(CHUNK) {
            sink.send(chunk).await?;
        }
        let taken = sink.finish().await?;
        anyhow::ensure!(
            taken == rows,
            "Postgres took {taken} of {rows} rows of {}",
            self.name
        );
        Ok(())
    }
}

/// What the tables need besides the data set.
pub struct Shared<'a> {
    /// The hash of the password that all seeded people share.
    pub password_hash: &'a str,
    /// The instant that the load takes for the present.
    pub at: Timestamp,
}

type Fill = fn(&Dataset, &Counters, &Shared<'_>, &mut CopyText);

/// Comments and reactions: name, COPY statement, what writes the rows.
const TABLES: &[(&str, &str, Fill)] = &[
    (
        "comment",
        "copy comment (comment_id, post_id, parent_id, depth, author_id, content, version,
         created_at, deleted_at) from stdin",
        comments,
    ),
    (
        "comment_counter",
        "copy comment_counter (comment_id, replies) from stdin",
        comment_counters,
    ),
    (
        "reaction",
        "copy reaction (target_kind, target_id, user_id, kind, created_at) from stdin",
        reactions,
    ),
    (
        "reaction_summary",
        "copy reaction_summary (target_kind, target_id, kind, count) from stdin",
        summaries,
    ),
];

fn all() -> impl Iterator<Item = &'static (&'static str, &'static str, Fill)> {
    let tables = [people::TABLES, posts::TABLES, TABLES, chats::TABLES];
    tables.into_iter().flatten()
}

/// How many tables there are.
pub fn count() -> usize {
    all().count()
}

/// The tables of a data set, one after the other, so that only one is in memory as text.
pub fn tables<'a>(
    data: &'a Dataset,
    counters: &'a Counters,
    shared: &'a Shared<'a>,
) -> impl Iterator<Item = Table> + 'a {
    all().map(move |(name, statement, fill)| {
        let mut rows = CopyText::default();
        fill(data, counters, shared, &mut rows);
        Table {
            name,
            statement,
            rows,
        }
    })
}

fn comments(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for comment in &data.comments {
        copy.id(comment.id)
            .id(comment.post)
            .maybe_id(comment.parent)
            .number(comment.depth)
            .id(comment.author)
            .text(&comment.content)
            .number(if comment.deleted_at.is_some() { 2 } else { 1 })
            .time(comment.created_at)
            .maybe_time(comment.deleted_at)
            .end();
    }
}

fn comment_counters(data: &Dataset, counters: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for comment in &data.comments {
        let replies = counters.replies.get(&comment.id).copied().unwrap_or(0);
        copy.id(comment.id).number(replies).end();
    }
}

fn reactions(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for reaction in &data.reactions {
        target(reaction.target, copy)
            .id(reaction.user)
            .text(reaction.kind.as_str())
            .time(reaction.at)
            .end();
    }
}

fn summaries(_: &Dataset, counters: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for ((to, kind), count) in &counters.reactions {
        target(*to, copy).text(kind.as_str()).number(*count).end();
    }
}

fn target(target: Target, copy: &mut CopyText) -> &mut CopyText {
    copy.text(target.kind.as_str()).uuid(target.id)
}
