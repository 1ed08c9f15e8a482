//! Which posts a viewer sees: judged at every read, from entries that are the same for everybody.

use std::collections::HashMap;
use std::sync::Arc;

use super::author::Author;
use crate::domains::posts::cache::POST;
use crate::domains::posts::model::{AudienceKind, Circles, PostEntry, can_see_post};
use crate::domains::relations::{self, CIRCLE_MEMBERS, Ties};
use crate::domains::users::{AccountRow, USER};
use crate::kernel::{PostId, Result, UserId, distinct};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// Posts that a viewer sees, with their authors.
pub struct Seen {
    /// Who looks.
    pub viewer: Viewer,
    /// The posts.
    pub posts: HashMap<PostId, Arc<PostEntry>>,
    /// Who wrote them.
    pub authors: HashMap<UserId, Arc<AccountRow>>,
    ties: Arc<Ties>,
}

impl Seen {
    /// Those of the posts that the viewer sees.
    pub async fn load(reads: &mut Reads<'_>, viewer: Viewer, ids: &[PostId]) -> Result<Self> {
        let mut seen = Self {
            ties: relations::ties_of(reads, viewer).await?,
            ..Self::without_ties(viewer)
        };
        seen.add(reads, ids).await?;
        Ok(seen)
    }

    /// None yet, for somebody who looks only at what they wrote themselves.
    fn without_ties(viewer: Viewer) -> Self {
        Self {
            viewer,
            posts: HashMap::new(),
            authors: HashMap::new(),
            ties: Arc::default(),
        }
    }

    /// None yet, for the author of what is shown.
    pub fn by(author: &Author) -> Self {
        let author_id = author.account.user_id;
        let mut seen = Self::without_ties(Viewer::from(author_id));
        seen.authors.insert(author_id, Arc::clone(&author.account));
        seen
    }

    /// Those of a person's own posts that they have deleted.
    pub async fn own_deleted(
        reads: &mut Reads<'_>,
        author_id: UserId,
        ids: &[PostId],
    ) -> Result<Self> {
        let viewer = Viewer::from(author_id);
        let mut seen = Self::load(reads, viewer, &[]).await?;
        let mut posts = reads.get_many(&POST, ids).await?;
        posts.retain(|_, post| post.deleted && post.author_id == author_id);
        seen.authors = reads.get_many(&USER, &[author_id]).await?;
        seen.posts = posts;
        Ok(seen)
    }

    /// Adds those of the posts that the viewer sees.
    pub async fn add(&mut self, reads: &mut Reads<'_>, ids: &[PostId]) -> Result<()> {
        let mut posts = reads.get_many(&POST, ids).await?;
        let mut authors = distinct(posts.values().map(|post| post.author_id));
        authors.retain(|author| !self.authors.contains_key(author));
        self.authors.extend(reads.get_many(&USER, &authors).await?);
        let circles = circles(reads, &self.ties, posts.values()).await?;
        posts.retain(|_, post| {
            self.authors
                .get(&post.author_id)
                .is_some_and(|author| can_see_post(self.viewer, post, author, &self.ties, &circles))
        });
        self.posts.extend(posts);
        Ok(())
    }
}

/// The circles on which it depends whether somebody with these ties sees any of the posts.
pub(super) async fn circles<'a>(
    reads: &mut Reads<'_>,
    ties: &Ties,
    posts: impl Iterator<Item = &'a Arc<PostEntry>>,
) -> Result<Circles> {
    let in_question = posts
        .filter(|post| post.audience == AudienceKind::Custom && ties.is_friend(post.author_id));
    let ids = distinct(in_question.flat_map(|post| post.circles()));
    reads.get_many(&CIRCLE_MEMBERS, &ids).await
}

/// Those of the posts that the viewer sees, for whoever shows what belongs to them.
pub async fn seen(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    ids: &[PostId],
) -> Result<HashMap<PostId, Arc<PostEntry>>> {
    Ok(Seen::load(reads, viewer, ids).await?.posts)
}
