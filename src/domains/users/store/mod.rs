//! All SQL of people.

mod accounts;
mod counters;
mod settings;
mod usernames;

use super::model::{Digest, FriendListAudience, MessagePolicy, RequestPolicy, SimpleAudience};
use crate::stored_words;

pub use accounts::*;
pub use counters::*;
pub use settings::*;
pub use usernames::*;

stored_words!(
    Digest,
    FriendListAudience,
    MessagePolicy,
    RequestPolicy,
    SimpleAudience
);
