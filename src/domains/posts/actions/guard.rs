//! What writes that name a post ask first.

use crate::domains::posts::model::Facts;
use crate::domains::posts::store::posts as store;
use crate::infra::db::Conn;
use crate::kernel::{Code, Error, PostId, Result, UserId};

/// The post, if this person may see it; otherwise 404. In one statement.
pub async fn guard_within(conn: &mut Conn, user_id: UserId, post_id: PostId) -> Result<Facts> {
    store::find_facts(conn, Some(user_id), post_id)
        .await?
        .ok_or_else(Error::not_found)
}

/// The same, and until the transaction ends the post is neither deleted nor narrowed. It is locked
/// first and looked at afterwards, so that what is seen is what holds at the commit.
pub async fn guard_for_write(conn: &mut Conn, user_id: UserId, post_id: PostId) -> Result<Facts> {
    store::lock_for_share(conn, post_id).await?;
    guard_within(conn, user_id, post_id).await
}

/// What a post that may not be seen makes of a body that names it at `pointer`: it is invalid, for 404
/// would speak of the route.
pub fn named_in_body(pointer: &'static str) -> impl Fn(Error) -> Error {
    move |error| {
        if error.code() != Code::NotFound {
            return error;
        }
        let detail = "There is no such post that you may see.";
        Error::invalid_field(pointer, "not_found", detail)
    }
}
