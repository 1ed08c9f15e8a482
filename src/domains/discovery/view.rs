//! What search suggests and what is talked about, for a viewer.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::jobs::{TRENDING_HASHTAGS, TRENDING_POSTS};
use super::store::people::Needle;
use super::store::{suggestions, trending};
use crate::domains::relations;
use crate::domains::users::Person;
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Direction, RankKey, Slice};
use crate::kernel::{PostId, Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// Most suggestions while somebody types.
const SUGGESTIONS: usize = 10;
/// How many hashtags find room beside many people.
const HASHTAGS_BESIDE: usize = 3;
/// Hashtags that are shown as talked about.
const HASHTAGS_SHOWN: usize = 20;

/// Something that what is being typed may mean. Clients skip kinds that they do not know.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SearchSuggestion {
    /// A person.
    User {
        /// Who it is.
        user: Person,
    },
    /// A hashtag.
    Hashtag {
        /// The word in lower case, without the `#`.
        tag: String,
    },
}

/// What a prefix may mean, whoever asks. It depends on the needle's text alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    people: Vec<UserId>,
    hashtags: Vec<String>,
}

/// Finds what a prefix may mean, whoever asks.
pub async fn candidates(conn: &mut Conn, needle: &Needle) -> Result<Candidates> {
    let mut found = Candidates::default();
    if needle.may_be_person() {
        found.people = suggestions::candidate_people(conn, needle).await?;
    }
    if needle.may_be_hashtag() {
        found.hashtags = suggestions::candidate_hashtags(conn, needle).await?;
    }
    Ok(found)
}

/// What the viewer is shown of the candidates, with those of their friends who fit: people first.
pub async fn suggest(
    conn: &mut Conn,
    viewer: UserId,
    needle: &Needle,
    candidates: &Candidates,
) -> Result<Vec<SearchSuggestion>> {
    let people = if needle.may_be_person() {
        let most = i64::try_from(SUGGESTIONS).unwrap_or_default();
        let found = &candidates.people;
        let ids = suggestions::suggest_people(conn, viewer, needle, found, most).await?;
        relations::people_in_order(&mut Reads::Within(conn), &ids).await?
    } else {
        Vec::new()
    };
    let tags = suggestions::keep_hashtags(conn, Some(viewer), &candidates.hashtags).await?;
    let beside = tags.len().min(HASHTAGS_BESIDE);
    let shown = people.len().min(SUGGESTIONS - beside);
    let people = people.into_iter().take(shown);
    let tags = tags.into_iter().take(SUGGESTIONS - shown);
    Ok(people
        .map(|user| SearchSuggestion::User { user })
        .chain(tags.map(|tag| SearchSuggestion::Hashtag { tag }))
        .collect())
}

/// A hashtag that is in use.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TrendingHashtag {
    /// The word in lower case, without the `#`.
    pub tag: String,
    /// Public posts of the last three days that say it.
    pub posts: i32,
    /// People who wrote those.
    pub people: i32,
}

/// The hashtags that are most in use, those under which the viewer finds something.
pub async fn trending_hashtags(conn: &mut Conn, viewer: Viewer) -> Result<Vec<TrendingHashtag>> {
    let top = trending::top_hashtags(conn, TRENDING_HASHTAGS).await?;
    let tags: Vec<String> = top.iter().map(|row| row.tag.clone()).collect();
    let kept = suggestions::keep_hashtags(conn, viewer.id(), &tags).await?;
    let kept: HashSet<String> = kept.into_iter().collect();
    let shown = top.into_iter().filter(|row| kept.contains(&row.tag));
    Ok(shown
        .take(HASHTAGS_SHOWN)
        .map(|row| TrendingHashtag {
            tag: row.tag,
            posts: row.posts,
            people: row.people,
        })
        .collect())
}

/// A stretch of the posts that are talked about most, those that a feed of the viewer may hold.
pub async fn trending_places(
    conn: &mut Conn,
    viewer: Viewer,
    slice: &Slice<RankKey>,
    now: Timestamp,
) -> Result<Vec<(RankKey, PostId)>> {
    let top = trending::top_posts(conn, TRENDING_POSTS).await?;
    let ids: Vec<PostId> = top.iter().map(|row| row.post_id).collect();
    let kept = trending::keep_posts(conn, viewer.id(), &ids, now).await?;
    let kept: HashSet<PostId> = kept.into_iter().collect();
    let keyed = |row: &trending::TrendingPost| (row.score, row.post_id.uuid());
    let ascending = slice.direction == Direction::Prev;
    let RankKey(score, id) = slice.bound(ascending);
    let mut rows: Vec<trending::TrendingPost> = top
        .into_iter()
        .filter(|row| kept.contains(&row.post_id))
        .filter(|row| {
            if ascending {
                keyed(row) > (score, id)
            } else {
                keyed(row) < (score, id)
            }
        })
        .collect();
    if ascending {
        rows.reverse();
    }
    let most = usize::try_from(slice.fetch()).unwrap_or_default();
    let place = |row: &trending::TrendingPost| {
        let (score, id) = keyed(row);
        (RankKey(score, id), row.post_id)
    };
    Ok(rows.iter().take(most).map(place).collect())
}
