//! Routes of people and of what lies between them.

mod blocks;
mod circles;
mod follows;
mod friends;
mod lists;
mod presence;
mod requests;
mod users;

use actix_web::HttpResponse;
use utoipa_actix_web::service_config::ServiceConfig;

use super::view;
use crate::domains::users::act_on;
use crate::kernel::{Result, UserId};
use crate::platform::http::{HttpResult, PathOf, UserRef};
use crate::platform::limits::{RouteLimit, at_door, policies};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Tx, Writer};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    users::configure(cfg);
    friends::configure(cfg);
    requests::configure(cfg);
    follows::configure(cfg);
    blocks::configure(cfg);
    circles::configure(cfg);
    presence::configure(cfg);
}

/// What limits these routes beside the general limit.
pub const LIMITS: &[RouteLimit] = &[
    at_door("POST", "/v1/friend-requests", &policies::FRIEND_REQUEST),
    at_door("POST", "/v1/circles", &policies::CIRCLE),
];

/// Changes what lies between the caller and the person of the path, and answers with what lies
/// there then.
async fn towards(
    writer: Writer,
    me: CurrentUser,
    user: PathOf<UserRef>,
    change: impl AsyncFn(&mut Tx, UserId, UserId) -> Result<()>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            let user_id = act_on(tx, &user, async |tx, user_id| {
                change(tx, me.id, user_id).await?;
                Ok(user_id)
            })
            .await?;
            let now = tx.now();
            Answer::ok(&view::relationship(&mut tx.reads(), me.id, user_id, now).await?)
        })
        .await
}
