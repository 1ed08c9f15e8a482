//! What reactions tell the domains to their right.

use uuid::Uuid;

use super::model::{Target, TargetKind};
use crate::infra::outbox::events;
use crate::kernel::UserId;

events! {
    /// Somebody's reaction to something is there, gone, or another one. Which one it is by now is looked
    /// up by whoever wants to know.
    ReactionChanged {
        /// The sort of what was reacted to.
        pub target_kind: TargetKind,
        /// Its id.
        pub target_id: Uuid,
        /// Who reacted.
        pub user_id: UserId,
        /// Whether they had reacted before.
        pub was_there: bool,
        /// Whether they react now.
        pub is_there: bool,
    } = "reaction.changed",
}

impl ReactionChanged {
    /// What was reacted to.
    pub fn target(&self) -> Target {
        Target {
            kind: self.target_kind,
            id: self.target_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_of_an_earlier_version_are_read() {
        for (word, kind) in [("Post", TargetKind::Post), ("post", TargetKind::Post)] {
            let told = json!({
                "target_kind": word, "target_id": Uuid::nil(), "user_id": Uuid::nil(),
                "was_there": false, "is_there": true,
            });
            let event: ReactionChanged = serde_json::from_value(told).expect("an event");
            assert_eq!(event.target_kind, kind);
        }
    }
}
