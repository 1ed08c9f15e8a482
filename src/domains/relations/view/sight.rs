//! Who is there for a viewer.

use super::super::store;
use crate::domains::users;
use crate::infra::db::Conn;
use crate::kernel::{Error, Result, UserId};
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
