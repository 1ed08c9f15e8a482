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
use crate::infra::ratelimit::Policy;
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
    in_action("POST", "/v1/conversations", &policies::MESSAGE),
    in_action("POST", "/v1/conversations", &policies::MESSAGE_STRANGER),
    at_door("POST", MESSAGES, &policies::MESSAGE),
    in_action("POST", MESSAGES, &policies::MESSAGE_STRANGER),
    in_action("PUT", MEMBER, &policies::MESSAGE_STRANGER),
    at_door("PUT", REACTION, &policies::REACTION),
    at_door("DELETE", REACTION, &policies::REACTION),
];

/// Counts a message of `me` that goes to somebody who does not know them.
pub(super) async fn guard_pace(
    ctx: &Ctx,
    gate: &Gate,
    me: UserId,
    id: ConversationId,
) -> Result<()> {
    if !view::goes_to_stranger(&mut Reads::cached(ctx), me, id).await? {
        return Ok(());
    }
    charge(gate, me, &[&policies::MESSAGE_STRANGER]).await
}

/// Counts what `me` has others told by putting them into a group: it is a message to all of them,
/// and one to strangers if one of them is no friend. Opening the conversation of two tells nobody.
async fn guard_group_pace(ctx: &Ctx, gate: &Gate, me: UserId, others: &[UserId]) -> Result<()> {
    if others.len() < 2 {
        return Ok(());
    }
    let mut policies = vec![&policies::MESSAGE];
    policies.extend(stranger_policy(ctx, me, others).await?);
    charge(gate, me, &policies).await
}

/// Counts that `me` adds somebody to a group who is no friend.
async fn guard_adding_pace(ctx: &Ctx, gate: &Gate, me: UserId, other: UserId) -> Result<()> {
    let policy = stranger_policy(ctx, me, &[other]).await?;
    let policies: Vec<&'static Policy> = policy.into_iter().collect();
    charge(gate, me, &policies).await
}

/// What counts calls that reach strangers, if one of these people is no friend.
async fn stranger_policy(
    ctx: &Ctx,
    me: UserId,
    others: &[UserId],
) -> Result<Option<&'static Policy>> {
    let ties = relations::ties_of(&mut Reads::cached(ctx), Viewer(Some(me))).await?;
    let is_stranger = |other: &UserId| *other != me && !ties.is_friend(*other);
    let reaches = others.iter().any(is_stranger);
    Ok(reaches.then_some(&policies::MESSAGE_STRANGER))
}

async fn charge(gate: &Gate, me: UserId, policies: &[&'static Policy]) -> Result<()> {
    if policies.is_empty() {
        return Ok(());
    }
    let check = |policy: &&'static Policy| Subject::User(me).check(policy);
    let checks = policies.iter().map(check).collect();
    gate.pass(checks).await.map(|_charged| ())
}
