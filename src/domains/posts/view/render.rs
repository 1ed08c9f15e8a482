//! Turns ids of posts into posts for a viewer, in a handful of statements however many they are.

use std::collections::HashMap;

use uuid::Uuid;

use super::post::{Audience, Post, PostCounts, PostMarks, PostViewer, SharedPost};
use crate::domains::posts::model::{AudienceKind, entities};
use crate::domains::posts::store::audience::{self, MemberRow};
use crate::domains::posts::store::posts::{self as store, PostRow};
use crate::domains::reactions::{self, TargetKind};
use crate::domains::users::{self, Person};
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::{Error, PostId, Result, UserId};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// Those of the posts that the viewer may see, in the order given.
pub async fn posts(
    ctx: &Ctx,
    conn: &mut Conn,
    viewer: Viewer,
    ids: &[PostId],
) -> Result<Vec<Post>> {
    let rows = store::list_visible(conn, viewer.id(), ids).await?;
    render(ctx, conn, viewer, ids, rows).await
}

/// One post, if the viewer may see it; otherwise 404.
pub async fn post(ctx: &Ctx, conn: &mut Conn, viewer: Viewer, post_id: PostId) -> Result<Post> {
    posts(ctx, conn, viewer, &[post_id])
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// Those of the posts that their author has deleted, in the order given.
pub async fn own_deleted(
    ctx: &Ctx,
    conn: &mut Conn,
    author_id: UserId,
    ids: &[PostId],
) -> Result<Vec<Post>> {
    let rows = store::list_own_deleted(conn, author_id, ids).await?;
    render(ctx, conn, Viewer(Some(author_id)), ids, rows).await
}

/// What changes of a post when somebody marks it.
pub async fn marks(
    ctx: &Ctx,
    conn: &mut Conn,
    viewer: Viewer,
    post_id: PostId,
) -> Result<PostMarks> {
    let Post { counts, viewer, .. } = post(ctx, conn, viewer, post_id).await?;
    Ok(PostMarks { counts, viewer })
}

async fn render(
    ctx: &Ctx,
    conn: &mut Conn,
    viewer: Viewer,
    ids: &[PostId],
    rows: Vec<PostRow>,
) -> Result<Vec<Post>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let original_ids: Vec<PostId> = rows.iter().filter_map(|row| row.shared_post_id).collect();
    let originals = if original_ids.is_empty() {
        Vec::new()
    } else {
        store::list_visible(conn, viewer.id(), &original_ids).await?
    };
    let beside = Beside::load(conn, viewer, &rows, &originals).await?;
    let mut shared = HashMap::new();
    for row in originals {
        let original = beside.dress(ctx, viewer, row, None)?;
        shared.insert(original.id, original);
    }
    let mut found = HashMap::new();
    for row in rows {
        let original = row.shared_post_id.map(|id| match shared.get(&id) {
            Some(original) => SharedPost::Post(Box::new(original.clone())),
            None => SharedPost::UNAVAILABLE,
        });
        let post = beside.dress(ctx, viewer, row, original)?;
        found.insert(post.id, post);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// What is shown with posts and comes from elsewhere.
struct Beside {
    people: HashMap<UserId, Person>,
    reactions: HashMap<Uuid, reactions::Summary>,
    own: HashMap<Uuid, reactions::Kind>,
    members: Vec<MemberRow>,
}

impl Beside {
    async fn load(
        conn: &mut Conn,
        viewer: Viewer,
        rows: &[PostRow],
        originals: &[PostRow],
    ) -> Result<Self> {
        let all = || rows.iter().chain(originals);
        let mut authors: Vec<UserId> = all().map(|row| row.author_id).collect();
        authors.sort_unstable();
        authors.dedup();
        let targets: Vec<Uuid> = all().map(|row| row.post_id.uuid()).collect();
        let listed: Vec<PostId> = all()
            .filter(|row| viewer.is(row.author_id))
            .filter(|row| AudienceKind::from_word(&row.audience) == AudienceKind::Custom)
            .map(|row| row.post_id)
            .collect();
        Ok(Self {
            people: users::people(&mut Reads::Within(conn), &authors).await?,
            reactions: reactions::summaries(conn, TargetKind::Post, &targets).await?,
            own: match viewer.id() {
                Some(user_id) => reactions::own(conn, user_id, TargetKind::Post, &targets).await?,
                None => HashMap::new(),
            },
            members: if listed.is_empty() {
                Vec::new()
            } else {
                audience::list_members(conn, &listed).await?
            },
        })
    }

    fn dress(
        &self,
        ctx: &Ctx,
        viewer: Viewer,
        row: PostRow,
        shared_post: Option<SharedPost>,
    ) -> Result<Post> {
        let author = self.people.get(&row.author_id).cloned();
        let own = viewer.is(row.author_id);
        Ok(Post {
            id: row.post_id,
            url: format!("{}/posts/{}", ctx.web_url(), row.post_id),
            author: author.ok_or_else(Error::not_found)?,
            entities: entities(&row.content),
            audience: self.audience(&row, own),
            media: Vec::new(),
            counts: PostCounts {
                comments: row.comments,
                shares: row.shares,
                views: row.views,
                reactions: self
                    .reactions
                    .get(&row.post_id.uuid())
                    .cloned()
                    .unwrap_or_default(),
            },
            viewer: viewer
                .id()
                .map(|_| self.viewer(&row, own, shared_post.as_ref())),
            shared_post,
            content: row.content,
            op_id: row.op_id.filter(|_| own),
            created_at: row.created_at,
            edited_at: row.edited_at,
            deleted: row.deleted,
            top_comments: None,
            version: row.version,
        })
    }

    fn audience(&self, row: &PostRow, own: bool) -> Audience {
        let kind = AudienceKind::from_word(&row.audience);
        let shows_lists = own && kind == AudienceKind::Custom;
        let list = |deny: bool| {
            let listed = self
                .members
                .iter()
                .filter(|member| member.post_id == row.post_id && member.deny == deny);
            listed.map(|member| member.id).collect()
        };
        Audience {
            kind,
            allow: (shows_lists && !row.allow_all_friends).then(|| list(false)),
            deny: shows_lists.then(|| list(true)),
        }
    }

    fn viewer(&self, row: &PostRow, own: bool, shared_post: Option<&SharedPost>) -> PostViewer {
        let can_share = match shared_post {
            // A share of a share is a share of the original.
            Some(SharedPost::Post(original)) => original
                .viewer
                .as_ref()
                .is_some_and(|viewer| viewer.can_share),
            Some(SharedPost::Unavailable { .. }) => false,
            None => own || AudienceKind::from_word(&row.audience).may_be_shared_by_others(),
        };
        PostViewer {
            reaction: self.own.get(&row.post_id.uuid()).copied(),
            saved: row.saved,
            can_comment: !row.deleted,
            can_share: can_share && !row.deleted,
            can_edit: own && !row.deleted,
            can_delete: own && !row.deleted,
        }
    }
}
