//! What is cached of reactions.

use std::time::Duration;

use smallvec::smallvec;
use uuid::Uuid;

use super::model::{Kind, Summary, Target, TargetKind};
use super::store;
use crate::domains::users;
use crate::infra::cache::{self, Described, Key, KeyBytes, Policy, Space, Value};
use crate::kernel::UserId;
use crate::kernel::kept::{Head, Newest};

/// The spaces of this domain.
pub const SPACES: &[Described] = &[
    SUMMARY.described(),
    OWN_REACTIONS.described(),
    REACTORS.described(),
];

/// How many people reacted to a target in which way; nought everywhere is an entry too.
pub static SUMMARY: Space<Target, Summary> = Space {
    name: "reaction-summary",
    version: 1,
    kind: cache::Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)).popular(),
    tags: |target| smallvec![format!("reaction-summary:{}", target.id)],
    tables: &["reaction_summary"],
    load: |conn, targets| Box::pin(store::list_summaries(conn, targets)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_targets(conn, after, limit))),
};

/// A person's own reactions to the newest things that they reacted to, of any kind.
pub static OWN_REACTIONS: Space<UserId, Newest<(TargetKind, Kind)>> = Space {
    name: "own-reactions",
    version: 1,
    kind: cache::Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)),
    tags: |user_id| smallvec![format!("marks:{user_id}")],
    tables: &["reaction"],
    load: |conn, ids| Box::pin(store::list_newest_own(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(users::walk_accounts(conn, after, limit))),
};

/// Who reacted last to a target, and how, whoever asks.
pub static REACTORS: Space<Target, Head<(UserId, Kind)>> = Space {
    name: "reactors",
    version: 1,
    kind: cache::Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(10)),
    tags: |target| smallvec![format!("reactions:{}", target.id)],
    tables: &["reaction"],
    load: |conn, targets| Box::pin(store::list_heads(conn, targets)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_targets(conn, after, limit))),
};

impl Key for Target {
    fn bytes(&self) -> KeyBytes {
        let mut bytes = KeyBytes::from_slice(self.id.as_bytes());
        bytes.extend_from_slice(self.kind.as_str().as_bytes());
        bytes
    }
    fn write(&self, out: &mut String) {
        out.push_str(self.kind.as_str());
        out.push(':');
        out.push_str(&self.id.to_string());
    }
    fn example() -> Option<Self> {
        let (kind, id) = (TargetKind::Post, Uuid::nil());
        Some(Self { kind, id })
    }
}

impl Value for Summary {}

impl Value for Newest<(TargetKind, Kind)> {
    fn weight(&self) -> usize {
        self.len() * size_of::<(Uuid, TargetKind, Kind)>() + size_of::<Self>()
    }
}

impl Value for Head<(UserId, Kind)> {
    fn weight(&self) -> usize {
        self.rows().len() * 64 + size_of::<Self>()
    }
}
