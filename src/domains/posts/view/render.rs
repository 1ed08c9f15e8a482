//! Turns ids of posts into posts for a viewer, in a handful of bulk reads however many they are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::author::Author;
use super::marks::{Mark, marked};
use super::post::{Audience, Post, PostCounts, PostMarks, PostViewer, SharedPost};
use super::seen::Seen;
use crate::domains::posts::cache::POST_COUNTS;
use crate::domains::posts::model::{AudienceKind, PostCounters, PostEntry, entities};
use crate::domains::reactions::{self, TargetKind};
use crate::domains::users::Person;
use crate::kernel::ids::Id as _;
use crate::kernel::{Error, PostId, Result};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads, Tx};

/// Those of the posts that the viewer may see, in the order given.
pub async fn posts(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    viewer: Viewer,
    ids: &[PostId],
) -> Result<Vec<Post>> {
    let seen = Seen::load(reads, viewer, ids).await?;
    render(ctx, reads, seen, ids).await
}

/// One post, if the viewer may see it; otherwise 404.
pub async fn post(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    viewer: Viewer,
    post_id: PostId,
) -> Result<Post> {
    posts(ctx, reads, viewer, &[post_id])
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// A post that this transaction has made, for its author. Nobody has counted, marked or reacted to it
/// yet, and whoever wrote it sees it: only a share needs more than itself.
pub async fn fresh(tx: &mut Tx, author: &Author, made: PostEntry) -> Result<Post> {
    let ctx = tx.ctx().clone();
    if made.shared_post_id.is_some() {
        let viewer = Viewer::from(made.author_id);
        return post(&ctx, &mut tx.reads(), viewer, made.post_id).await;
    }
    Beside::nothing(&ctx, Seen::by(author)).dress(&made, None)
}

/// What changes of a post when somebody marks it.
pub async fn marks(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    viewer: Viewer,
    post_id: PostId,
) -> Result<PostMarks> {
    let Post { counts, viewer, .. } = post(ctx, reads, viewer, post_id).await?;
    Ok(PostMarks { counts, viewer })
}

/// Those of the posts that are seen, in the order given.
pub(super) async fn render(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    mut seen: Seen,
    ids: &[PostId],
) -> Result<Vec<Post>> {
    let shown = ids.iter().filter_map(|id| seen.posts.get(id).cloned());
    let shown: Vec<Arc<PostEntry>> = shown.collect();
    let originals: Vec<PostId> = shown
        .iter()
        .filter_map(|post| post.shared_post_id)
        .collect();
    if !originals.is_empty() {
        seen.add(reads, &originals).await?;
    }
    let beside = Beside::load(ctx, reads, seen).await?;
    let mut rendered = HashSet::new();
    shown
        .iter()
        .filter(|post| rendered.insert(post.post_id))
        .map(|post| beside.dress_with_original(post))
        .collect()
}

/// What is shown with posts and comes from elsewhere.
struct Beside<'a> {
    ctx: &'a Ctx,
    seen: Seen,
    counts: HashMap<PostId, Arc<PostCounters>>,
    reactions: HashMap<Uuid, Arc<reactions::Summary>>,
    own: HashMap<Uuid, reactions::Kind>,
    saved: HashSet<PostId>,
}

impl<'a> Beside<'a> {
    async fn load(ctx: &'a Ctx, reads: &mut Reads<'_>, seen: Seen) -> Result<Self> {
        let ids: Vec<PostId> = seen.posts.keys().copied().collect();
        let targets: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let (own, saved) = match seen.viewer.id() {
            Some(me) if !ids.is_empty() => (
                reactions::own(reads, me, TargetKind::Post, &targets).await?,
                marked(reads, me, Mark::Saved, &ids).await?,
            ),
            _ => (HashMap::new(), HashSet::new()),
        };
        Ok(Self {
            ctx,
            counts: reads.get_many(&POST_COUNTS, &ids).await?,
            reactions: reactions::summaries(reads, TargetKind::Post, &targets).await?,
            own,
            saved,
            seen,
        })
    }

    /// Of posts that are new.
    fn nothing(ctx: &'a Ctx, seen: Seen) -> Self {
        Self {
            ctx,
            seen,
            counts: HashMap::new(),
            reactions: HashMap::new(),
            own: HashMap::new(),
            saved: HashSet::new(),
        }
    }

    fn dress_with_original(&self, post: &PostEntry) -> Result<Post> {
        let original = match post.shared_post_id {
            None => None,
            Some(id) => Some(match self.seen.posts.get(&id) {
                Some(original) => SharedPost::Post(Box::new(self.dress(original, None)?)),
                None => SharedPost::UNAVAILABLE,
            }),
        };
        self.dress(post, original)
    }

    fn dress(&self, post: &PostEntry, shared_post: Option<SharedPost>) -> Result<Post> {
        let author = self.seen.authors.get(&post.author_id);
        let own = self.seen.viewer.is(post.author_id);
        let viewer = self.seen.viewer.id();
        Ok(Post {
            id: post.post_id,
            url: format!("{}/posts/{}", self.ctx.web_url(), post.post_id),
            author: Person::from(&**author.ok_or_else(Error::not_found)?),
            entities: entities(&post.content),
            audience: audience_of(post, own),
            media: Vec::new(),
            counts: self.counts(post.post_id),
            viewer: viewer.map(|_| self.viewer(post, own, shared_post.as_ref())),
            shared_post,
            content: post.content.clone(),
            op_id: post.op_id.clone().filter(|_| own),
            created_at: post.created_at,
            edited_at: post.edited_at,
            deleted: post.deleted,
            top_comments: None,
            version: post.version,
        })
    }

    fn counts(&self, post_id: PostId) -> PostCounts {
        let counters = self.counts.get(&post_id).map(|counters| **counters);
        let reactions = self.reactions.get(&post_id.uuid());
        counts_of(counters, reactions.map(|summary| &**summary))
    }

    fn viewer(&self, post: &PostEntry, own: bool, shared_post: Option<&SharedPost>) -> PostViewer {
        let original_can_be_shared = shared_post.map(|shared| match shared {
            SharedPost::Post(original) => original
                .viewer
                .as_ref()
                .is_some_and(|viewer| viewer.can_share),
            SharedPost::Unavailable { .. } => false,
        });
        viewer_of(
            post,
            own,
            original_can_be_shared,
            self.own.get(&post.post_id.uuid()).copied(),
            self.saved.contains(&post.post_id),
        )
    }
}

/// The numbers of a post.
pub(super) fn counts_of(
    counters: Option<PostCounters>,
    reactions: Option<&reactions::Summary>,
) -> PostCounts {
    let counters = counters.unwrap_or_default();
    PostCounts {
        comments: counters.comments,
        shares: counters.shares,
        views: counters.views,
        reactions: reactions.cloned().unwrap_or_default(),
    }
}

/// What a post is to somebody who is signed in. A share of a share is a share of the original.
pub(super) fn viewer_of(
    post: &PostEntry,
    own: bool,
    original_can_be_shared: Option<bool>,
    reaction: Option<reactions::Kind>,
    saved: bool,
) -> PostViewer {
    let can_share = match original_can_be_shared {
        Some(can_share) => can_share,
        None => own || post.audience.may_be_shared_by_others(),
    };
    PostViewer {
        reaction,
        saved,
        can_comment: !post.deleted,
        can_share: can_share && !post.deleted,
        can_edit: own && !post.deleted,
        can_delete: own && !post.deleted,
    }
}

/// The lists of a custom audience are for the author alone.
pub(super) fn audience_of(post: &PostEntry, own: bool) -> Audience {
    let shows_lists = own && post.audience == AudienceKind::Custom;
    let list = |deny: bool| {
        let listed = post.members.iter().filter(|member| member.deny == deny);
        listed.map(|member| member.id).collect()
    };
    Audience {
        kind: post.audience,
        allow: (shows_lists && !post.allow_all_friends).then(|| list(false)),
        deny: shows_lists.then(|| list(true)),
    }
}
