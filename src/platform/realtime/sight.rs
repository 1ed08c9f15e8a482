//! What a person is spared of what others do, and whether others see that they are there: from their
//! relations and their settings.

use std::collections::HashSet;

use super::Topic;
use super::frame::Frame;
use crate::kernel::UserId;

/// What a person sees of others, and others of them.
#[derive(Debug, Default)]
pub struct Sight {
    /// Those between whom and this person there is a block, either way.
    pub hidden: HashSet<UserId>,
    /// Kinds of events that their settings spare them when others do them.
    pub unwanted: &'static [&'static str],
    /// Whether others see that they are there; it works both ways.
    pub shows_presence: bool,
}

impl Sight {
    /// Whether `reader`, whose sight this is, is spared an event of a channel of this topic.
    pub(super) fn spares(&self, topic: &Topic, frame: &Frame, reader: Option<UserId>) -> bool {
        let Some(actor) = frame.actor.filter(|actor| Some(*actor) != reader) else {
            return false;
        };
        let is_hidden = topic.skips_blocked && self.hidden.contains(&actor);
        is_hidden || self.unwanted.contains(&frame.kind.as_str())
    }
}

impl Topic {
    /// Whether any reader may be spared an event of a channel of this topic.
    pub(super) fn may_spare(&self, frame: &Frame) -> bool {
        let kind = frame.kind.as_str();
        frame.actor.is_some() && (self.skips_blocked || self.optional.contains(&kind))
    }
}
