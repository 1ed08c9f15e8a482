//! Which kinds of notification a person wants, and on which way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::words;

words! {
    /// A way on which a notification reaches its person.
    #[schema(as = NotificationChannel)]
    pub enum Channel {
        /// The list in the application, its counts and live events.
        InApp = "in_app",
        /// Mail.
        Email = "email",
        /// Devices that have subscribed to push.
        Push = "push",
    }
}

/// One choice of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preference {
    /// Of which kind.
    pub kind: Kind,
    /// On which way.
    pub channel: Channel,
    /// Whether it is wanted.
    pub is_on: bool,
}

/// What a person wants: their choices, and what holds where they made none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences(pub Vec<Preference>);

impl Preferences {
    /// Whether notifications of this kind may go that way.
    pub fn wants(&self, kind: Kind, channel: Channel) -> bool {
        let chosen = self
            .0
            .iter()
            .find(|choice| choice.kind == kind && choice.channel == channel);
        chosen.map_or_else(|| is_on_by_default(kind, channel), |choice| choice.is_on)
    }

    /// The whole table, kind by kind.
    pub fn table(&self) -> BTreeMap<Kind, BTreeMap<Channel, bool>> {
        let row = |kind: Kind| {
            let cells = Channel::ALL.iter().copied();
            cells
                .map(|channel| (channel, self.wants(kind, channel)))
                .collect()
        };
        Kind::ALL.iter().map(|kind| (*kind, row(*kind))).collect()
    }
}

fn is_on_by_default(kind: Kind, channel: Channel) -> bool {
    match channel {
        Channel::InApp | Channel::Push => true,
        Channel::Email => kind.is_mailed_by_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_counts_before_what_holds_by_default() {
        let mut wanted = Preferences::default();
        assert!(wanted.wants(Kind::Comment, Channel::Push));
        assert!(!wanted.wants(Kind::Comment, Channel::Email));
        assert!(wanted.wants(Kind::FriendRequest, Channel::Email));
        wanted.0.push(Preference {
            kind: Kind::Comment,
            channel: Channel::Push,
            is_on: false,
        });
        assert!(!wanted.wants(Kind::Comment, Channel::Push));
        assert!(wanted.wants(Kind::Comment, Channel::InApp));
        assert_eq!(wanted.table().len(), Kind::ALL.len());
        assert!(!wanted.table()[&Kind::Comment][&Channel::Push]);
    }
}
