//! Showing settings without their secrets.

/// What is shown in place of a secret.
pub const HIDDEN: &str = "********";

/// The URL with its password hidden, wherever Postgres, Redis or SMTP may have it: before the host,
/// or in the query. Rather hides too much than too little: everything up to the last `@` counts as
/// user and password, because a password may hold an unescaped `/` or `?`.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return HIDDEN.to_owned();
    };
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest),
    };
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    if user.is_none() && has_strange_port(place) {
        // The host was forgotten, and a password may stand where its port would.
        return format!("{scheme}://{HIDDEN}");
    }
    let mut shown = format!("{scheme}://");
    if let Some(user) = user {
        let (name, password) = match user.split_once(':') {
            Some((name, _password)) => (name, [":", HIDDEN].concat()),
            None => (user, String::new()),
        };
        if name.contains(['/', '?', '#', '=']) {
            // The `@` stood in the query: it can't be told where a password begins.
            return format!("{scheme}://{HIDDEN}");
        }
        shown.extend([name, &password, "@"]);
    }
    shown.push_str(place);
    if let Some(query) = query {
        let pairs: Vec<String> = query.split('&').map(without_secret_value).collect();
        shown.push('?');
        shown.push_str(&pairs.join("&"));
    }
    shown
}

fn has_strange_port(place: &str) -> bool {
    let hosts = place.split('/').next().unwrap_or_default();
    hosts.split(',').any(|host| {
        let port = match host.rsplit_once(']') {
            Some((_address, port)) => port.strip_prefix(':'),
            None => host.split_once(':').map(|(_host, port)| port),
        };
        port.is_some_and(|port| port.contains(|c: char| !c.is_ascii_digit()))
    })
}

fn without_secret_value(pair: &str) -> String {
    let Some((key, _value)) = pair.split_once('=') else {
        return pair.to_owned();
    };
    let lower = key.to_lowercase();
    let is_secret = ["pass", "pwd", "secret", "token", "key"]
        .iter()
        .any(|word| lower.contains(word));
    if is_secret {
        format!("{key}={HIDDEN}")
    } else {
        pair.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_of_a_url_is_hidden() {
        for (url, shown) in [
            (
                "postgres://kith:hunter2@db:5432/kith?sslmode=require",
                "postgres://kith:********@db:5432/kith?sslmode=require",
            ),
            ("redis://:hunter2@localhost", "redis://:********@localhost"),
            ("postgres://kith@db/kith", "postgres://kith@db/kith"),
            (
                "postgres://db/kith?user=kith&password=hunter2",
                "postgres://db/kith?user=kith&password=********",
            ),
            (
                "postgres://kith:hun/t?e@r2@db/kith",
                "postgres://kith:********@db/kith",
            ),
            (
                "postgres://db/kith?password=hunt@er2",
                "postgres://********",
            ),
            ("redis://kith:hunter2", "redis://********"),
            ("redis://kith:hunter2:6379/0", "redis://********"),
            ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
            (
                "redis+sentinel://a:26379,b:26379/main",
                "redis+sentinel://a:26379,b:26379/main",
            ),
            ("hunter2", "********"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
