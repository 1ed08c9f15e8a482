//! What is kept ready of a person's notifications.

use serde::{Deserialize, Serialize};

use super::{Group, Preferences};
use crate::kernel::Timestamp;

/// Groups that are kept ready.
pub const HOT: usize = 100;

/// The newest groups of a person, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hot {
    /// The groups.
    pub groups: Vec<Group>,
    /// Whether there are no others.
    pub is_whole: bool,
}

/// What a person has looked at, and what they want.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Everything up to here was seen in the list.
    pub seen_up_to: Option<Timestamp>,
    /// Everything up to here was read.
    pub read_up_to: Option<Timestamp>,
    /// Which kinds go which way.
    pub preferences: Preferences,
}
