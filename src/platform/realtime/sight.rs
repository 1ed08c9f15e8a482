//! What a person is spared of what others do, and whether others see that they are there: from their
//! relations and their settings.

use std::collections::HashSet;
use std::sync::Arc;

use super::Topic;
use super::frame::Frame;
use super::hub::Hub;
use crate::kernel::{Result, UserId};
use crate::platform::Ctx;

/// What a person sees of others, and others of them.
#[derive(Debug, Default)]
pub struct Sight {
    /// Those between whom and this person there is a block, either way.
    pub hidden: HashSet<UserId>,
    /// Kinds of events that their settings spare them when others do them.
    pub unwanted: &'static [&'static str],
    /// Whether others see that they are there; it works both ways.
    pub shows_presence: bool,
    /// The gateway gives it: whoever began to look later has a higher one, and knows as much at least.
    pub number: u64,
}

/// Looks what a person sees of others.
pub(super) async fn look(ctx: &Ctx, hub: &Hub, user_id: UserId) -> Result<Arc<Sight>> {
    // Before it is read: what is voided while it is has somebody look after that.
    let number = hub.next_number();
    let sight = (hub.0.options.hooks.sight)(ctx.clone(), user_id).await?;
    Ok(Arc::new(Sight { number, ..sight }))
}

impl Sight {
    /// Whether the same is seen.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let parts = |of: &Self| (of.unwanted, of.shows_presence);
        parts(self) == parts(other) && self.hidden == other.hidden
    }

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

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::platform::realtime::conn::{Conn, Transport};

    #[test]
    fn whoever_began_to_look_earlier_does_not_undo_what_was_seen_since() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let conn = Conn::new(1, Transport::Socket, address, None, 1);
        let seen = |number, shows_presence| {
            let hidden = HashSet::new();
            Arc::new(Sight {
                hidden,
                unwanted: &[],
                shows_presence,
                number,
            })
        };
        assert!(conn.set_sight(&seen(2, true)));
        assert!(!conn.set_sight(&seen(1, false)), "a late answer");
        assert!(conn.sight().shows_presence);
        assert!(!conn.set_sight(&seen(3, true)), "as before");
        assert!(conn.set_sight(&seen(4, false)));
        assert!(!conn.sight().shows_presence);
    }
}
