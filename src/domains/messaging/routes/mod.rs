//! Routes of conversations and messages. What they answer is kept by nothing on the way.

pub(super) mod answers;
mod conversations;
mod members;
mod messages;
mod mine;
mod pace;
mod reading;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::platform::limits::{RouteLimit, at_door, in_action, policies};

pub(super) use pace::guard_pace;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    conversations::configure(cfg);
    members::configure(cfg);
    messages::configure(cfg);
    mine::configure(cfg);
    reading::configure(cfg);
}

pub(super) const MESSAGES: &str = "/v1/conversations/{id}/messages";
pub(super) const MESSAGE: &str = "/v1/messages/{id}";
const MEMBER: &str = "/v1/conversations/{id}/members/{user_id}";
pub(super) const REACTION: &str = "/v1/messages/{id}/reaction";

/// What limits these routes beside the general limit.
pub const LIMITS: &[RouteLimit] = &[
    in_action("POST", "/v1/conversations", &policies::MESSAGE),
    in_action("POST", "/v1/conversations", &policies::MESSAGE_STRANGER),
    at_door("POST", MESSAGES, &policies::MESSAGE),
    in_action("POST", MESSAGES, &policies::MESSAGE_STRANGER),
    in_action("PUT", MEMBER, &policies::MESSAGE_STRANGER),
    at_door("PATCH", MESSAGE, &policies::EDIT),
    at_door("PUT", REACTION, &policies::REACTION),
    at_door("DELETE", REACTION, &policies::REACTION),
];
