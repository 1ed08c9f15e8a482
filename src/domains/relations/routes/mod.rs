//! Routes of people and of what lies between them.

mod blocks;
mod circles;
mod follows;
mod friends;
mod requests;
mod users;

use utoipa_actix_web::service_config::ServiceConfig;

use super::view;
use crate::domains::users::require_current_name;
use crate::kernel::{Result, UserId};
use crate::platform::http::UserRef;
use crate::platform::{Answer, Tx};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    users::configure(cfg);
    friends::configure(cfg);
    requests::configure(cfg);
    follows::configure(cfg);
    blocks::configure(cfg);
    circles::configure(cfg);
}

/// The answer to a change of what lies between `me` and somebody else. Named by a username that they
/// gave up, they are `moved`, which undoes the change: only now is it known that `me` may learn what
/// they are called today.
async fn relationship_now(
    tx: &mut Tx,
    me: UserId,
    user: &UserRef,
    user_id: UserId,
) -> Result<Answer> {
    require_current_name(tx.conn(), user).await?;
    let now = tx.now();
    Answer::ok(&view::relationship(tx.conn(), me, user_id, now).await?)
}
