//! For operators and the curious: health, the documentation and what this instance offers.

pub mod accounts;
mod announcements;
mod cache;
mod deliveries;
mod docs;
mod health;
mod limits;
mod jobs;
mod meta;
mod realtime;
mod stats;
mod warming;

pub use accounts::configure as configure_accounts;
pub use announcements::{
    Announcement, AnnouncementText, LIVE, announce, configure as configure_announcements,
};
pub use cache::configure as configure_cache;
pub use deliveries::configure as configure_deliveries;
pub use docs::{ServedDocument, configure as configure_docs};
pub use health::{Health, configure as configure_health};
pub use jobs::{JobKinds, configure as configure_jobs};
pub use limits::configure as configure_limits;
pub use meta::configure as configure_meta;
pub use realtime::configure as configure_realtime;
pub use stats::{SPACES, STATS, Stats, configure as configure_stats, load_stats};
pub use warming::{WarmCategory, WarmOutcome, WarmReport, Warmer, configure as configure_warming};
