//! News of sign-in.

use crate::infra::outbox::events;
use crate::kernel::{Timestamp, UserId};

events! {
    /// Somebody has opened a session. It is only mentioned at once, and never in the outbox.
    CameIn(UserId) = "auth.came-in",
    /// Somebody has a new password, and all other sessions have ended.
    PasswordReplaced {
        /// Who.
        pub user_id: UserId,
        /// When.
        pub at: Timestamp,
    } = "account.password-replaced",
    /// Somebody has deleted their account.
    AccountDeleted {
        /// Who.
        pub user_id: UserId,
    } = "account.deleted",
}
