//! Conversations as the rows of their tables.

use super::{Fill, Shared};
use crate::domains::messaging::{ConversationKind, MemberRole};
use crate::seeds::copy::CopyText;
use crate::seeds::counters::Counters;
use crate::seeds::dataset::{Conversation, Dataset};

/// Their tables: name, COPY statement, what writes the rows.
pub(super) const TABLES: &[(&str, &str, Fill)] = &[
    (
        "conversation",
        "copy conversation (conversation_id, kind, lower_id, higher_id, title, top_seq,
         last_message_id, created_at, updated_at) from stdin",
        conversations,
    ),
    (
        "conversation_member",
        "copy conversation_member (conversation_id, user_id, role, state, joined_at) from stdin",
        members,
    ),
    (
        "conversation_mark",
        "copy conversation_mark (conversation_id, user_id, read_up_to, shown_up_to, delivered_up_to)
         from stdin",
        marks,
    ),
    (
        "message",
        "copy message (message_id, conversation_id, seq, author_id, content, action, created_at)
         from stdin",
        messages,
    ),
];

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn conversations(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for talk in &data.conversations {
        copy.id(talk.id);
        match (talk.title, talk.seats.as_slice()) {
            (None, [one, other]) => copy
                .text(ConversationKind::Direct.as_str())
                .id(one.user.min(other.user))
                .id(one.user.max(other.user)),
            _ => copy.text(ConversationKind::Group.as_str()).null().null(),
        };
        let last = talk.messages.last();
        copy.maybe_text(talk.title)
            .number(number(talk.messages.len()))
            .maybe_id(last.map(|message| message.id))
            .time(talk.created_at)
            .time(last.map_or(talk.created_at, |message| message.created_at))
            .end();
    }
}

fn role(talk: &Conversation, place: usize) -> MemberRole {
    if talk.title.is_some() && place == 0 {
        MemberRole::Owner
    } else {
        MemberRole::Member
    }
}

fn members(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for talk in &data.conversations {
        for (place, seat) in talk.seats.iter().enumerate() {
            copy.id(talk.id)
                .id(seat.user)
                .text(role(talk, place).as_str())
                .text(seat.state.as_str())
                .time(talk.created_at)
                .end();
        }
    }
}

fn marks(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for talk in &data.conversations {
        for seat in &talk.seats {
            let read = number(seat.read_up_to);
            copy.id(talk.id).id(seat.user);
            copy.number(read).number(read).number(read).end();
        }
    }
}

fn messages(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for talk in &data.conversations {
        for (place, message) in talk.messages.iter().enumerate() {
            copy.id(message.id)
                .id(talk.id)
                .number(number(place + 1))
                .id(message.author)
                .text(&message.content)
                .maybe_text(message.is_beginning.then_some("created"))
                .time(message.created_at)
                .end();
        }
    }
}
