//! Routes of conversations and messages. What they answer is kept by nothing on the way.

mod conversations;
mod members;
mod messages;
mod mine;
mod reading;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::platform::limits::{RouteLimit, at_door, in_action, policies};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    conversations::configure(cfg);
    members::configure(cfg);
    messages::configure(cfg);
    mine::configure(cfg);
    reading::configure(cfg);
}

// Routes that frames stand for, and one with a limit of its own.
pub(super) const MESSAGES: &str = "/v1/conversations/{id}/messages";
pub(super) const READ: &str = "/v1/conversations/{id}/read";
pub(super) const DELIVERED: &str = "/v1/conversations/{id}/delivered";
pub(super) const MESSAGE: &str = "/v1/messages/{id}";
pub(super) const REACTION: &str = "/v1/messages/{id}/reaction";
const MEMBER: &str = "/v1/conversations/{id}/members/{user_id}";

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
