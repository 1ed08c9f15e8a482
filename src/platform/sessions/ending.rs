//! Why sessions end before their time.

use crate::words;

words! {
    /// Why a session was ended. It is written down for operators.
    pub enum EndReason {
        /// Its person signed out.
        SignedOut = "signed_out",
        /// Its person ended it from another one, or all of theirs.
        Revoked = "revoked",
        /// The same device signed in again.
        Replaced = "replaced",
        /// A refresh token of it was used twice.
        RefreshTokenReused = "refresh_token_reused",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// The password was set by a link in a mail.
        PasswordReset = "password_reset",
        /// The account was suspended.
        Suspended = "suspended",
        /// The account was deleted.
        AccountDeleted = "account_deleted",
        /// An operator ended it on the command line.
        Operator = "operator",
    }
}
