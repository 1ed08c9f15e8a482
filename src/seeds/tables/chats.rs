//! Conversations as the rows of their tables.

use super::{Fill, Shared};
use crate::domains::messaging::ConversationKind;
use crate::seeds::copy::CopyText;
use crate::seeds::counters::Counters;
use crate::seeds::dataset::{Dataset, Deed};

/// Their tables: name, COPY statement, what writes the rows.
pub(super) const TABLES: &[(&str, &str, Fill)] = &[
    (
        "conversation",
        "copy conversation (conversation_id, kind, lower_id, higher_id, title, top_seq,
         last_message_id, version, created_at, updated_at) from stdin",
        conversations,
    ),
    (
        "conversation_member",
        "copy conversation_member (conversation_id, user_id, role, state, joined_at, left_seq, left_at,
         left_title, left_version) from stdin",
        members,
    ),
    (
        "conversation_mark",
        "copy conversation_mark (conversation_id, user_id, read_up_to, shown_up_to, delivered_up_to,
         cleared_up_to, muted_until, archived, pinned) from stdin",
        marks,
    ),
    (
        "message",
        "copy message (message_id, conversation_id, seq, author_id, content, action, subject_id,
         reply_to_id, version, created_at, edited_at, deleted_at) from stdin",
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
            .number(talk.version)
            .time(talk.created_at)
            .time(last.map_or(talk.created_at, |message| message.created_at))
            .end();
    }
}

fn members(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for talk in &data.conversations {
        for seat in &talk.seats {
            copy.id(talk.id)
                .id(seat.user)
                .text(seat.role.as_str())
                .text(seat.state.as_str())
                .time(seat.joined_at);
            match seat.left {
                Some(left) => copy
                    .number(number(left.seq))
                    .time(left.at)
                    .text(left.title)
                    .number(left.version),
                None => copy.null().null().null().null(),
            }
            .end();
        }
    }
}

fn marks(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for talk in &data.conversations {
        for seat in &talk.seats {
            let marks = seat.marks;
            copy.id(talk.id)
                .id(seat.user)
                .number(number(marks.read_up_to))
                .number(number(marks.shown_up_to))
                .number(number(marks.delivered_up_to))
                .number(number(marks.cleared_up_to))
                .maybe_time(marks.muted_until)
                .flag(marks.archived)
                .flag(marks.pinned)
                .end();
        }
    }
}

fn messages(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for talk in &data.conversations {
        for (place, message) in talk.messages.iter().enumerate() {
            let (action, subject) = message.deed.map(Deed::parts).unzip();
            let changes = [message.edited_at, message.deleted_at];
            copy.id(message.id)
                .id(talk.id)
                .number(number(place + 1))
                .id(message.author)
                .text(&message.content)
                .maybe_text(action)
                .maybe_id(subject.flatten())
                .maybe_id(message.reply_to)
                .number(number(1 + changes.iter().flatten().count()))
                .time(message.created_at)
                .maybe_time(message.edited_at)
                .maybe_time(message.deleted_at)
                .end();
        }
    }
}
