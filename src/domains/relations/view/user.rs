//! A person's profile for a viewer.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::super::cache::ties_of;
use super::super::model::{Ties, can_see_friends, can_see_mutual_friends};
use super::super::store;
use super::relationship::{Relationship, standings};
use super::sight::visible_among;
use crate::domains::users::{
    Counts, Profile, SETTINGS, SettingsRow, USER, USER_COUNTS, UserCounts,
};
use crate::kernel::{Code, Error, Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// A person's profile.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    /// What is the same for everybody, with the numbers that the viewer may see.
    #[serde(flatten)]
    pub profile: Profile,
    /// What lies between the viewer and the person; null for oneself and when signed out.
    #[schema(required)]
    pub viewer: Option<Relationship>,
    /// Counts edits of the profile.
    #[serde(skip)]
    pub version: i64,
}

/// Profiles in the order of `ids`, without people whom the viewer may not see.
pub async fn users(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    ids: &[UserId],
    now: Timestamp,
) -> Result<Vec<User>> {
    let seen = visible_among(reads, viewer, ids).await?;
    let rows = reads.get_many(&USER, &seen).await?;
    let numbers = Numbers::load(reads, viewer, &seen).await?;
    let between = match viewer.id() {
        Some(viewer) => standings(reads, viewer, &others(viewer, &seen)).await?,
        None => HashMap::new(),
    };
    let shown = |id: &UserId| {
        let row = rows.get(id)?;
        let between = between.get(id);
        Some(User {
            profile: Profile::new(row, numbers.shown(viewer, *id)?),
            viewer: between.map(|standing| Relationship::new(standing, now)),
            version: row.version,
        })
    };
    Ok(seen.iter().filter_map(shown).collect())
}

fn others(viewer: UserId, ids: &[UserId]) -> Vec<UserId> {
    ids.iter().copied().filter(|id| *id != viewer).collect()
}

/// One profile, if the viewer may see it.
pub async fn user(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    user_id: UserId,
    now: Timestamp,
) -> Result<User> {
    let found = users(reads, viewer, &[user_id], now).await?.pop();
    found.ok_or_else(Error::not_found)
}

/// Refuses when the viewer may not see whose friend `user_id` is.
pub async fn guard_friends_shown(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    user_id: UserId,
) -> Result<()> {
    let settings = reads.load(&SETTINGS, &user_id).await?;
    let ties = ties_of(reads, viewer).await?;
    if shows_friends(viewer, user_id, &settings, ties.is_friend(user_id)) {
        return Ok(());
    }
    Err(not_shown())
}

fn not_shown() -> Error {
    Error::new(
        Code::Forbidden,
        "This person does not show you their friends.",
    )
}

/// Refuses when `user_id` does not show whom they have in common with the viewer.
pub async fn guard_mutual_friends_shown(
    reads: &mut Reads<'_>,
    viewer: UserId,
    user_id: UserId,
) -> Result<()> {
    let shown = showing_mutual_friends(reads, viewer, &[user_id]).await?;
    if shown.is_empty() {
        return Err(not_shown());
    }
    Ok(())
}

/// Those of these people who show whom they have in common with the viewer.
pub(super) async fn showing_mutual_friends(
    reads: &mut Reads<'_>,
    viewer: UserId,
    ids: &[UserId],
) -> Result<Vec<UserId>> {
    let settings = reads.get_many(&SETTINGS, ids).await?;
    let shows = |id: &UserId| {
        let row = settings.get(id);
        row.is_some_and(|row| can_see_mutual_friends(row.who_sees_friends, *id == viewer))
    };
    Ok(ids.iter().copied().filter(shows).collect())
}

fn shows_friends(
    viewer: Viewer,
    user_id: UserId,
    settings: &SettingsRow,
    are_friends: bool,
) -> bool {
    can_see_friends(settings.who_sees_friends, viewer.is(user_id), are_friends)
}

/// Numbers of people, and what decides which of them a viewer sees.
struct Numbers {
    counts: HashMap<UserId, Arc<UserCounts>>,
    settings: HashMap<UserId, Arc<SettingsRow>>,
    ties: Arc<Ties>,
    custom_posts: HashMap<UserId, i64>,
}

impl Numbers {
    async fn load(reads: &mut Reads<'_>, viewer: Viewer, ids: &[UserId]) -> Result<Self> {
        let counts = reads.get_many(&USER_COUNTS, ids).await?;
        let settings = reads.get_many(&SETTINGS, ids).await?;
        let ties = ties_of(reads, viewer).await?;
        // Which posts for a custom audience are for the viewer is known to Postgres alone; it is
        // asked about friends who have such posts, or posts for themselves.
        let has_private = |id: &UserId| counts.get(id).is_some_and(|row| row.posts_private > 0);
        let asked = ids.iter().copied();
        let asked = asked.filter(|id| ties.is_friend(*id) && has_private(id));
        let asked: Vec<UserId> = asked.collect();
        let custom_posts = match viewer.id() {
            Some(viewer) if !asked.is_empty() => {
                store::count_custom_posts(&mut *reads.conn().await?, viewer, &asked).await?
            }
            _ => HashMap::new(),
        };
        Ok(Self {
            counts,
            settings,
            ties,
            custom_posts,
        })
    }

    fn shown(&self, viewer: Viewer, user_id: UserId) -> Option<Counts> {
        let counts = self.counts.get(&user_id)?;
        let are_friends = self.ties.is_friend(user_id);
        let public = i64::from(counts.posts_public);
        let friends = i64::from(counts.posts_friends);
        let posts = if viewer.is(user_id) {
            public + friends + i64::from(counts.posts_private)
        } else if are_friends {
            let custom = self.custom_posts.get(&user_id);
            public + friends + custom.copied().unwrap_or_default()
        } else {
            public
        };
        let settings = self.settings.get(&user_id)?;
        Some(Counts {
            friends: shows_friends(viewer, user_id, settings, are_friends)
                .then(|| i64::from(counts.friends)),
            followers: Some(i64::from(counts.followers)),
            posts: Some(posts),
        })
    }
}
