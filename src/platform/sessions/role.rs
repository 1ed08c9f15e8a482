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

words! {
    /// What a role may do, for clients that show or hide controls.
    pub enum Permission {
        /// Act on reports. There are none yet: nothing asks for it.
        Moderate = "moderate",
        /// Call what is for administrators.
        Administer = "administer",
    }
}

impl Role {
    /// What the role may do.
    pub fn permissions(self) -> &'static [Permission] {
        match self {
            Self::User => &[],
            Self::Moderator => &[Permission::Moderate],
            Self::Admin => &[Permission::Moderate, Permission::Administer],
        }
    }
}
