//! A list of posts as bytes, for whoever reads lists all the time: the home feed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::card::{self, Card};
use super::marks::{Mark, marked};
use super::post::{PostViewer, SharedPost};
use super::render;
use crate::domains::reactions::{self, TargetKind};
use crate::domains::relations::{self, Ties};
use crate::kernel::ids::Id as _;
use crate::kernel::{PostId, Result, UserId};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// A post as its viewer gets it.
pub struct Rendered {
    /// Its id.
    pub id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// The same JSON as that of [`Post`](super::Post).
    pub json: Vec<u8>,
}

/// Those of the posts that `me` sees, in the order given: the same as [`posts`](super::posts).
pub async fn rendered(ctx: &Ctx, me: UserId, ids: &[PostId]) -> Result<Vec<Rendered>> {
    let reads = &mut Reads::cached(ctx);
    let ties = relations::ties_of(reads, Viewer::from(me)).await?;
    let seen = Spliced::load(ctx, reads, me, &ties, ids).await?;
    let shown = ids.iter().filter_map(|id| seen.render(*id).transpose());
    shown.collect()
}

struct Spliced {
    me: UserId,
    cards: HashMap<PostId, Arc<Card>>,
    own: HashMap<Uuid, reactions::Kind>,
    saved: HashSet<PostId>,
}

impl Spliced {
    async fn load(
        ctx: &Ctx,
        reads: &mut Reads<'_>,
        me: UserId,
        ties: &Ties,
        ids: &[PostId],
    ) -> Result<Self> {
        let mut cards = card::seen_cards(ctx, reads, me, ties, ids).await?;
        let originals: Vec<PostId> = cards
            .values()
            .filter_map(|card| card.post.shared_post_id)
            .filter(|id| !cards.contains_key(id))
            .collect();
        if !originals.is_empty() {
            cards.extend(card::seen_cards(ctx, reads, me, ties, &originals).await?);
        }
        let all: Vec<PostId> = cards.keys().copied().collect();
        let targets: Vec<Uuid> = all.iter().map(|id| id.uuid()).collect();
        Ok(Self {
            me,
            own: reactions::own(reads, me, TargetKind::Post, &targets).await?,
            saved: marked(reads, me, Mark::Saved, &all).await?,
            cards,
        })
    }

    fn render(&self, id: PostId) -> Result<Option<Rendered>> {
        let Some(card) = self.cards.get(&id) else {
            return Ok(None);
        };
        let (original, can_share) = match card.post.shared_post_id {
            None => (None, None),
            Some(id) => match self.cards.get(&id) {
                Some(original) => {
                    let viewer = self.viewer(original, None);
                    let mut json = Vec::with_capacity(1_024);
                    original.splice(&mut json, original.is_by(self.me), None, &viewer)?;
                    (Some(json), Some(viewer.can_share))
                }
                None => (Some(card::bytes(&SharedPost::UNAVAILABLE)?), Some(false)),
            },
        };
        let mut json = Vec::with_capacity(1_024);
        let viewer = self.viewer(card, can_share);
        card.splice(&mut json, card.is_by(self.me), original.as_deref(), &viewer)?;
        Ok(Some(Rendered {
            id,
            author_id: card.post.author_id,
            json,
        }))
    }

    fn viewer(&self, card: &Card, original_can_be_shared: Option<bool>) -> PostViewer {
        let id = card.post.post_id;
        render::viewer_of(
            &card.post,
            card.is_by(self.me),
            original_can_be_shared,
            self.own.get(&id.uuid()).copied(),
            self.saved.contains(&id),
        )
    }
}
