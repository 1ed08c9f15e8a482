//! Who is there for a viewer.

use super::super::cache::ties_of;
use crate::domains::users::{self, USER};
use crate::kernel::{Error, Result, UserId};
use crate::platform::Reads;
use crate::platform::http::UserRef;
use crate::platform::sessions::Viewer;

/// The person that a path names, if the viewer may see them; else there is nobody. A name that they
/// gave up is `moved`.
pub async fn visible_person(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    user: &UserRef,
) -> Result<UserId> {
    let user_id = users::resolve(reads, user).await?;
    if visible_among(reads, viewer, &[user_id]).await?.is_empty() {
        return Err(Error::not_found());
    }
    users::require_current_name(reads, user).await?;
    Ok(user_id)
}

/// Those of these people whom the viewer may see, in the order given.
pub async fn visible_among(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    ids: &[UserId],
) -> Result<Vec<UserId>> {
    let people = reads.get_many(&USER, ids).await?;
    let ties = ties_of(reads, viewer).await?;
    let is_active = |id: &UserId| people.get(id).is_some_and(|row| row.is_active());
    let seen = ids.iter().filter(|id| ties.sees(**id, is_active(id)));
    Ok(seen.copied().collect())
}
