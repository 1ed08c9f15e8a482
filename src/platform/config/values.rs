//! The types of settings, and how their texts are read.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use lettre::{AsyncSmtpTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use super::network::{Network, NetworkError};
use super::problem::Fault;
use super::redact::without_password;
use crate::infra::redis;
use crate::kernel::UnknownWord;
use crate::words;

words! {
    /// The profile.
    pub enum Env {
        /// On a developer's machine: everything that can be made up is.
        Dev = "dev",
        /// In front of people: nothing is made up.
        Production = "production",
    }
}
words! {
    /// Who may register.
    pub enum Registration {
        /// Everyone.
        Open = "open",
        /// Those who were invited.
        Invite = "invite",
        /// Nobody.
        Closed = "closed",
    }
}
words! {
    /// What reads may come from the cache.
    pub enum CacheMode {
        /// Both layers.
        On = "on",
        /// The layer in the process.
        Local = "local",
        /// None: every read goes to Postgres.
        Off = "off",
    }
}
words! {
    /// How the log is written.
    pub enum LogFormat {
        /// For people.
        Text = "text",
        /// For programs: one object a line.
        Json = "json",
    }
}
words! {
    /// A part of kith's work.
    pub enum Role {
        /// Answers HTTP requests.
        Web = "web",
        /// Holds sockets.
        Gateway = "gateway",
        /// Runs jobs.
        Worker = "worker",
    }
}

/// Reads one of a closed set of words.
pub fn word<W: FromStr<Err = UnknownWord>>(text: &str) -> Result<W, Fault> {
    text.parse()
        .map_err(|unknown: UnknownWord| one_of(&unknown.known))
}

fn one_of(texts: &[&str]) -> Fault {
    let list = texts.join("`, `");
    Fault::new("has an unknown value", format!("Give one of `{list}`."))
}

/// A URL that may hold a password, which neither `Debug` nor `Display` shows.
#[derive(Clone)]
pub struct SecretUrl(SecretString);

impl SecretUrl {
    /// The whole URL, password and all.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Reads a URL with one of these schemes.
    pub fn parse(text: &str, schemes: &[&str]) -> Result<Self, Fault> {
        match text.split_once("://") {
            Some((scheme, rest)) if schemes.contains(&scheme) && !rest.is_empty() => {
                Ok(Self(text.into()))
            }
            _ => {
                let list = schemes.join("://`, `");
                let fix = format!("Begin it with `{list}://`.");
                Err(Fault::new("is not a URL of the right kind", fix))
            }
        }
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(self.expose()))
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}

/// Where the database is.
#[derive(Debug, Clone)]
pub enum DatabaseSource {
    /// A Postgres that kith starts by itself under its directory.
    Embedded,
    /// One that runs already.
    Url(SecretUrl),
}

/// Reads the URL of a Postgres.
pub fn postgres_url(text: &str) -> Result<SecretUrl, Fault> {
    let url = SecretUrl::parse(text, &["postgres", "postgresql"])?;
    let form = "postgres://USER:PASSWORD@HOST:5432/DATABASE";
    readable(url, text.parse::<PgConnectOptions>().is_ok(), form)
}

/// Reads the URL of a Redis.
pub fn redis_url(text: &str) -> Result<SecretUrl, Fault> {
    let schemes = ["redis", "rediss", "redis+unix", "redis+sentinel"];
    let url = SecretUrl::parse(text, &schemes)?;
    let form = match text.split_once("://") {
        Some(("redis+sentinel", _)) => "redis+sentinel://USER:PASSWORD@HOST:26379,HOST:26379/NAME",
        Some(("redis+unix", _)) => "redis+unix:///run/redis/redis.sock",
        _ => "redis://USER:PASSWORD@HOST:6379/0",
    };
    readable(url, redis::Server::parse(text).is_ok(), form)
}

/// Reads the URL of a server that takes mail.
pub fn smtp_url(text: &str) -> Result<SecretUrl, Fault> {
    let url = SecretUrl::parse(text, &["smtp", "smtps"])?;
    let is_read = AsyncSmtpTransport::<Tokio1Executor>::from_url(text).is_ok();
    readable(url, is_read, "smtp://USER:PASSWORD@HOST:587?tls=required")
}

/// Refuses a URL that whoever connects by it couldn't read: not until then would anybody be told.
fn readable(url: SecretUrl, is_read: bool, form: &str) -> Result<SecretUrl, Fault> {
    if is_read {
        return Ok(url);
    }
    let fix = format!(
        "Write it as `{form}`, and what is special in a password in percent-encoding, such as `%40` for `@`."
    );
    Err(Fault::new("is a URL that can't be read", fix))
}

/// Reads the URL of a collector of traces.
pub fn otlp_url(text: &str) -> Result<SecretUrl, Fault> {
    SecretUrl::parse(text, &["http", "https"])
}

/// Reads `on` or `off`.
pub fn switch(text: &str) -> Result<bool, Fault> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(one_of(&["on", "off"])),
    }
}

/// Reads an address with a port.
pub fn address(text: &str) -> Result<SocketAddr, Fault> {
    let numeric = text.replace("localhost:", "127.0.0.1:");
    numeric.parse().map_err(|_not_an_address| {
        Fault::new(
            "is not an IP address with a port",
            "Write it as `127.0.0.1:8080`, or `0.0.0.0:8080` for all interfaces.",
        )
    })
}

/// Reads a time with its unit.
pub fn duration(text: &str) -> Result<Duration, Fault> {
    let fault = || Fault::new("is not a time", "Write it as `250ms`, `5s`, `2m` or `1h`.");
    let (number, unit) = number_and_unit(text).ok_or_else(fault)?;
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(fault()),
    };
    // Postgres and timers count milliseconds in 31 bits.
    match number.checked_mul(millis) {
        Some(total @ 1..=0x7FFF_FFFF) => Ok(Duration::from_millis(total)),
        _ => Err(Fault::new("is out of range", "Give `1ms` to 24 days.")),
    }
}

/// Reads an amount of memory.
pub fn byte_count(text: &str) -> Result<u64, Fault> {
    let fault = || {
        Fault::new(
            "is not an amount of memory",
            "Write it as `512KiB`, `64MiB` or `2GiB`.",
        )
    };
    let (number, unit) = number_and_unit(text).ok_or_else(fault)?;
    let factor: u64 = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(fault()),
    };
    number.checked_mul(factor).ok_or_else(fault)
}

/// Reads a whole number from 1 to `greatest`.
pub fn count(text: &str, greatest: u32) -> Result<u32, Fault> {
    text.parse()
        .ok()
        .filter(|number| (1..=greatest).contains(number))
        .ok_or_else(|| {
            Fault::new(
                "is out of range",
                format!("Give a whole number from 1 to {greatest}."),
            )
        })
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim()))
}

/// Reads a list, every part by `parse`. Spaces and empty parts don't count.
pub fn list<T>(text: &str, parse: impl Fn(&str) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| parse(part).map_err(|fault| fault.in_part(part)))
        .collect()
}

/// Reads a name of up to 64 letters, digits and `-_.:`.
pub fn name(text: &str) -> Result<String, Fault> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    if text.len() <= 64 && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    let fix = "Use up to 64 letters, digits, `-`, `_`, `.` and `:`.";
    Err(Fault::new("has characters that can't be in a name", fix))
}

/// Reads the URL of a site. Slashes at its end are taken away.
pub fn site(text: &str) -> Result<String, Fault> {
    let text = text.trim_end_matches('/');
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['@', '?', '#', ' ', ',', '*']) => {
            Ok(text.to_owned())
        }
        _ => Err(Fault::new(
            "is not the URL of a site",
            "Write it as `https://example.org`, without a query.",
        )),
    }
}

/// Reads the parts of kith's work.
pub fn roles(text: &str) -> Result<Vec<Role>, Fault> {
    let roles = list(text, word)?;
    if roles.is_empty() {
        let known: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        return Err(one_of(&known));
    }
    Ok(roles)
}

/// Reads a list of networks.
pub fn networks(text: &str) -> Result<Vec<Network>, Fault> {
    list(text, |part| {
        part.parse().map_err(|error: NetworkError| {
            Fault::new(
                error.to_string(),
                "Write networks as `10.0.0.0/8, 192.168.1.4`.",
            )
        })
    })
}

/// Reads the sender of mail.
pub fn mailbox(text: &str) -> Result<String, Fault> {
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_not_a_mailbox) => {
            let fix = "Write it as `kith <kith@example.org>`.";
            Err(Fault::new("is not an e-mail address", fix))
        }
    }
}

/// Reads the filter of the log.
pub fn log_filter(text: &str) -> Result<String, Fault> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_not_a_filter) => {
            let fix = "Give a level as `info`, or a filter as `info,sqlx=warn`.";
            Err(Fault::new("is not a filter of the log", fix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_amounts_have_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("2 m"), Ok(Duration::from_mins(2)));
        assert_eq!(byte_count("64MiB"), Ok(64 << 20));
        assert_eq!(byte_count("1024"), Ok(1024));
        for bad in [
            "5",
            "s",
            "-1s",
            "5 years",
            "0s",
            "99999999999h",
            "1.5s",
            "é",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        for bad in ["64MB", "x", "99999999999GiB"] {
            assert!(byte_count(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_may_have_spaces_and_an_end() {
        assert_eq!(
            list("web, worker,", word),
            Ok(vec![Role::Web, Role::Worker])
        );
        assert!(list::<Role>("web,wörker", word).is_err());
    }

    #[test]
    fn a_url_that_nobody_could_connect_by_is_refused_in_words_without_it() {
        type Read = fn(&str) -> Result<SecretUrl, Fault>;
        let bad: [(Read, &str); 7] = [
            (redis_url, "redis://a:hunter2:c/"),
            (redis_url, "redis://localhost/hunter2"),
            (redis_url, "redis+sentinel://:hunter2@a:1"),
            (smtp_url, "smtp://x:hunter2:z"),
            (smtp_url, "smtp://x:hunter2@mail?tls=maybe"),
            (postgres_url, "postgres://x:hunter2@db:port/kith"),
            (postgres_url, "postgres://x:hunter2@db/kith?sslmode=never"),
        ];
        for (read, url) in bad {
            let fault = read(url).expect_err(url);
            assert_eq!(fault.what, "is a URL that can't be read", "{url}");
            assert!(fault.fix.starts_with("Write it as `"), "{url}");
            assert!(!fault.fix.contains("hunter2"), "{url}");
        }
        for good in [
            "redis+unix:///run/redis.sock",
            "rediss://:a%40b@redis:6380/1",
            "redis+sentinel://:x@a:26379,b/main/0",
        ] {
            assert!(redis_url(good).is_ok(), "{good}");
        }
    }
}
