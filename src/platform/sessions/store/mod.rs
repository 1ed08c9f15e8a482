//! All SQL of sessions.

mod refresh_tokens;
mod sessions;

pub use refresh_tokens::*;
pub use sessions::*;
