//! Names, addresses and secrets that people sign in with.

mod password;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::text::Refusal;
use crate::{text_type, words};

pub use password::{ClaimedPassword, MAX_PASSWORD, MIN_PASSWORD, Password};

/// Most bytes of an e-mail address (RFC 5321).
const MAX_EMAIL: usize = 254;

text_type!(
    /// A username or an e-mail address, as somebody signs in with.
    Login, 1..=254, single
);
text_type!(
    /// What a person calls the device.
    DeviceName, 1..=100, single
);

/// An e-mail address. Its domain is kept in lower case; two addresses that differ only in case are
/// the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = Email, max_length = 254, example = "alice@example.org")]
pub struct Email(String);

impl Email {
    /// Checks the form of an address. Whether it exists only a mail can tell.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_EMAIL {
            let detail = format!("An e-mail address has at most {MAX_EMAIL} bytes.");
            return Err(Refusal::new("too_long", detail));
        }
        let options = Options {
            minimum_sub_domains: 2,
            allow_domain_literal: false,
            allow_display_text: false,
        };
        let refused = |_form| {
            Refusal::new(
                "not_an_email",
                "This is no e-mail address. One looks like name@example.org.",
            )
        };
        let address = EmailAddress::parse_with_options(text, options).map_err(refused)?;
        let (local, domain) = (address.local_part(), address.domain().to_lowercase());
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

words! {
    /// What a link in a mail is for.
    pub enum Purpose {
        /// Shows that the address is theirs.
        VerifyEmail = "verify_email",
        /// Sets a new password.
        ResetPassword = "reset_password",
        /// Makes the address that it is mailed to that of the account.
        ChangeEmail = "change_email",
    }
}

impl Purpose {
    /// Hours that a link is good for.
    pub fn hours(self) -> i64 {
        match self {
            Self::VerifyEmail | Self::ChangeEmail => 24,
            Self::ResetPassword => 1,
        }
    }
}

words! {
    /// What a line of the security log tells.
    pub enum EventKind {
        /// The account was made.
        Registered = "registered",
        /// A session was opened with the password.
        SignedIn = "signed_in",
        /// A wrong password was given.
        SignInFailed = "sign_in_failed",
        /// A session was ended by itself.
        SignedOut = "signed_out",
        /// A refresh token was used twice; its session was ended.
        RefreshReused = "refresh_reused",
        /// The password was confirmed.
        Reauthenticated = "reauthenticated",
        /// A signed-in client gave a wrong password.
        ConfirmationFailed = "confirmation_failed",
        /// The password was changed by somebody who knew it.
        PasswordChanged = "password_changed",
        /// The password was set by a link in a mail.
        PasswordReset = "password_reset",
        /// The e-mail address was confirmed.
        EmailVerified = "email_verified",
        /// A link was mailed to another e-mail address.
        EmailChangeRequested = "email_change_requested",
        /// That link was followed: the account has that address now.
        EmailChanged = "email_changed",
        /// A session was ended from another one.
        SessionRevoked = "session_revoked",
        /// All sessions, or all others, were ended.
        SessionsRevoked = "sessions_revoked",
        /// The account was deleted.
        AccountDeleted = "account_deleted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_local_part_and_folds_its_domain() {
        let parsed = Email::parse("Ada.L@Example.ORG").expect("valid");
        assert_eq!(parsed.as_str(), "Ada.L@example.org");
        let long = format!("{}@example.org", "a".repeat(250));
        for bad in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "ada@[127.0.0.1]",
            "Ada <ada@example.org>",
            "ada@example.org\r\nBcc: eve@example.org",
            " ada@example.org",
            &long,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }
}
