//! The numbers, counted once an hour for everybody who asks.

use std::time::Duration;

use smallvec::smallvec;

use super::store::{Stats, load_stats};
use crate::infra::cache::{Described, Kind, Only, Policy, Space, Value};

/// The spaces of administration.
pub const SPACES: &[Described] = &[STATS.described()];

/// The numbers of the instance. Whoever asks is told when they were counted.
pub static STATS: Space<Only, Stats> = Space {
    name: "instance-stats",
    version: 1,
    kind: Kind::Timed,
    policy: Policy::lasting(Duration::from_hours(1)),
    tags: |_only| smallvec!["stats:instance".to_owned()],
    tables: &[],
    load: |conn, _only| Box::pin(async move { Ok(vec![(Only, load_stats(conn).await?)]) }),
    walk: None,
};

impl Value for Stats {}
