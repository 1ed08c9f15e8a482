//! Whom a limit counts.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::infra::ratelimit::{Check, Keyed, Policy};
use crate::kernel::UserId;

/// Somebody, somewhere, or a name. Written as `user:ID`, `address:ADDRESS` or `account:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Somebody who is signed in.
    User(UserId),
    /// An address.
    Address(IpAddr),
    /// The name or e-mail address that a request gives, whether or not there is such an account.
    Account(String),
}

impl Subject {
    /// Whoever is signed in, else where the request comes from.
    pub fn caller(user_id: Option<UserId>, address: IpAddr) -> Self {
        user_id.map_or(Self::Address(address), Self::User)
    }

    /// Has `policy` count this one.
    pub fn check(&self, policy: &'static Policy) -> Check {
        Check {
            policy,
            key: self.key(),
        }
    }

    /// The same for whoever names a policy and somebody by hand: not every policy counts everybody.
    pub fn check_counted(&self, policy: &'static Policy) -> Result<Check, NotCounted> {
        let is_counted = match policy.keyed {
            Keyed::Caller => matches!(self, Self::User(_) | Self::Address(_)),
            Keyed::Address => matches!(self, Self::Address(_)),
            Keyed::Account => matches!(self, Self::Account(_)),
        };
        if is_counted {
            return Ok(self.check(policy));
        }
        Err(NotCounted(policy))
    }

    /// What it is counted under. The name of an account is kept as a hash: it may be an e-mail
    /// address, of any length.
    fn key(&self) -> String {
        match self {
            Self::User(user_id) => format!("user:{user_id}"),
            Self::Address(address) => format!("address:{}", network(*address)),
            Self::Account(name) => {
                let hash: [u8; 32] = Sha256::digest(name.to_lowercase()).into();
                let half = hash
                    .first_chunk()
                    .map_or(0, |half| u128::from_be_bytes(*half));
                format!("account:{half:032x}")
            }
        }
    }
}

/// Where an address counts: one customer of IPv6 has a /64 at least.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The text names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSubject;

impl fmt::Display for NoSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("give `user:ID`, `address:ADDRESS` or `account:NAME`")
    }
}

impl std::error::Error for NoSubject {}

/// The policy counts by something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotCounted(&'static Policy);

impl NotCounted {
    /// Whether whoever is signed in is counted, by id.
    pub fn is_by_id(self) -> bool {
        self.0.keyed == Keyed::Caller
    }
}

impl fmt::Display for NotCounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.0.keyed {
            Keyed::Caller => {
                "whoever is signed in by id, and others by address: give `user:ID` or `address:ADDRESS`"
            }
            Keyed::Address => "by address alone: give `address:ADDRESS`",
            Keyed::Account => "by the login as it was typed: give `account:NAME`",
        };
        write!(f, "{} counts {by}", self.0.name)
    }
}

impl std::error::Error for NotCounted {}

impl FromStr for Subject {
    type Err = NoSubject;

    fn from_str(text: &str) -> Result<Self, NoSubject> {
        let subject = match text.split_once(':') {
            Some(("user", id)) => id.parse().ok().map(Self::User),
            Some(("address", address)) => address.parse().ok().map(Self::Address),
            Some(("account", name)) if !name.is_empty() => Some(Self::Account(name.to_owned())),
            _ => None,
        };
        subject.ok_or(NoSubject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        text.parse::<Subject>().expect("a subject").key()
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        assert_eq!(
            key("address:2001:db8:1:2:3:4:5:6"),
            "address:2001:db8:1:2::"
        );
        assert_eq!(key("address:::ffff:192.0.2.1"), "address:192.0.2.1");
    }

    #[test]
    fn a_name_is_counted_whatever_its_case_and_is_not_told() {
        assert_eq!(
            key("account:Ada@Example.org"),
            key("account:ada@example.org")
        );
        assert!(!key("account:ada").contains("ada"));
        assert_eq!(
            key("account:a").len(),
            key(&format!("account:{}", "a".repeat(254))).len()
        );
    }

    #[test]
    fn whom_a_policy_does_not_count_is_refused_with_what_to_give() {
        use super::super::policies::{POST, SIGN_IN, SIGN_IN_ADDRESS};
        let user = "user:01938b2f-5a00-7000-8000-000000000001";
        for (policy, text, wanted) in [
            (&POST, "account:ada", Some("`user:ID` or `address:ADDRESS`")),
            (&POST, user, None),
            (&POST, "address:192.0.2.1", None),
            (&SIGN_IN, user, Some("`account:NAME`")),
            (&SIGN_IN, "account:ada", None),
            (&SIGN_IN_ADDRESS, "account:ada", Some("`address:ADDRESS`")),
            (&SIGN_IN_ADDRESS, "address:192.0.2.1", None),
        ] {
            let subject: Subject = text.parse().expect("a subject");
            let refused = subject.check_counted(policy).err();
            let said = refused.map(|refused| refused.to_string());
            assert_eq!(said.is_some(), wanted.is_some(), "{text}: {said:?}");
            let fits = said.is_none_or(|said| said.ends_with(wanted.unwrap_or_default()));
            assert!(fits, "{} {text}", policy.name);
        }
    }

    #[test]
    fn nonsense_names_nobody() {
        for text in [
            "",
            "ada",
            "user:ada",
            "address:here",
            "account:",
            "circle:1",
        ] {
            assert_eq!(text.parse::<Subject>(), Err(NoSubject), "{text}");
        }
    }
}
