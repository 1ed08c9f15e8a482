//! The limits that there are, with the figures that hold unless `KITH_LIMITS_FILE` names others.

use std::time::Duration;

use crate::infra::ratelimit::{Figures, Keyed, Policy};

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const fn policy(name: &'static str, quota: u32, seconds: u64, keyed: Keyed) -> Policy {
    Policy {
        name,
        figures: Figures {
            quota,
            window: Duration::from_secs(seconds),
        },
        keyed,
        strict: false,
    }
}

const fn strict(policy: Policy) -> Policy {
    Policy {
        strict: true,
        ..policy
    }
}

/// Every request to the API.
pub const GENERAL: Policy = policy("general", 300, 5 * MINUTE, Keyed::Caller);
/// Long polls, which do not count towards the general limit: each ends with the first thing that is told, and
/// is followed by the next.
pub const POLL: Policy = policy("poll", 1_500, 5 * MINUTE, Keyed::Caller);
/// Wrong passwords, by the account that they are for.
pub const SIGN_IN: Policy = strict(policy("sign_in", 5, 5 * MINUTE, Keyed::Account));
/// Wrong passwords, by the address that they come from.
pub const SIGN_IN_ADDRESS: Policy =
    strict(policy("sign_in_address", 20, 5 * MINUTE, Keyed::Address));
/// New accounts, and attempts at names that are taken.
pub const REGISTRATION: Policy = strict(policy("registration", 5, 30 * MINUTE, Keyed::Address));
/// Mails that let somebody set a new password.
pub const PASSWORD_MAIL: Policy = strict(policy("password_mail", 3, HOUR, Keyed::Account));
/// Mails that confirm an address.
pub const VERIFICATION_MAIL: Policy = strict(policy("verification_mail", 3, HOUR, Keyed::Account));
/// New posts.
pub const POST: Policy = policy("post", 30, 5 * MINUTE, Keyed::Caller);
/// New comments and replies.
pub const COMMENT: Policy = policy("comment", 60, 5 * MINUTE, Keyed::Caller);
/// Edits of posts, comments and messages.
pub const EDIT: Policy = policy("edit", 60, HOUR, Keyed::Caller);
/// Other usernames: each that is given up is nobody else's for a while.
pub const USERNAME: Policy = strict(policy("username", 5, DAY, Keyed::Caller));
/// Reactions, given and taken back.
pub const REACTION: Policy = policy("reaction", 120, MINUTE, Keyed::Caller);
/// Requests for friendship.
pub const FRIEND_REQUEST: Policy = policy("friend_request", 30, HOUR, Keyed::Caller);
/// New circles.
pub const CIRCLE: Policy = policy("circle", 30, HOUR, Keyed::Caller);
/// Messages.
pub const MESSAGE: Policy = policy("message", 10, 10 * SECOND, Keyed::Caller);
/// Messages to strangers.
pub const MESSAGE_STRANGER: Policy = policy("message_stranger", 10, MINUTE, Keyed::Caller);
/// Searches, and suggestions while typing.
pub const SEARCH: Policy = policy("search", 60, MINUTE, Keyed::Caller);

/// All of them.
pub const ALL: &[&Policy] = &[
    &GENERAL,
    &POLL,
    &SIGN_IN,
    &SIGN_IN_ADDRESS,
    &REGISTRATION,
    &PASSWORD_MAIL,
    &VERIFICATION_MAIL,
    &POST,
    &COMMENT,
    &EDIT,
    &USERNAME,
    &REACTION,
    &FRIEND_REQUEST,
    &CIRCLE,
    &MESSAGE,
    &MESSAGE_STRANGER,
    &SEARCH,
];

/// The names of all, for people.
pub fn names() -> String {
    let names: Vec<&str> = ALL.iter().map(|policy| policy.name).collect();
    names.join(", ")
}

/// The policy of this name.
pub fn by_name(name: &str) -> Option<&'static Policy> {
    ALL.iter().copied().find(|policy| policy.name == name)
}
