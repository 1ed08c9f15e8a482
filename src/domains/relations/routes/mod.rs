//! Routes of people and of what lies between them.

mod blocks;
mod circles;
mod follows;
mod friends;
mod requests;
mod users;

use utoipa_actix_web::service_config::ServiceConfig;

use super::view;
use crate::kernel::{Result, UserId};
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

/// The answer to a change of what lies between `me` and somebody else.
async fn relationship_now(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<Answer> {
    let now = tx.now();
    Answer::ok(&view::relationship(tx.conn(), me, user_id, now).await?)
}
