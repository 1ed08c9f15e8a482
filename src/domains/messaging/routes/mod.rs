//! Routes of conversations and messages. What they answer is kept by nothing on the way.

pub(super) mod answers;
mod conversations;
mod members;
mod messages;
mod mine;
mod reading;

use utoipa_actix_web::service_config::ServiceConfig;

use super::view;
use crate::domains::relations;
use crate::kernel::{ConversationId, Result, UserId};
use crate::platform::limits::{Gate, RouteLimit, Subject, at_door, in_action, policies};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    conversations::configure(cfg);
    members::configure(cfg);
    messages::configure(cfg);
    mine::configure(cfg);
    reading::configure(cfg);
}

const MESSAGES: &str = "/v1/conversations/{id}/messages";
const MEMBER: &str = "/v1/conversations/{id}/members/{user_id}";
const REACTION: &str = "/v1/messages/{id}/reaction";

/// What limits these routes beside the general limit.
pub const LIMITS: &[RouteLimit] = &[
    at_door("POST", "/v1/conversations", &policies::MESSAGE),
    in_action("POST", "/v1/conversations", &policies::MESSAGE_STRANGER),
    at_door("POST", MESSAGES, &policies::MESSAGE),
    in_action("POST", MESSAGES, &policies::MESSAGE_STRANGER),
    in_action("PUT", MEMBER, &policies::MESSAGE_STRANGER),
    at_door("PUT", REACTION, &policies::REACTION),
    at_door("DELETE", REACTION, &policies::REACTION),
];

/// Counts a call that reaches somebody who does not know `me`.
async fn charge_for_stranger(gate: &Gate, me: UserId) -> Result<()> {
    let check = Subject::User(me).check(&policies::MESSAGE_STRANGER);
    gate.pass(vec![check]).await.map(|_charged| ())
}

/// Counts a message of `me` if it goes to a stranger.
pub(super) async fn guard_pace(
    ctx: &Ctx,
    gate: &Gate,
    me: UserId,
    id: ConversationId,
) -> Result<()> {
    if view::goes_to_stranger(&mut Reads::cached(ctx), me, id).await? {
        charge_for_stranger(gate, me).await?;
    }
    Ok(())
}

/// The same if one of these people is no friend.
async fn charge_unless_friends(
    ctx: &Ctx,
    gate: &Gate,
    me: UserId,
    others: &[UserId],
) -> Result<()> {
    let ties = relations::ties_of(&mut Reads::cached(ctx), Viewer(Some(me))).await?;
    let is_stranger = |other: &UserId| *other != me && !ties.is_friend(*other);
    if others.iter().any(is_stranger) {
        charge_for_stranger(gate, me).await?;
    }
    Ok(())
}
