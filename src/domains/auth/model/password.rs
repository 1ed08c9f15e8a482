//! Passwords: new ones, and those that somebody claims to be theirs.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;
use zxcvbn::{Score, zxcvbn};

use crate::kernel::text::Refusal;

/// Fewest characters (code points) of a password.
pub const MIN_PASSWORD: usize = 8;
/// Most characters (code points) of a password.
pub const MAX_PASSWORD: usize = 256;

/// A new password: 8 to 256 characters, any of them. It is kept byte for byte, shown to no log, and
/// wiped from memory.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
pub struct Password(SecretString);

impl Password {
    /// Checks the length alone. What clients send has to be hard to guess as well.
    pub fn parse(text: String) -> Result<Self, Refusal> {
        let length = text.chars().count();
        if length < MIN_PASSWORD {
            let detail =
                format!("A password has at least {MIN_PASSWORD} characters; 15 are better.");
            return Err(Refusal::new("too_short", detail));
        }
        if length > MAX_PASSWORD {
            let detail = format!("A password has at most {MAX_PASSWORD} characters.");
            return Err(Refusal::new("too_long", detail));
        }
        Ok(Self(text.into()))
    }

    /// Refuses a password that is easy to guess by somebody who knows `context`: names, addresses. It takes
    /// milliseconds, so it is no part of reading one.
    pub fn check_strength(&self, context: &[&str]) -> Result<(), Refusal> {
        let words: Vec<&str> = context
            .iter()
            .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()).chain([*text]))
            .filter(|word| !word.is_empty())
            .chain(["kith"])
            .collect();
        let strength = zxcvbn(&judged(self.expose()), &words);
        if strength.score() > Score::One {
            return Ok(());
        }
        Err(Refusal::new(
            "too_weak",
            "This password is easy to guess. Put together several unrelated words, or let a \
             password manager make one; leave out names, dates and addresses.",
        ))
    }

    /// The password itself.
    pub(in crate::domains::auth) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<String> for Password {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(text)
    }
}

/// Characters whose strength is judged: what comes after them makes no password weaker.
const JUDGED: usize = 32;
/// Signs that are read as letters. Each may stand for several, and every combination of those that a
/// password holds is tried.
const SIGNS: &str = "@({[<!|$+%>";
/// So many different ones are left to that; more of them are a sign like any other.
const MOST_SIGNS: usize = 3;

/// What of a password is judged, so that judging takes no longer for one that was made to take long.
fn judged(password: &str) -> String {
    let mut signs = Vec::new();
    let tame = |c: char| {
        if !SIGNS.contains(c) || signs.contains(&c) {
            return c;
        }
        if signs.len() == MOST_SIGNS {
            return '~';
        }
        signs.push(c);
        c
    };
    password.chars().take(JUDGED).map(tame).collect()
}

/// A password that somebody claims to be theirs: bounded, so that it can be hashed, and otherwise
/// whatever it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = Password, max_length = 256)]
pub struct ClaimedPassword(SecretString);

impl ClaimedPassword {
    /// The password itself.
    pub(in crate::domains::auth) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl TryFrom<String> for ClaimedPassword {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() > MAX_PASSWORD {
            let detail = format!("A password has at most {MAX_PASSWORD} characters.");
            return Err(Refusal::new("too_long", detail));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<&'static str> {
        Password::parse(text.to_owned())
            .and_then(|password| password.check_strength(&[]))
            .err()
            .map(|refusal| refusal.code)
    }

    #[test]
    fn what_is_judged_of_a_password_is_bounded() {
        let signs = "4@8({[<3691!|70$5+%2>".repeat(5);
        assert_eq!(judged(&signs), "4@8({~~3691~~70~5~~2~4@8({~~3691");
        assert_eq!(judged("p@$$w0rd!"), "p@$$w0rd!");
    }

    #[test]
    fn a_password_is_bounded_in_code_points_and_hard_to_guess() {
        assert_eq!(code("correct horse battery staple"), None);
        assert_eq!(code(&"žluťoučký kůň ".repeat(18)), None);
        assert_eq!(code("åäö"), Some("too_short"));
        assert_eq!(code(&"ab3".repeat(90)), Some("too_long"));
        for weak in ["password", "12345678", "qwertyuiop", "aaaaaaaaaaaa"] {
            assert_eq!(code(weak), Some("too_weak"), "{weak}");
        }
    }

    #[test]
    fn a_password_made_of_ones_own_names_is_weak() {
        let password = Password::parse("zebulonka7".to_owned()).expect("long enough");
        assert!(password.check_strength(&[]).is_ok());
        let context = ["zebulonka", "byron@example.org"];
        assert_eq!(
            password.check_strength(&context).map_err(|r| r.code),
            Err("too_weak")
        );
    }

    #[test]
    fn no_secret_is_shown() {
        let password = Password::parse("correct horse battery".to_owned()).expect("valid");
        let claimed = ClaimedPassword::try_from("correct horse battery".to_owned());
        let shown = format!("{password:?} {claimed:?}");
        assert!(!shown.contains("horse"), "{shown}");
    }
}
