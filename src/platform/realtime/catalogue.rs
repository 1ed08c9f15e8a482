//! What can be told, as data: the table in `docs/realtime.md` is made from it, and the tests hold against
//! it whatever they are told.

use std::borrow::Cow;
use std::fmt::Write as _;

use utoipa::ToSchema;

use super::{Attendance, Class, Topic};

/// Something that is told.
#[derive(Clone, Copy)]
pub struct Event {
    /// Its name, as `comment.created`.
    pub kind: &'static str,
    /// On which channels.
    pub place: Place,
    /// Whether it is kept, and what a slow reader may do without.
    pub class: Class,
    /// What `d` holds.
    pub d: &'static [Member],
    /// What a reader of the table should know beside that.
    pub says: &'static str,
}

impl Event {
    /// An event that is kept, on the channels of a topic.
    pub const fn durable(kind: &'static str, topic: &'static str, d: &'static [Member]) -> Self {
        Self {
            kind,
            place: Place::Topic(topic),
            class: Class::Durable,
            d,
            says: "",
        }
    }

    /// A state, on the channels of a topic.
    pub const fn state(kind: &'static str, topic: &'static str, d: &'static [Member]) -> Self {
        Self {
            class: Class::State,
            ..Self::durable(kind, topic, d)
        }
    }

    /// The same with something to know.
    #[must_use]
    pub const fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }
}

/// On which channels something is told.
#[derive(Clone, Copy)]
pub enum Place {
    /// Those of the topic of this name.
    Topic(&'static str),
    /// Those of each topic of which this is so.
    Each(fn(&Topic) -> bool),
}

/// A member of `d`.
#[derive(Clone, Copy)]
pub struct Member {
    name: &'static str,
    shape: Shape,
    is_optional: bool,
}

#[derive(Clone, Copy)]
enum Shape {
    /// The object of the API of this name.
    Object(fn() -> Cow<'static, str>),
    /// In words.
    Words(&'static str),
}

impl Member {
    /// An object of the API.
    pub const fn of<T: ToSchema>(name: &'static str) -> Self {
        Self {
            name,
            shape: Shape::Object(T::name),
            is_optional: false,
        }
    }

    /// Anything else, in words.
    pub const fn words(name: &'static str, words: &'static str) -> Self {
        Self {
            name,
            shape: Shape::Words(words),
            is_optional: false,
        }
    }

    /// It may be missing.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self {
            is_optional: true,
            ..self
        }
    }
}

/// An event on the channels of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub kind: &'static str,
    /// The word before the colon of its channels.
    pub topic: &'static str,
    /// Whether it is kept, and what a slow reader may do without.
    pub class: Class,
    /// The members of `d`: name, the object of the API or words, and whether it may be missing.
    pub d: Vec<(&'static str, Cow<'static, str>, bool)>,
    /// What else to know.
    pub says: &'static str,
}

/// The entries of an event among these topics.
pub(super) fn entries<'a>(event: &'a Event, topics: impl Iterator<Item = &'a Topic>) -> Vec<Entry> {
    let topics: Vec<&'static str> = match event.place {
        Place::Topic(name) => vec![name],
        Place::Each(fits) => topics
            .filter(|topic| fits(topic))
            .map(|topic| topic.name)
            .collect(),
    };
    let members = event.d.iter().map(|member| {
        let shape = match member.shape {
            Shape::Object(name) => name(),
            Shape::Words(words) => Cow::Borrowed(words),
        };
        (member.name, shape, member.is_optional)
    });
    let d: Vec<_> = members.collect();
    let entry = |topic| Entry {
        kind: event.kind,
        topic,
        class: event.class,
        d: d.clone(),
        says: event.says,
    };
    topics.into_iter().map(entry).collect()
}

/// The table of `docs/realtime.md`.
pub fn render_events(entries: &[Entry]) -> String {
    let mut table = String::from("| event | channel | class | what `d` holds | notes |\n");
    table.push_str("| --- | --- | --- | --- | --- |\n");
    for entry in entries {
        let class = match entry.class {
            Class::Durable => "durable",
            Class::State => "state",
            Class::Ephemeral => "ephemeral",
        };
        let members = entry.d.iter().map(|(name, shape, is_optional)| {
            let mark = if *is_optional { "?" } else { "" };
            format!("`{name}{mark}`: {shape}")
        });
        let members: Vec<String> = members.collect();
        // Writing to a string does not fail.
        let row = writeln!(
            table,
            "| `{}` | `{}:` | {class} | {} | {} |",
            entry.kind,
            entry.topic,
            members.join(", "),
            entry.says
        );
        row.unwrap_or_default();
    }
    table
}

const USER_ID: Member = Member::words("user_id", "id of a person");

/// What the gateway itself tells.
pub(super) const OWN: &[Event] = &[
    Event::state("presence.changed", super::presence::TOPIC, &[
        USER_ID,
        Member::words("state", "`online`, `away`, `offline` or `stale`"),
    ])
    .says("`stale`: it cannot be known just now"),
    Event {
        class: Class::Ephemeral,
        place: Place::Each(|topic| topic.typing),
        ..Event::state("typing.started", "", &[
            USER_ID,
            Member::words("expires_ms", "milliseconds until it ends by itself"),
        ])
    },
    Event {
        class: Class::Ephemeral,
        place: Place::Each(|topic| topic.typing),
        ..Event::state("typing.stopped", "", &[USER_ID])
    },
    Event {
        place: Place::Each(|topic| topic.attendance == Attendance::Named),
        ..Event::state("room.joined", "", &[USER_ID])
    },
    Event {
        place: Place::Each(|topic| topic.attendance == Attendance::Named),
        ..Event::state("room.left", "", &[USER_ID])
    },
    Event {
        place: Place::Each(|topic| topic.attendance == Attendance::Named),
        ..Event::state("room.count", "", &[
            Member::words("count", "how many people listen"),
            Member::words("user_ids", "who they are").optional(),
        ])
        .says("to whoever comes, when more than ten come and go at once, and where there are more than 200, \
               who are not named")
    },
    Event {
        place: Place::Each(|topic| topic.attendance == Attendance::Counted),
        ..Event::state("room.count", "", &[Member::words("count", "how many people listen")])
            .says("when it changes, once a second at most")
    },
    Event::state("session.revoked", super::INBOX, &[Member::words(
        "session_id",
        "the session that has ended",
    )])
    .says("the last before 4007"),
];
