//! Posts rendered to bytes once for everybody, and spliced with what belongs to the viewer.
//!
//! A card holds the rendered parts of a post that are the same for all who may see it. It is derived
//! from the post, its author, its counters and its reactions, stays in the process, and is void with
//! any of them. Whoever's own post it is sees more than others, its lists and its `op_id`: where there
//! are any, the card holds those parts twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::post::{Audience, PostCounts, PostViewer};
use super::render;
use super::seen::circles;
use crate::domains::posts::cache::{POST, POST_COUNTS};
use crate::domains::posts::model::{AudienceKind, Entity, PostEntry, can_see_post, entities};
use crate::domains::reactions::{self, TargetKind};
use crate::domains::relations::Ties;
use crate::domains::users::{AccountRow, Person, USER};
use crate::infra::cache::{Memo, Weighed};
use crate::kernel::ids::Id as _;
use crate::kernel::{Error, PostId, Result, Timestamp, UserId, distinct};
use crate::platform::{Ctx, Reads};

/// Cards of posts, in the process alone.
static CARD: Memo<PostId, Card> = Memo::new(1, Duration::from_mins(30));

/// The parts of a rendered post that depend on no viewer.
pub(super) struct Card {
    pub(super) post: Arc<PostEntry>,
    author: Arc<AccountRow>,
    /// From the opening brace to `media`.
    head: Part,
    /// `counts`.
    counts: Vec<u8>,
    /// From `op_id` to the end, without the closing brace.
    tail: Part,
}

/// A stretch of a rendered post.
struct Part {
    shared: Vec<u8>,
    /// What its author gets, where that is something else.
    own: Option<Vec<u8>>,
}

impl Part {
    fn of(&self, own: bool) -> &[u8] {
        let own = self.own.as_ref().filter(|_| own);
        own.unwrap_or(&self.shared)
    }

    fn len(&self) -> usize {
        self.shared.len() + self.own.as_ref().map_or(0, Vec::len)
    }
}

impl Weighed for Card {
    fn weight(&self) -> usize {
        self.head.len() + self.counts.len() + self.tail.len() + 320
    }
}

#[derive(Serialize)]
struct Head<'a> {
    id: PostId,
    url: String,
    author: Person,
    content: &'a str,
    entities: Vec<Entity>,
    audience: Audience,
    media: [(); 0],
}

#[derive(Serialize)]
struct Tail<'a> {
    op_id: Option<&'a str>,
    created_at: Timestamp,
    edited_at: Option<Timestamp>,
    deleted: bool,
}

/// The cards of those posts that there are.
pub(super) async fn cards(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    ids: &[PostId],
) -> Result<HashMap<PostId, Arc<Card>>> {
    let cache = ctx.cache();
    // Before anything is read: a void that comes later ends the card.
    let moment = cache.moment();
    let mut found = HashMap::with_capacity(ids.len());
    let mut missing = Vec::new();
    for id in ids {
        match cache.recall(&CARD, id) {
            Some(card) => drop(found.insert(*id, card)),
            None => missing.push(*id),
        }
    }
    for card in make(ctx, reads, &missing).await? {
        let id = card.post.post_id;
        let card = Arc::new(card);
        cache.remember(&CARD, &id, moment, &tags(&card), Arc::clone(&card));
        found.insert(id, card);
    }
    Ok(found)
}

/// All that a card shows.
fn tags(card: &Card) -> Vec<String> {
    let (id, author) = (card.post.post_id, card.post.author_id);
    let spaces = [
        POST.name,
        USER.name,
        POST_COUNTS.name,
        reactions::SUMMARY.name,
    ];
    let spaces = spaces.map(|name| format!("space:{name}"));
    let own = [
        format!("post:{id}"),
        format!("user:{author}"),
        format!("post-counts:{id}"),
        format!("reaction-summary:{id}"),
    ];
    own.into_iter().chain(spaces).collect()
}

async fn make(ctx: &Ctx, reads: &mut Reads<'_>, ids: &[PostId]) -> Result<Vec<Card>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let posts = reads.get_many(&POST, ids).await?;
    let authors = distinct(posts.values().map(|post| post.author_id));
    let authors = reads.get_many(&USER, &authors).await?;
    let counts = reads.get_many(&POST_COUNTS, ids).await?;
    let targets: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let summaries = reactions::summaries(reads, TargetKind::Post, &targets).await?;
    let cards = posts.into_values().map(|post| {
        let author = authors.get(&post.author_id).ok_or_else(Error::not_found)?;
        let counters = counts.get(&post.post_id).map(|counters| **counters);
        let summary = summaries.get(&post.post_id.uuid());
        let counts = render::counts_of(counters, summary.map(|summary| &**summary));
        card(ctx, post, Arc::clone(author), &counts)
    });
    cards.collect()
}

fn card(
    ctx: &Ctx,
    post: Arc<PostEntry>,
    author: Arc<AccountRow>,
    counts: &PostCounts,
) -> Result<Card> {
    let head = |own| {
        let head = bytes(&Head {
            id: post.post_id,
            url: format!("{}/posts/{}", ctx.web_url(), post.post_id),
            author: Person::from(&*author),
            content: &post.content,
            entities: entities(&post.content),
            audience: render::audience_of(&post, own),
            media: [],
        });
        head.map(|mut head| {
            head.pop();
            head
        })
    };
    let tail = |op_id| {
        let tail = bytes(&Tail {
            op_id,
            created_at: post.created_at,
            edited_at: post.edited_at,
            deleted: post.deleted,
        });
        tail.map(|mut tail| {
            tail.pop();
            tail.remove(0);
            tail
        })
    };
    let (shows_lists, op_id) = (post.audience == AudienceKind::Custom, post.op_id.as_deref());
    Ok(Card {
        head: Part {
            shared: head(false)?,
            own: shows_lists.then(|| head(true)).transpose()?,
        },
        counts: bytes(counts)?,
        tail: Part {
            shared: tail(None)?,
            own: op_id.map(|op_id| tail(Some(op_id))).transpose()?,
        },
        author,
        post,
    })
}

pub(super) fn bytes(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(Error::internal)
}

impl Card {
    /// Whether `user_id` is who wrote the post.
    pub(super) fn is_by(&self, user_id: UserId) -> bool {
        self.post.author_id == user_id
    }

    /// Adds the post to `out` as its author gets it (`own`) or as others do, with the original that it
    /// shares already rendered.
    pub(super) fn splice(
        &self,
        out: &mut Vec<u8>,
        own: bool,
        original: Option<&[u8]>,
        viewer: &PostViewer,
    ) -> Result<()> {
        out.extend_from_slice(self.head.of(own));
        out.extend_from_slice(b",\"shared_post\":");
        out.extend_from_slice(original.unwrap_or(b"null"));
        out.extend_from_slice(b",\"counts\":");
        out.extend_from_slice(&self.counts);
        out.extend_from_slice(b",\"viewer\":");
        serde_json::to_writer(&mut *out, viewer).map_err(Error::internal)?;
        out.push(b',');
        out.extend_from_slice(self.tail.of(own));
        out.push(b'}');
        Ok(())
    }
}

/// Those of the cards that somebody who is signed in sees.
pub(super) async fn seen_cards(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    me: UserId,
    ties: &Ties,
    ids: &[PostId],
) -> Result<HashMap<PostId, Arc<Card>>> {
    let mut cards = cards(ctx, reads, ids).await?;
    let posts = cards.values().map(|card| &card.post);
    let circles = circles(reads, ties, posts).await?;
    let viewer = crate::platform::sessions::Viewer::from(me);
    cards.retain(|_, card| can_see_post(viewer, &card.post, &card.author, ties, &circles));
    Ok(cards)
}
