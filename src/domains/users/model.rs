//! Names, texts and choices of a person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::kernel::UserId;
use crate::kernel::text::Refusal;
use crate::{text_type, words};

/// Days that a former username leads to its person and is nobody else's.
pub const FORMER_USERNAME_DAYS: i64 = 90;
/// Most bytes of a frontend's own settings.
pub const MAX_CLIENT_BYTES: usize = 16 * 1024;

/// Names that would be taken for a route or for the staff.
const RESERVED: &[&str] = &[
    "admin",
    "administrator",
    "api",
    "deleted",
    "help",
    "kith",
    "me",
    "moderator",
    "null",
    "root",
    "security",
    "support",
    "system",
    "undefined",
];

/// The name in `@mentions` and addresses: 3 to 30 of `a-z 0-9 _ .`, the last of them no full stop, kept in
/// lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 3, max_length = 30, pattern = "^[a-zA-Z0-9_.]{2,29}[a-zA-Z0-9_]$", example = "alice")]
pub struct Username(String);

impl Username {
    /// Checks characters, length, the end and reserved words; upper case is folded. Names from before that
    /// rule may end in a full stop.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let folded = text.to_ascii_lowercase();
        let length = folded.chars().count();
        if !(3..=30).contains(&length) {
            let code = if length < 3 { "too_short" } else { "too_long" };
            return Err(Refusal::new(code, "A username has 3 to 30 characters."));
        }
        if !folded.chars().all(is_allowed) {
            return Err(Refusal::new(
                "forbidden_character",
                "A username consists of letters a to z, digits, '_' and '.'.",
            ));
        }
        if folded.ends_with('.') {
            return Err(Refusal::new(
                "ends_in_a_full_stop",
                "A username does not end in a full stop: nobody could mention it, since that ends a sentence.",
            ));
        }
        if RESERVED.contains(&folded.as_str()) {
            return Err(Refusal::new(
                "reserved",
                "This username is reserved. Choose another.",
            ));
        }
        Ok(Self(folded))
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.')
}

/// Whether somebody can have this username; reserved ones count, because the staff may have them.
pub fn may_be_username(name: &str) -> bool {
    (3..=30).contains(&name.len()) && name.chars().all(is_allowed)
}

/// The username that `rest` calls, if it begins with `@name`, in lower case. A dot at the end of a
/// name belongs to the sentence. `before` is what stands before it.
pub fn mention(before: Option<char>, rest: &[char]) -> Option<String> {
    // `a@example.org` is no mention, and neither is `@@name`.
    let is_inside = before.is_some_and(|c| c.is_alphanumeric() || "_.@/".contains(c));
    let (first, rest) = rest.split_first()?;
    if *first != '@' || is_inside {
        return None;
    }
    let name = rest.iter().map(char::to_ascii_lowercase);
    let name: String = name.take_while(|c| is_allowed(*c)).collect();
    let name = name.trim_end_matches('.');
    may_be_username(name).then(|| name.to_owned())
}

impl TryFrom<String> for Username {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}

text_type!(
    /// The name that people read.
    DisplayName, 1..=80, single
);
text_type!(
    /// What a person says of themselves.
    Bio, 0..=500, multiline
);
text_type!(
    /// Where a person says they are.
    Location, 0..=100, single
);
text_type!(
    /// A language tag, such as `en` or `pt-BR`.
    Language, 2..=35, single
);
text_type!(
    /// A time zone of the IANA database, such as `Europe/Prague`.
    TimeZone, 1..=64, single
);

/// An address on the web: `http` or `https` only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, max_length = 300, pattern = "^[hH][tT][tT][pP][sS]?://[^/]", example = "https://example.org")]
pub struct Website(String);

impl Website {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Website {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        crate::kernel::text::check(&text, 1, 300, false)?;
        let lower = text.to_ascii_lowercase();
        let host = lower
            .strip_prefix("https://")
            .or_else(|| lower.strip_prefix("http://"));
        let authority = |host: &str| host.split(['/', '?', '#']).next().map(str::to_owned);
        match host.and_then(authority) {
            Some(host) if !host.is_empty() && !host.contains(['@', ' ']) => Ok(Self(text)),
            _ => Err(Refusal::new(
                "not_a_link",
                "A website begins with http:// or https:// and a host, without a user or spaces.",
            )),
        }
    }
}

impl From<Website> for String {
    fn from(website: Website) -> Self {
        website.0
    }
}

words! {
    /// Whom posts are for when nothing else is said.
    pub enum SimpleAudience {
        /// Everybody.
        Public = "public",
        /// Friends.
        Friends = "friends",
        /// Nobody else.
        OnlyMe = "only_me",
    }
}
words! {
    /// Who may ask for friendship.
    pub enum RequestPolicy {
        /// Everybody.
        Everyone = "everyone",
        /// Friends of friends.
        FriendsOfFriends = "friends_of_friends",
        /// Nobody.
        Nobody = "nobody",
    }
}
words! {
    /// Who may write a message without being asked.
    pub enum MessagePolicy {
        /// Everybody.
        Everyone = "everyone",
        /// Friends.
        Friends = "friends",
        /// Nobody.
        Nobody = "nobody",
    }
}
words! {
    /// Who may see the list and the number of friends.
    pub enum FriendListAudience {
        /// Everybody.
        Public = "public",
        /// Friends.
        Friends = "friends",
        /// Nobody else.
        OnlyMe = "only_me",
    }
}
words! {
    /// How often a summary comes by mail.
    pub enum Digest {
        /// Never.
        Off = "off",
        /// Every day.
        Daily = "daily",
        /// Every week.
        Weekly = "weekly",
    }
}

/// What is needed to make an account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its id.
    pub user_id: UserId,
    /// Its name in addresses.
    pub username: Username,
    /// The name that people read.
    pub display_name: DisplayName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_is_folded_and_checked() {
        assert_eq!(
            Username::parse("Alice.B_1").expect("valid").as_str(),
            "alice.b_1"
        );
        for (bad, code) in [
            ("al", "too_short"),
            ("a b c", "forbidden_character"),
            ("аlice", "forbidden_character"),
            ("alice.", "ends_in_a_full_stop"),
            ("admin", "reserved"),
        ] {
            assert_eq!(Username::parse(bad).map_err(|r| r.code), Err(code), "{bad}");
        }
    }

    #[test]
    fn a_website_is_http_or_https() {
        let parse = |text: &str| Website::try_from(text.to_owned());
        assert!(parse("https://example.org/a").is_ok());
        for bad in [
            "javascript:alert(1)",
            "ftp://x",
            "https://",
            "https:///path",
            "https://a b.example.org",
            "https://me:word@example.org/",
            "example.org",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
