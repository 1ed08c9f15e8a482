//! The database as an argument for Postgres' own programs, whose arguments everybody on the machine
//! can read: the password travels in the environment.

use std::path::Path;

use tokio::process::Command;

/// A database's address without its password, and the password.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    url: String,
    password: Option<String>,
}

impl Target {
    /// Takes the password out of an address, wherever it stands.
    pub fn parse(url: &str) -> Self {
        let mut target = Self {
            url: String::new(),
            password: None,
        };
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        target.url.extend([scheme, "://"]);
        if let Some(user) = user {
            let (name, password) = match user.split_once(':') {
                Some((name, password)) => (name, Some(password)),
                None => (user, None),
            };
            target.password = password.map(decoded);
            target.url.extend([name, "@"]);
        }
        target.url.push_str(place);
        let mut separator = "?";
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            if let Some(password) = pair.strip_prefix("password=") {
                target.password = Some(decoded(password));
            } else {
                target.url.extend([separator, pair]);
                separator = "&";
            }
        }
        target
    }

    /// `program` on this database.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg("--dbname").arg(&self.url);
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        command
    }
}

/// Percent-decoding, where a `+` means itself.
pub fn decoded(text: &str) -> String {
    let form = format!("p={}", text.replace('+', "%2B"));
    serde_urlencoded::from_str::<Vec<(String, String)>>(&form)
        .ok()
        .and_then(|pairs| pairs.into_iter().next())
        .map_or_else(|| text.to_owned(), |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn the_password_is_taken_out_of_the_address_and_decoded() {
        for (url, stripped, password) in [
            (
                "postgres://a:b%40c+d@h:1/k",
                "postgres://a@h:1/k",
                Some("b@c+d"),
            ),
            (
                "postgres://a@h/k?host=/tmp",
                "postgres://a@h/k?host=/tmp",
                None,
            ),
            (
                "postgres://h/k?user=a&password=x%20y&sslmode=require",
                "postgres://h/k?user=a&sslmode=require",
                Some("x y"),
            ),
        ] {
            let target = Target::parse(url);
            assert_eq!(
                (target.url.as_str(), target.password.as_deref()),
                (stripped, password)
            );
        }
    }
}
