//! For operators and the curious: health, the documentation and what this instance offers.

mod docs;
mod health;

pub use docs::{configure as configure_docs, ServedDocument};
pub use health::{Health, configure as configure_health};
