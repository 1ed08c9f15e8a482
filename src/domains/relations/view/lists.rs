//! Lists of people.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::store::{self, MuteRow};
use super::relationship::forever;
use super::user::showing_mutual_friends;
use crate::domains::users::{self, Person};
use crate::kernel::page::{NameKey, Page, RankKey, Slice, TimeKey};
use crate::kernel::{Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::words;

/// A page of a person's friends by name, those whose name holds `q`, without people whom the viewer
/// may not see. Whether the viewer may see the list was asked before.
pub async fn friends(
    reads: &mut Reads<'_>,
    viewer: UserId,
    user_id: UserId,
    q: &str,
    slice: &Slice<NameKey>,
) -> Result<Page<NameKey, Person>> {
    let page = store::list_friends(&mut *reads.conn().await?, viewer, user_id, q, slice).await?;
    users::people_page(reads, page).await
}

/// A page of the friends that the viewer and a person have in common, by name. Whether the viewer may see
/// whose friend the person is was asked before.
pub async fn mutual_friends(
    reads: &mut Reads<'_>,
    viewer: UserId,
    user_id: UserId,
    slice: &Slice<NameKey>,
) -> Result<Page<NameKey, Person>> {
    let page =
        store::list_mutual_friends(&mut *reads.conn().await?, viewer, user_id, slice).await?;
    users::people_page(reads, page).await
}

/// A page of those who follow a person, newest first.
pub async fn followers(
    reads: &mut Reads<'_>,
    viewer: UserId,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Person>> {
    let page = store::list_followers(&mut *reads.conn().await?, viewer, user_id, slice).await?;
    users::people_page(reads, page).await
}

/// A page of those whom a person follows, newest first.
pub async fn following(
    reads: &mut Reads<'_>,
    viewer: UserId,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Person>> {
    let page = store::list_following(&mut *reads.conn().await?, viewer, user_id, slice).await?;
    users::people_page(reads, page).await
}

/// A page of those whom the viewer has blocked, newest first.
pub async fn blocked(
    reads: &mut Reads<'_>,
    viewer: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Person>> {
    let page = store::list_blocks(&mut *reads.conn().await?, viewer, slice).await?;
    users::people_page(reads, page).await
}

/// Somebody who is muted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MutedPerson {
    /// Who it is.
    #[serde(flatten)]
    pub person: Person,
    /// Until when; a mute without an end says the year 9999.
    #[schema(value_type = String, format = DateTime)]
    pub muted_until: Timestamp,
}

/// A page of those whom the viewer has muted and whose mute has not ended at `now`, newest first.
pub async fn muted(
    reads: &mut Reads<'_>,
    viewer: UserId,
    now: Timestamp,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, MutedPerson>> {
    let page = store::list_mutes(&mut *reads.conn().await?, viewer, now, forever(), slice).await?;
    let shown = show_muted(reads, &page.items).await?;
    Ok(page.with_items(shown))
}

async fn show_muted(reads: &mut Reads<'_>, rows: &[MuteRow]) -> Result<Vec<MutedPerson>> {
    let ids: Vec<UserId> = rows.iter().map(|row| row.user_id).collect();
    let mut people = users::people(reads, &ids).await?;
    let shown = |row: &MuteRow| {
        Some(MutedPerson {
            person: people.remove(&row.user_id)?,
            muted_until: row.muted_until,
        })
    };
    Ok(rows.iter().filter_map(shown).collect())
}

words! {
    /// Why somebody is suggested.
    pub enum SuggestionReason {
        /// They are friends of friends.
        MutualFriends = "mutual_friends",
    }
}

/// Somebody whom the viewer may know.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Suggestion {
    /// Who it is.
    pub user: Person,
    /// How many friends the two have in common.
    pub mutual_friends: i64,
    /// Up to three of those friends, by name; none of whoever shows their friends to nobody.
    pub mutuals: Vec<Person>,
    /// Why they are suggested.
    pub reason: SuggestionReason,
}

/// A page of people whom `viewer` may know, those with the most friends in common first.
pub async fn suggestions(
    reads: &mut Reads<'_>,
    viewer: UserId,
    slice: &Slice<RankKey>,
) -> Result<Page<RankKey, Suggestion>> {
    let page = store::list_suggestions(&mut *reads.conn().await?, viewer, slice).await?;
    let shown = show_suggestions(reads, viewer, &page.items).await?;
    Ok(page.with_items(shown))
}

async fn show_suggestions(
    reads: &mut Reads<'_>,
    viewer: UserId,
    found: &[(UserId, i64)],
) -> Result<Vec<Suggestion>> {
    let ids: Vec<UserId> = found.iter().map(|(user_id, _)| *user_id).collect();
    let open = showing_mutual_friends(reads, viewer, &ids).await?;
    let mutuals = store::list_first_mutuals(&mut *reads.conn().await?, viewer, &open).await?;
    let shown: Vec<UserId> = ids
        .iter()
        .copied()
        .chain(mutuals.iter().map(|row| row.friend_id))
        .collect();
    let people = users::people(reads, &shown).await?;
    let suggestion = |(user_id, mutual_friends): &(UserId, i64)| {
        let with_them = mutuals.iter().filter(|row| row.user_id == *user_id);
        Some(Suggestion {
            user: people.get(user_id)?.clone(),
            mutual_friends: *mutual_friends,
            mutuals: with_them
                .filter_map(|row| people.get(&row.friend_id).cloned())
                .collect(),
            reason: SuggestionReason::MutualFriends,
        })
    };
    Ok(found.iter().filter_map(suggestion).collect())
}
