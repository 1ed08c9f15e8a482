//! What conversations tell, for the catalogue of events.

use super::news::{
    CREATED, DELETED, DELIVERED, EDITED, JOINED, LEFT, REACTED, READ, UNREACTED, UPDATED,
};
use super::topic::NAME;
use crate::domains::messaging::view::{Conversation, MemberView, Message};
use crate::domains::reactions::{Kind, Summary};
use crate::domains::users::Person;
use crate::platform::realtime::{Event, INBOX, Member};

const TOP_SEQ: Member = Member::words("top_seq", "the newest `seq`");
const MESSAGE: &[Member] = &[Member::of::<Message>("message"), TOP_SEQ];
const USER_ID: Member = Member::words("user_id", "id of a person");
const UP_TO: Member = Member::words("up_to", "a `seq`");
const REACTION: &[Member] = &[
    Member::words("message_id", "its id"),
    Member::words("seq", "its `seq`"),
    Member::of::<Person>("user"),
    Member::of::<Kind>("kind"),
    Member::of::<Summary>("reactions"),
    TOP_SEQ,
];

/// What this domain tells.
pub const EVENTS: &[Event] = &[
    Event::durable(CREATED, NAME, MESSAGE),
    Event::durable(EDITED, NAME, MESSAGE),
    Event::durable(DELETED, NAME, MESSAGE).says("a tombstone"),
    Event::durable(REACTED, NAME, REACTION).says("`reactions` are all there are to the message"),
    Event::durable(UNREACTED, NAME, REACTION),
    Event::durable(READ, NAME, &[USER_ID, UP_TO, TOP_SEQ])
        .says("of and to those who tell what they have read"),
    Event::state(DELIVERED, NAME, &[USER_ID, UP_TO, TOP_SEQ]),
    Event::durable(
        UPDATED,
        NAME,
        &[Member::of::<Conversation>("conversation"), TOP_SEQ],
    )
    .says(
        "what it is to each member is null, as `viewer`, `unread` and `read_up_to` of the members",
    ),
    Event::durable(
        JOINED,
        NAME,
        &[
            Member::of::<MemberView>("member"),
            Member::words("member_count", "how many there are now"),
            TOP_SEQ,
        ],
    )
    .says("`read_up_to` is null"),
    Event::durable(LEFT, NAME, &[USER_ID, TOP_SEQ]).says("it ends their subscription"),
    Event::state(
        UPDATED,
        INBOX,
        &[Member::of::<Conversation>("conversation")],
    )
    .says("something was said, or has changed for you; as the route shows it to you"),
];
