//! What other domains ask about people.

use std::collections::HashSet;

use super::store;
use crate::domains::users;
use crate::infra::db::Conn;
use crate::kernel::{CircleId, Error, Result, UserId};
use crate::platform::http::UserRef;
use crate::platform::sessions::Viewer;

/// The person that a path names, if the viewer may see them; else there is nobody. A name that they
/// gave up is `moved`.
pub async fn visible_person(conn: &mut Conn, viewer: Viewer, user: &UserRef) -> Result<UserId> {
    let user_id = users::resolve(conn, user).await?;
    if !store::is_visible(conn, viewer.id(), user_id).await? {
        return Err(Error::not_found());
    }
    users::require_current_name(conn, user).await?;
    Ok(user_id)
}

/// Whether two people are friends.
pub async fn are_friends(conn: &mut Conn, one: UserId, other: UserId) -> Result<bool> {
    Ok(!friends_among(conn, one, &[other]).await?.is_empty())
}

/// Those of these people who are friends of `user_id`.
pub async fn friends_among(
    conn: &mut Conn,
    user_id: UserId,
    ids: &[UserId],
) -> Result<HashSet<UserId>> {
    store::list_friends_among(conn, user_id, ids).await
}

/// Those of these circles that belong to `owner_id` and are not deleted.
pub async fn circles_among(
    conn: &mut Conn,
    owner_id: UserId,
    ids: &[CircleId],
) -> Result<HashSet<CircleId>> {
    store::list_circles_among(conn, owner_id, ids).await
}
