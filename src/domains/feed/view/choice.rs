//! What a reader has chosen to see.

use std::collections::HashSet;
use std::sync::Arc;

use super::sources;
use crate::domains::posts::{self, Mark};
use crate::domains::relations::Ties;
use crate::kernel::{PostId, Result, Timestamp, UserId};
use crate::platform::{Ctx, Reads};

/// Which of the posts that somebody may see belong into their feed.
pub struct Choice {
    viewer: UserId,
    ties: Arc<Ties>,
    hidden: HashSet<PostId>,
    now: Timestamp,
}

impl Choice {
    /// The choice of `viewer` among some posts.
    pub async fn among(
        ctx: &Ctx,
        reads: &mut Reads<'_>,
        viewer: UserId,
        ties: &Arc<Ties>,
        ids: &[PostId],
    ) -> Result<Self> {
        Ok(Self {
            viewer,
            ties: Arc::clone(ties),
            hidden: posts::marked(reads, viewer, Mark::Hidden, ids).await?,
            now: ctx.now(),
        })
    }

    /// Whether a post of theirs, of a friend or of somebody whom they follow is neither hidden nor by
    /// a person whom they have muted.
    pub fn holds(&self, id: PostId, author: UserId) -> bool {
        let own = author == self.viewer;
        (own || sources::reads(&self.ties, author))
            && !self.ties.is_muted(author, self.now)
            && !self.hidden.contains(&id)
    }
}
