//! What is kept of feeds in Redis, and what of it is cached.

mod build;
mod pending;
mod push;
mod reply;
mod timeline;

use std::time::Duration;

use smallvec::smallvec;

use super::store;
use crate::infra::cache::{Described, Kind, Only, Policy, Space};
use crate::kernel::UserId;

pub use build::{build, build_behind};
pub use pending::PendingReply;
pub use push::Push;
pub use reply::TimelineReply;
pub use timeline::{SCRIPTS, TimelineCache};

/// The spaces of this domain.
pub const SPACES: &[Described] = &[PULLED.described()];

/// The tag of the list of those authors.
pub const ALL_PULLED: &str = "feed-pulled:all";

/// Authors whose posts are pulled, in order of id.
pub static PULLED: Space<Only, Vec<UserId>> = Space {
    name: "feed-pulled",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_hours(1)).deciding(),
    tags: |_only| smallvec![ALL_PULLED.to_owned()],
    tables: &["feed_pulled"],
    load: |conn, _only| Box::pin(async move { Ok(vec![(Only, store::list_pulled(conn).await?)]) }),
    walk: Some(|_conn, after, _limit| {
        Box::pin(async move {
            Ok(if after.is_none() {
                vec![Only]
            } else {
                Vec::new()
            })
        })
    }),
};
