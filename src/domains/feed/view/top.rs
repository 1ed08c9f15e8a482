//! The home feed with what is talked about first.
//!
//! Counts change while somebody walks through it, so a ranking is made once, for its first page. The
//! cursor holds the ids that follow: no post comes twice or is left out, on any instance, however
//! long the walk takes, and nothing is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::choice::Choice;
use super::page::page;
use crate::domains::posts::{self, Post};
use crate::domains::relations;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Direction, Page, Slice, SortKey};
use crate::kernel::{PostId, Result, Timestamp};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Ctx, Reads};

/// As many of the newest posts of a feed are ranked.
const RANKED: u16 = 100;

/// A place in a ranking: what follows it, best first.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd)]
pub struct Ranking(Vec<Uuid>);

impl SortKey for Ranking {
    fn lowest() -> Self {
        Self::default()
    }
    fn highest() -> Self {
        Self::default()
    }
}

/// Sixteen bytes an id, as text: a cursor is part of an address.
impl Serialize for Ranking {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(Uuid::as_bytes).copied().collect();
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Ranking {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(serde::de::Error::custom)?;
        let ids = bytes.chunks_exact(16).map(Uuid::from_slice);
        let ids = ids.collect::<std::result::Result<_, _>>();
        ids.map(Self).map_err(serde::de::Error::custom)
    }
}

/// A stretch of the ranked feed of `me`. It only goes down: a fresh look makes another ranking.
pub async fn top(
    ctx: &Ctx,
    me: CurrentUser,
    slice: &Slice<Ranking>,
    ahead: Option<Vec<Value>>,
) -> Result<Page<Ranking, Post>> {
    let posts = match (slice.direction, &slice.from) {
        (Direction::Prev, _) => Vec::new(),
        (Direction::Next, Some(Ranking(ids))) => kept(ctx, me, ids).await?,
        (Direction::Next, None) => ranked(ctx, me, ahead).await?,
    };
    let ids: Vec<Uuid> = posts.iter().map(|post| post.id.uuid()).collect();
    let most = usize::from(slice.limit) + 1;
    let rows = posts.into_iter().zip(1..).take(most).map(|(post, place)| {
        let rest = ids.get(place..).unwrap_or_default();
        (Ranking(rest.to_vec()), post)
    });
    Ok(slice.page(rows.collect()))
}

/// The newest posts, best first.
async fn ranked(ctx: &Ctx, me: CurrentUser, ahead: Option<Vec<Value>>) -> Result<Vec<Post>> {
    let newest = page(ctx, me.id, &Slice::first(RANKED), ahead).await?;
    let ids: Vec<PostId> = newest.items.iter().map(|post| post.id).collect();
    let reads = &mut Reads::cached(ctx);
    let mut posts = posts::posts(ctx, reads, me.viewer(), &ids).await?;
    let now = ctx.now();
    posts.sort_by_cached_key(|post| std::cmp::Reverse((score(post, now), post.id)));
    Ok(posts)
}

/// What is left of a ranking: posts that have been deleted, hidden or closed to the reader are gone.
async fn kept(ctx: &Ctx, me: CurrentUser, ids: &[Uuid]) -> Result<Vec<Post>> {
    let ids: Vec<PostId> = ids.iter().copied().map(PostId::from_uuid).collect();
    let reads = &mut Reads::cached(ctx);
    let ties = relations::ties_of(reads, me.viewer()).await?;
    let choice = Choice::among(ctx, reads, me.id, &ties, &ids).await?;
    let mut posts = posts::posts(ctx, reads, me.viewer(), &ids).await?;
    posts.retain(|post| choice.holds(post.id, post.author.id));
    Ok(posts)
}

/// What is said of a post, weighed as trending posts are, over its age: twice as much makes up for
/// some hours. A post that nobody has spoken of counts by its age alone.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "ranks need not be exact"
)]
fn score(post: &Post, now: Timestamp) -> i64 {
    let counts = &post.counts;
    let weight = 1
        + counts.reactions.total()
        + 2 * i64::from(counts.comments)
        + 3 * i64::from(counts.shares);
    let age = now.micros().saturating_sub(post.created_at.micros());
    let hours = age.max(0) as f64 / 3.6e9;
    (1e6 * weight as f64 / (hours + 2.0).powf(1.5)) as i64
}
