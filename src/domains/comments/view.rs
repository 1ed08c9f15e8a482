//! What others see of a comment.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::MAX_DEPTH;
use super::store::{self, CommentRow};
use crate::domains::posts::{self, Entity};
use crate::domains::reactions::{self, Kind, Summary, TargetKind};
use crate::domains::users::{self, Person};
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::{CommentId, Error, PostId, Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// A comment, or a reply to one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The post it is on.
    pub post_id: PostId,
    /// The comment it answers; null on the post itself.
    #[schema(required)]
    pub parent_id: Option<CommentId>,
    /// How far below the post it stands: 0 to 8.
    pub depth: i16,
    /// Who wrote it; nobody in particular once it is deleted.
    pub author: Person,
    /// What it says.
    pub content: String,
    /// Hashtags and links in the text.
    pub entities: Vec<Entity>,
    /// Numbers, the same for everybody who may see the post.
    pub counts: CommentCounts,
    /// What it is to the viewer; null when signed out.
    #[schema(required)]
    pub viewer: Option<CommentViewer>,
    /// The idempotency key of the request that made it, shown to its author alone.
    #[schema(required)]
    pub op_id: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last edited.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// Whether it is deleted and only marks the place of its replies.
    pub deleted: bool,
    /// The first two replies, with `?expand=replies`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub replies: Option<Vec<Comment>>,
    #[serde(skip)]
    pub(super) version: i64,
}

/// Numbers of a comment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CommentCounts {
    /// Replies to it that are not deleted.
    pub replies: i32,
    /// Reactions by kind.
    pub reactions: Summary,
}

/// What a comment is to its viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct CommentViewer {
    /// Their reaction.
    #[schema(required)]
    pub reaction: Option<Kind>,
    /// Whether they may answer it.
    pub can_reply: bool,
    /// Whether they may change it.
    pub can_edit: bool,
    /// Whether they may delete it.
    pub can_delete: bool,
}

/// What a reaction to a comment changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommentState {
    /// Numbers.
    pub counts: CommentCounts,
    /// What it is to the viewer.
    #[schema(required)]
    pub viewer: Option<CommentViewer>,
}

impl From<Comment> for CommentState {
    fn from(comment: Comment) -> Self {
        Self {
            counts: comment.counts,
            viewer: comment.viewer,
        }
    }
}

/// Comments by id, in the order given; what the viewer may not see is left out.
pub async fn comments(conn: &mut Conn, viewer: Viewer, ids: &[CommentId]) -> Result<Vec<Comment>> {
    let rows = store::list_comments(conn, viewer.id(), ids).await?;
    let targets: Vec<Uuid> = rows.iter().map(|row| row.comment_id.uuid()).collect();
    let authors: HashSet<UserId> = rows.iter().map(|row| row.author_id).collect();
    let authors: Vec<UserId> = authors.into_iter().collect();
    let people = users::people(&mut Reads::Within(conn), &authors).await?;
    let mut summaries = reactions::summaries(conn, TargetKind::Comment, &targets).await?;
    let own = match viewer.id() {
        Some(me) => reactions::own(conn, me, TargetKind::Comment, &targets).await?,
        None => HashMap::new(),
    };
    let mut found: HashMap<CommentId, Comment> = rows
        .into_iter()
        .filter_map(|row| {
            let author = people.get(&row.author_id)?.clone();
            let target = row.comment_id.uuid();
            let summary = summaries.remove(&target).unwrap_or_default();
            let reaction = own.get(&target).copied();
            Some((
                row.comment_id,
                render(row, author, summary, viewer, reaction),
            ))
        })
        .collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// One comment, if the viewer may see it.
pub async fn comment(conn: &mut Conn, viewer: Viewer, comment_id: CommentId) -> Result<Comment> {
    comments(conn, viewer, &[comment_id])
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// Gives each comment its first replies, `limit` at most, with one query for all.
pub async fn add_replies(
    conn: &mut Conn,
    viewer: Viewer,
    comments_shown: &mut [Comment],
    limit: i64,
) -> Result<()> {
    let parents: Vec<CommentId> = comments_shown.iter().map(|comment| comment.id).collect();
    let pairs = store::list_first_replies(conn, viewer.id(), &parents, limit).await?;
    let ids: Vec<CommentId> = pairs.into_iter().map(|(_, reply)| reply).collect();
    let mut by_parent: HashMap<Option<CommentId>, Vec<Comment>> = HashMap::new();
    for reply in comments(conn, viewer, &ids).await? {
        by_parent.entry(reply.parent_id).or_default().push(reply);
    }
    for comment in comments_shown {
        comment.replies = Some(by_parent.remove(&Some(comment.id)).unwrap_or_default());
    }
    Ok(())
}

/// Of how many comments the top ones are chosen, and how many those are.
const TOP: (i64, i64) = (50, 2);

/// The top comments of some posts, for `?expand=top_comments`.
pub fn top_comments<'a>(
    conn: &'a mut Conn,
    viewer: Viewer,
    post_ids: &'a [PostId],
) -> posts::Loading<'a> {
    Box::pin(async move {
        let (newest, limit) = TOP;
        let ids = store::list_top(conn, viewer.id(), post_ids, newest, limit).await?;
        let mut by_post: HashMap<PostId, Vec<Value>> = HashMap::new();
        for comment in comments(conn, viewer, &ids).await? {
            let shown = serde_json::to_value(&comment).map_err(Error::internal)?;
            by_post.entry(comment.post_id).or_default().push(shown);
        }
        Ok(by_post)
    })
}

fn render(
    row: CommentRow,
    author: Person,
    reactions: Summary,
    viewer: Viewer,
    reaction: Option<Kind>,
) -> Comment {
    let flags = viewer.id().map(|me| flags(&row, me, reaction));
    let counts = CommentCounts {
        replies: row.replies,
        // What was felt about words that are gone is gone with them.
        reactions: if row.deleted {
            Summary::default()
        } else {
            reactions
        },
    };
    Comment {
        id: row.comment_id,
        post_id: row.post_id,
        parent_id: row.parent_id,
        depth: row.depth,
        author: if row.deleted { nobody() } else { author },
        entities: posts::entities(&row.content),
        content: row.content,
        counts,
        viewer: flags,
        op_id: row
            .op_id
            .filter(|_| !row.deleted && viewer.is(row.author_id)),
        created_at: row.created_at,
        edited_at: row.edited_at.filter(|_| !row.deleted),
        deleted: row.deleted,
        replies: None,
        version: row.version,
    }
}

fn flags(row: &CommentRow, me: UserId, reaction: Option<Kind>) -> CommentViewer {
    let alive = !row.deleted;
    CommentViewer {
        reaction: reaction.filter(|_| alive),
        can_reply: alive && row.depth < MAX_DEPTH,
        can_edit: alive && row.author_id == me,
        can_delete: alive && (row.author_id == me || row.post_author_id == me),
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
