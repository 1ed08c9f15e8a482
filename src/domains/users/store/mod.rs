//! All SQL of people.

mod accounts;
mod counters;
mod settings;

use super::model::{Digest, FriendListAudience, MessagePolicy, RequestPolicy, SimpleAudience};
use crate::stored_words;

pub use accounts::*;
pub use counters::*;
pub use settings::*;

stored_words!(
    Digest,
    FriendListAudience,
    MessagePolicy,
    RequestPolicy,
    SimpleAudience
);
