//! What an account may do beyond its own affairs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A role, each including the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everybody.
    User,
    /// May act on reports.
    Moderator,
    /// May do everything.
    Admin,
}

impl Role {
    /// The role's name in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }

    /// Names of what the role may do, for clients that show or hide controls.
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::User => &[],
            Self::Moderator => &["moderate"],
            Self::Admin => &["moderate", "administer"],
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::User, Self::Moderator, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no role: use user, moderator or admin"))
    }
}
