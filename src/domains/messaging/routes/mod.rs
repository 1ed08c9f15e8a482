//! Routes of conversations and messages. What they answer is kept by nothing on the way.

pub(super) mod answers;
mod conversations;
mod members;
mod messages;
mod mine;
mod reading;

use std::iter::repeat_n;

use utoipa_actix_web::service_config::ServiceConfig;

use super::model::MAX_STRANGERS;
use super::view;
use crate::domains::relations;
use crate::infra::ratelimit::Policy;
use crate::kernel::{ConversationId, Result, UserId, distinct};
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

pub(super) const MESSAGES: &str = "/v1/conversations/{id}/messages";
const MEMBER: &str = "/v1/conversations/{id}/members/{user_id}";
pub(super) const REACTION: &str = "/v1/messages/{id}/reaction";

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
/// and one to each stranger among them. Opening the conversation of two tells nobody.
async fn guard_group_pace(ctx: &Ctx, gate: &Gate, me: UserId, others: &[UserId]) -> Result<()> {
    if others.len() < 2 {
        return Ok(());
    }
    // More are refused.
    let strangers = count_strangers(ctx, me, others).await?.min(MAX_STRANGERS);
    let mut policies = vec![&policies::MESSAGE];
    policies.extend(repeat_n(&policies::MESSAGE_STRANGER, strangers));
    charge(gate, me, &policies).await
}

/// Counts that `me` adds somebody to a group who is no friend.
async fn guard_adding_pace(ctx: &Ctx, gate: &Gate, me: UserId, other: UserId) -> Result<()> {
    match count_strangers(ctx, me, &[other]).await? {
        0 => Ok(()),
        _ => charge(gate, me, &[&policies::MESSAGE_STRANGER]).await,
    }
}

/// How many of these people, without `me`, are no friends.
async fn count_strangers(ctx: &Ctx, me: UserId, others: &[UserId]) -> Result<usize> {
    let ties = relations::ties_of(&mut Reads::cached(ctx), Viewer::from(me)).await?;
    let mut others: Vec<UserId> = distinct(others.iter().copied());
    others.retain(|other| *other != me && !ties.is_friend(*other));
    Ok(others.len())
}

async fn charge(gate: &Gate, me: UserId, policies: &[&'static Policy]) -> Result<()> {
    let check = |policy: &&'static Policy| Subject::User(me).check(policy);
    let checks = policies.iter().map(check).collect();
    gate.pass(checks).await.map(|_charged| ())
}
