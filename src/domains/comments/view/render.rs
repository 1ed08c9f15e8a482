//! Turns ids of comments into comments for a viewer, in a handful of bulk reads.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::shape::{Comment, CommentCounts, CommentViewer};
use crate::domains::comments::cache::{COMMENT, COMMENT_COUNTS};
use crate::domains::comments::model::{CommentEntry, MAX_DEPTH};
use crate::domains::comments::store;
use crate::domains::posts::{self, PostEntry};
use crate::domains::reactions::{self, Kind, Summary, TargetKind};
use crate::domains::relations;
use crate::domains::users::{self, Person};
use crate::kernel::ids::Id as _;
use crate::kernel::{CommentId, Error, PostId, Result, UserId, distinct};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// Comments by id, in the order given; what the viewer may not see is left out. It is the rule of
/// `visible_comment` in SQL: a comment is seen where its post is, unless viewer and commenter block
/// each other; a deleted one as long as something below it is alive.
pub async fn comments(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    ids: &[CommentId],
) -> Result<Vec<Comment>> {
    let mut rows = reads.get_many(&COMMENT, ids).await?;
    let post_ids = distinct(rows.values().map(|row| row.post_id));
    let posts = posts::seen(reads, viewer, &post_ids).await?;
    let ties = relations::ties_of(reads, viewer).await?;
    rows.retain(|_, row| posts.contains_key(&row.post_id) && !ties.is_hidden(row.author_id));
    let replies = reads.get_many(&COMMENT_COUNTS, &keys(&rows)).await?;
    let has_replies = |id: &CommentId| replies.get(id).is_some_and(|count| **count > 0);
    let gone = fallen(reads, &rows, has_replies).await?;
    rows.retain(|id, _| !gone.contains(id));

    let beside = Beside::load(reads, viewer, &rows, replies, posts).await?;
    let shown = ids.iter().filter_map(|id| rows.remove(id));
    Ok(shown.filter_map(|row| beside.dress(&row)).collect())
}

/// Comments as everybody who may see them is told of them, without what differs between viewers. Who may
/// see them is the business of whoever asks.
pub async fn for_everybody(reads: &mut Reads<'_>, ids: &[CommentId]) -> Result<Vec<Comment>> {
    let mut rows = reads.get_many(&COMMENT, ids).await?;
    let replies = reads.get_many(&COMMENT_COUNTS, &keys(&rows)).await?;
    let has_replies = |id: &CommentId| replies.get(id).is_some_and(|count| **count > 0);
    let gone = fallen(reads, &rows, has_replies).await?;
    rows.retain(|id, _| !gone.contains(id));
    let nobody = Viewer::ANONYMOUS;
    let beside = Beside::load(reads, nobody, &rows, replies, HashMap::new()).await?;
    let shown = ids.iter().filter_map(|id| rows.remove(id));
    Ok(shown.filter_map(|row| beside.dress(&row)).collect())
}

/// One comment, if the viewer may see it.
pub async fn comment(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    comment_id: CommentId,
) -> Result<Comment> {
    comments(reads, viewer, &[comment_id])
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// A comment that was just made, for its author: nobody has answered or reacted yet, and whether the
/// author may see it was decided before.
pub async fn fresh(reads: &mut Reads<'_>, made: &CommentEntry) -> Result<Comment> {
    let beside = Beside {
        viewer: Viewer::from(made.author_id),
        replies: HashMap::new(),
        posts: HashMap::new(),
        people: users::people(reads, &[made.author_id]).await?,
        summaries: HashMap::new(),
        own: HashMap::new(),
    };
    beside.dress(made).ok_or_else(Error::not_found)
}

type Rows = HashMap<CommentId, Arc<CommentEntry>>;

fn keys(rows: &Rows) -> Vec<CommentId> {
    rows.keys().copied().collect()
}

/// Deleted comments without anything alive below them. Those without a reply may still stand for
/// what is deeper down, which no entry of theirs knows: they are few and are looked up.
async fn fallen(
    reads: &mut Reads<'_>,
    rows: &Rows,
    has_replies: impl Fn(&CommentId) -> bool,
) -> Result<HashSet<CommentId>> {
    let in_question = rows.values().filter(|row| row.deleted);
    let ids = in_question.map(|row| row.comment_id);
    let mut gone: HashSet<CommentId> = ids.filter(|id| !has_replies(id)).collect();
    if !gone.is_empty() {
        let asked: Vec<CommentId> = gone.iter().copied().collect();
        for standing in store::list_standing(&mut *reads.conn().await?, &asked).await? {
            gone.remove(&standing);
        }
    }
    Ok(gone)
}

/// What is shown with comments and comes from elsewhere.
struct Beside {
    viewer: Viewer,
    replies: HashMap<CommentId, Arc<i32>>,
    posts: HashMap<PostId, Arc<PostEntry>>,
    people: HashMap<UserId, Person>,
    summaries: HashMap<Uuid, Arc<Summary>>,
    own: HashMap<Uuid, Kind>,
}

impl Beside {
    async fn load(
        reads: &mut Reads<'_>,
        viewer: Viewer,
        rows: &Rows,
        replies: HashMap<CommentId, Arc<i32>>,
        posts: HashMap<PostId, Arc<PostEntry>>,
    ) -> Result<Self> {
        let targets: Vec<Uuid> = rows.keys().map(|id| id.uuid()).collect();
        let authors: Vec<UserId> = distinct(rows.values().map(|row| row.author_id));
        Ok(Self {
            viewer,
            replies,
            posts,
            people: users::people(reads, &authors).await?,
            summaries: reactions::summaries(reads, TargetKind::Comment, &targets).await?,
            own: match viewer.id() {
                Some(me) if !targets.is_empty() => {
                    reactions::own(reads, me, TargetKind::Comment, &targets).await?
                }
                _ => HashMap::new(),
            },
        })
    }

    fn dress(&self, row: &CommentEntry) -> Option<Comment> {
        let author = self.people.get(&row.author_id)?;
        let target = row.comment_id.uuid();
        let summary = self.summaries.get(&target);
        let replies = self.replies.get(&row.comment_id);
        Some(Comment {
            id: row.comment_id,
            post_id: row.post_id,
            parent_id: row.parent_id,
            depth: row.depth,
            author: if row.deleted {
                nobody()
            } else {
                author.clone()
            },
            entities: posts::entities(&row.content),
            content: row.content.clone(),
            counts: CommentCounts {
                replies: replies.map(|count| **count).unwrap_or_default(),
                // What was felt about words that are gone is gone with them.
                reactions: summary
                    .filter(|_| !row.deleted)
                    .map(|summary| (**summary).clone())
                    .unwrap_or_default(),
            },
            viewer: self.viewer.id().map(|me| self.flags(row, me)),
            op_id: row
                .op_id
                .clone()
                .filter(|_| !row.deleted && self.viewer.is(row.author_id)),
            created_at: row.created_at,
            edited_at: row.edited_at.filter(|_| !row.deleted),
            deleted: row.deleted,
            replies: None,
            version: row.version,
        })
    }

    fn flags(&self, row: &CommentEntry, me: UserId) -> CommentViewer {
        let alive = !row.deleted;
        let post = self.posts.get(&row.post_id);
        let owns_post = post.is_some_and(|post| post.author_id == me);
        let reaction = self.own.get(&row.comment_id.uuid()).copied();
        CommentViewer {
            reaction: reaction.filter(|_| alive),
            can_reply: alive && row.depth < MAX_DEPTH,
            can_edit: alive && row.author_id == me,
            can_delete: alive && (row.author_id == me || owns_post),
        }
    }
}

/// The author of a deleted comment: it says no longer who wrote it.
fn nobody() -> Person {
    Person {
        id: UserId::from_uuid(Uuid::nil()),
        username: "deleted".to_owned(),
        display_name: "Deleted".to_owned(),
        avatar_url: None,
        deleted: true,
    }
}
