//! What search suggests and what is talked about, for a viewer.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::cache::{HASHTAGS, SUGGESTIONS, TRENDING};
use super::model::Needle;
use super::store::{people, suggestions, trending};
use crate::domains::users::{self, Person};
use crate::infra::cache::Only;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Direction, Page, RankKey, Slice};
use crate::kernel::{PostId, Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// Most suggestions while somebody types.
const SUGGESTED: usize = 10;
/// How many hashtags find room beside many people.
const HASHTAGS_BESIDE: usize = 3;
/// Hashtags that are shown as talked about.
const HASHTAGS_SHOWN: usize = 20;

/// A page of the people whose names begin with the text, then of those whose names are like it.
pub async fn search_people(
    reads: &mut Reads<'_>,
    viewer: UserId,
    needle: &Needle,
    slice: &Slice<RankKey>,
) -> Result<Page<RankKey, Person>> {
    let page = people::search_people(&mut *reads.conn().await?, viewer, needle, slice).await?;
    users::people_page(reads, page).await
}

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

/// What the viewer is shown of the candidates, with those of their friends who fit: people first.
pub async fn suggest(
    reads: &mut Reads<'_>,
    viewer: UserId,
    needle: &Needle,
) -> Result<Vec<SearchSuggestion>> {
    let candidates = reads.load(&SUGGESTIONS, needle).await?;
    let people = if needle.may_be_person() {
        let most = i64::try_from(SUGGESTED).unwrap_or_default();
        let found = &candidates.people;
        let ids = {
            let conn = &mut *reads.conn().await?;
            suggestions::suggest_people(conn, viewer, needle, found, most).await?
        };
        let mut people = users::people_in_order(reads, &ids).await?;
        // Candidates may be minutes old: an old name leads to nobody who has another one now.
        people.retain(|one| needle.begins(&one.username, &one.display_name));
        people
    } else {
        Vec::new()
    };
    let tags = keep_hashtags(reads, Some(viewer), &candidates.hashtags).await?;
    let beside = tags.len().min(HASHTAGS_BESIDE);
    let shown = people.len().min(SUGGESTED - beside);
    let people = people.into_iter().take(shown);
    let tags = tags.into_iter().take(SUGGESTED - shown);
    Ok(people
        .map(|user| SearchSuggestion::User { user })
        .chain(tags.map(|tag| SearchSuggestion::Hashtag { tag }))
        .collect())
}

/// Those of the hashtags under which the viewer finds something; no question where there is none.
async fn keep_hashtags(
    reads: &mut Reads<'_>,
    viewer: Option<UserId>,
    tags: &[String],
) -> Result<Vec<String>> {
    if tags.is_empty() {
        return Ok(Vec::new());
    }
    suggestions::keep_hashtags(&mut *reads.conn().await?, viewer, tags).await
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
pub async fn trending_hashtags(
    reads: &mut Reads<'_>,
    viewer: Viewer,
) -> Result<Vec<TrendingHashtag>> {
    let top = reads.load(&HASHTAGS, &Only).await?;
    let tags: Vec<String> = top.iter().map(|row| row.tag.clone()).collect();
    let kept = keep_hashtags(reads, viewer.id(), &tags).await?;
    let kept: HashSet<String> = kept.into_iter().collect();
    let shown = top.iter().filter(|row| kept.contains(&row.tag));
    Ok(shown
        .take(HASHTAGS_SHOWN)
        .map(|row| TrendingHashtag {
            tag: row.tag.clone(),
            posts: row.posts,
            people: row.people,
        })
        .collect())
}

/// A stretch of the posts that are talked about most, those that a feed of the viewer may hold.
pub async fn trending_places(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    slice: &Slice<RankKey>,
    now: Timestamp,
) -> Result<Vec<(RankKey, PostId)>> {
    let top = reads.load(&TRENDING, &Only).await?;
    let ids: Vec<PostId> = top.iter().map(|row| row.post_id).collect();
    let conn = &mut *reads.conn().await?;
    let kept = trending::keep_posts(conn, viewer.id(), &ids, now).await?;
    let kept: HashSet<PostId> = kept.into_iter().collect();
    let keyed = |row: &trending::TrendingPost| (row.score, row.post_id.uuid());
    let ascending = slice.direction == Direction::Prev;
    let RankKey(score, id) = slice.bound(ascending);
    let mut rows: Vec<trending::TrendingPost> = top
        .iter()
        .copied()
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
