//! What the domains tell live: one line a domain.

use crate::domains::messaging;
use crate::platform::realtime::{Hub, Live, Registry};

/// What each domain says.
const LIVE: &[&Live] = &[&messaging::LIVE];

/// The hub of a process.
pub(super) fn hub() -> Hub {
    Hub::new(Registry::new(LIVE.iter().copied()))
}
