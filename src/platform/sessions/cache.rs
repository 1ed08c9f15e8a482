//! What is cached of sessions.

use std::time::Duration;

use smallvec::smallvec;

use super::store::{self, Session};
use crate::infra::cache::{Described, Kind, Policy, Space, Value};
use crate::kernel::{SessionId, UserId};

/// The spaces of sessions.
pub const SPACES: &[Described] = &[SESSION.described()];

/// A session with what its person may do, as a request needs it. It is found by person and session
/// together, as tokens name both, so that what ends all sessions of a person ends its entry too.
pub static SESSION: Space<(UserId, SessionId), Session> = Space {
    name: "session",
    version: 2,
    kind: Kind::Exact,
    policy: Policy {
        negative: Duration::from_secs(10),
        ..Policy::lasting(Duration::from_hours(12)).deciding()
    },
    tags: |(user_id, session_id)| {
        smallvec![
            format!("session:{session_id}"),
            format!("user-sessions:{user_id}"),
        ]
    },
    tables: &["session", "account"],
    load: |conn, keys| Box::pin(store::list_callers(conn, keys)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_sessions(conn, after, limit))),
};

impl Value for Session {}
