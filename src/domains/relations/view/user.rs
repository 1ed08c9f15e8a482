//! A person's profile for a viewer.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::model::can_see_friends;
use super::super::store::{self, CountsRow};
use super::relationship::{Relationship, standings};
use crate::domains::users::{Counts, FriendListAudience, Profile};
use crate::infra::db::Conn;
use crate::kernel::{Code, Error, Result, Timestamp, UserId};
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
    conn: &mut Conn,
    viewer: Viewer,
    ids: &[UserId],
    now: Timestamp,
) -> Result<Vec<User>> {
    let rows = store::list_visible(conn, viewer.id(), ids).await?;
    let seen: Vec<UserId> = rows.iter().map(|row| row.user_id).collect();
    let counts = store::list_counts(conn, viewer.id(), &seen).await?;
    let between = match viewer.id() {
        Some(viewer) => standings(conn, viewer, &seen, now).await?,
        None => Vec::new(),
    };
    let shown = |id: &UserId| {
        let row = rows.iter().find(|row| row.user_id == *id)?;
        let counts = counts.iter().find(|counts| counts.user_id == *id)?;
        let between = between.iter().find(|between| between.user_id == *id);
        Some(User {
            profile: Profile::new(row, shown_counts(viewer, counts)),
            viewer: between.filter(|_| !viewer.is(*id)).map(Relationship::from),
            version: row.version,
        })
    };
    Ok(ids.iter().filter_map(shown).collect())
}

/// One profile, if the viewer may see it.
pub async fn user(
    conn: &mut Conn,
    viewer: Viewer,
    user_id: UserId,
    now: Timestamp,
) -> Result<User> {
    let found = users(conn, viewer, &[user_id], now).await?.pop();
    found.ok_or_else(Error::not_found)
}

/// Refuses when the viewer may not see whose friend `user_id` is.
pub async fn guard_friends_shown(conn: &mut Conn, viewer: UserId, user_id: UserId) -> Result<()> {
    let counts = store::list_counts(conn, Some(viewer), &[user_id])
        .await?
        .pop();
    let counts = counts.ok_or_else(Error::not_found)?;
    if shows_friends(Viewer(Some(viewer)), &counts) {
        return Ok(());
    }
    Err(Error::new(
        Code::Forbidden,
        "This person does not show you their friends.",
    ))
}

fn shows_friends(viewer: Viewer, counts: &CountsRow) -> bool {
    // A word that is unknown here is taken for the narrowest.
    let audience = FriendListAudience::from_word(&counts.who_sees_friends)
        .unwrap_or(FriendListAudience::OnlyMe);
    can_see_friends(audience, viewer.is(counts.user_id), counts.are_friends)
}

fn shown_counts(viewer: Viewer, counts: &CountsRow) -> Counts {
    let public = i64::from(counts.posts_public);
    let friends = i64::from(counts.posts_friends);
    let posts = if viewer.is(counts.user_id) {
        public + friends + i64::from(counts.posts_private)
    } else if counts.are_friends {
        public + friends + counts.posts_custom
    } else {
        public
    };
    Counts {
        friends: shows_friends(viewer, counts).then(|| i64::from(counts.friends)),
        followers: Some(i64::from(counts.followers)),
        posts: Some(posts),
    }
}
