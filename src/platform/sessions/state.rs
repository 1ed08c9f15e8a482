//! Whether an account may be used.

use crate::kernel::Timestamp;
use crate::words;

words! {
    /// How an account stands.
    pub enum AccountState {
        /// Its person takes part.
        Active = "active",
        /// Its person is signed out, and cannot sign in until the suspension is over.
        Suspended = "suspended",
        /// Its person has left for good.
        Deleted = "deleted",
    }
}

impl AccountState {
    /// Whether it is suspended now. A suspension is over at its end, whether or not the job that lifts it has
    /// come by.
    pub fn is_suspended(self, until: Option<Timestamp>, now: Timestamp) -> bool {
        self == Self::Suspended && until.is_none_or(|until| now < until)
    }
}
