//! What an account may do beyond its own affairs.

use crate::words;

words! {
    /// A role, each including the ones before it.
    pub enum Role {
        /// Everybody.
        User = "user",
        /// May act on reports.
        Moderator = "moderator",
        /// May do everything.
        Admin = "admin",
    }
}

impl Role {
    /// Names of what the role may do, for clients that show or hide controls.
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::User => &[],
            Self::Moderator => &["moderate"],
            Self::Admin => &["moderate", "administer"],
        }
    }
}
