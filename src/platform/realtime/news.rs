//! What is told: durable events, which are rows of a stream, and signals, which are not kept.

use serde_json::Value;
use uuid::Uuid;

use super::Channel;
use crate::kernel::{Timestamp, UserId};
use crate::words;

/// The place of an event in its stream; the first has 1.
pub type Offset = i64;

/// A durable event. It holds no content: what it is about is rendered anew whenever it is told.
#[derive(Debug, Clone)]
pub struct News {
    /// Where it goes.
    pub channel: Channel,
    /// What happened, as `message.created`.
    pub kind: &'static str,
    /// What it is about.
    pub object_id: Option<Uuid>,
    /// Who did it. Readers between whom and the actor there is a block are not told where the topic
    /// says so.
    pub actor: Option<UserId>,
    /// Small facts that cannot be looked up later, never content; null mostly. A member `removed`
    /// with somebody's id ends their subscription: nothing that comes after this event reaches them.
    pub detail: Value,
}

words! {
    /// What may happen to a frame that a slow reader has no room for.
    pub enum Class {
        /// It is kept, or the connection ends, so that its client resumes from where it was.
        Durable = "durable",
        /// Only the latest for its key counts.
        State = "state",
        /// It may be dropped.
        Ephemeral = "ephemeral",
    }
}

/// Something that is told and not kept.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Where it goes.
    pub channel: Channel,
    /// What it says, as `typing.started`.
    pub kind: &'static str,
    /// [`Class::State`] or [`Class::Ephemeral`].
    pub class: Class,
    /// Of which thing a state is the latest; `None` is the channel itself.
    pub key: Option<String>,
    /// Who did it.
    pub actor: Option<UserId>,
    /// What is sent.
    pub d: Value,
}

impl Signal {
    /// A state of a channel, of which the latest counts.
    pub fn state(channel: Channel, kind: &'static str, d: Value) -> Self {
        Self {
            channel,
            kind,
            class: Class::State,
            key: None,
            actor: None,
            d,
        }
    }

    /// The same of one thing in the channel: only another state of that one takes its place.
    #[must_use]
    pub fn keyed(mut self, key: &impl ToString) -> Self {
        self.key = Some(key.to_string());
        self
    }

    /// The same, brought about by somebody.
    #[must_use]
    pub fn by(mut self, actor: UserId) -> Self {
        self.actor = Some(actor);
        self
    }
}

/// An event as it is stored, for those who render it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Where it goes.
    pub channel: Channel,
    /// Its place.
    pub offset: Offset,
    /// What happened.
    pub kind: String,
    /// What it is about.
    pub object_id: Option<Uuid>,
    /// Who did it.
    pub actor: Option<UserId>,
    /// Small facts.
    pub detail: Value,
    /// The `op_id` of the write, for the actor's own devices.
    pub op_id: Option<String>,
    /// When.
    pub at: Timestamp,
}
