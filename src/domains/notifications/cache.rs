//! What is cached of notifications.

use std::time::Duration;

use smallvec::smallvec;

use super::model::{Group, Hot, Marks};
use super::store;
use crate::domains::users;
use crate::infra::cache::{Described, Kind, Policy, Space, Value};
use crate::kernel::UserId;

/// The spaces of this domain.
pub const SPACES: &[Described] = &[NOTIFICATIONS.described(), NOTIFICATION_MARKS.described()];

/// The last hundred groups of a person, whoever may see them: that is judged at each read.
pub static NOTIFICATIONS: Space<UserId, Hot> = Space {
    name: "notifications",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)),
    tags: |user_id| smallvec![format!("notifications:{user_id}")],
    tables: &["notification", "notification_item"],
    load: |conn, ids| Box::pin(store::list_hot(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(users::walk_accounts(conn, after, limit))),
};

/// How far a person has looked and what they want to know, which the counts are made of with the
/// entry of [`NOTIFICATIONS`]. The counts themselves are no entry: what a person may not see does
/// not count, and that follows from posts, comments and people, each with an entry of its own.
pub static NOTIFICATION_MARKS: Space<UserId, Marks> = Space {
    name: "notification-marks",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(10)),
    tags: |user_id| smallvec![format!("notification-marks:{user_id}")],
    tables: &["notification_marker", "notification_preference"],
    load: |conn, ids| Box::pin(store::list_marks(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(users::walk_accounts(conn, after, limit))),
};

impl Value for Hot {
    fn weight(&self) -> usize {
        let items: usize = self.groups.iter().map(|group| group.items.len()).sum();
        items * 40 + self.groups.len() * (size_of::<Group>() + 64) + size_of::<Self>()
    }
}

impl Value for Marks {}
