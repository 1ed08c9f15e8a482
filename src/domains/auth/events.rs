//! News of sign-in.

use serde::{Deserialize, Serialize};

use crate::infra::outbox::Event;
use crate::kernel::{Timestamp, UserId};

/// Somebody has opened a session. It is only mentioned at once, and never in the outbox.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CameIn(pub UserId);

/// Somebody has deleted their account.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct AccountDeleted {
    /// Who.
    pub user_id: UserId,
}

/// Somebody has a new password, and all other sessions have ended.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct PasswordReplaced {
    /// Who.
    pub user_id: UserId,
    /// When.
    pub at: Timestamp,
}

impl Event for CameIn {
    const NAME: &'static str = "auth.came-in";
}

impl Event for PasswordReplaced {
    const NAME: &'static str = "account.password-replaced";
}

impl Event for AccountDeleted {
    const NAME: &'static str = "account.deleted";
}
