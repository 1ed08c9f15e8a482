//! All SQL of sessions.

mod refresh_tokens;
mod sessions;

use super::{AccountState, Role};
use crate::stored_words;

pub use refresh_tokens::*;
pub use sessions::*;

stored_words!(AccountState, Role);
