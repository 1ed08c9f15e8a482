//! Redis: asked by hand, so that it can be told apart why it does not answer.

use std::time::Duration;

use kith::platform::config::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Finding;

const PART: &str = "Redis";
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether Redis answers, if there is one.
pub async fn look(config: &Config) -> Finding {
    let Some(url) = &config.redis_url else {
        return Finding::well(PART, "none is set, and this version of kith needs none");
    };
    let Some(place) = url.expose().strip_prefix("redis://").and_then(Place::parse) else {
        return Finding::warning(
            PART,
            "only addresses that begin with redis:// are tried here",
            "Try it with `redis-cli -u`.",
        );
    };
    let answer = tokio::time::timeout(PATIENCE, ping(&place)).await;
    match answer {
        Ok(Ok(answer)) if answer.contains("+PONG") => Finding::well(PART, "it answers"),
        Ok(Ok(answer)) => Finding::problem(
            PART,
            format!("it answers {:?}", answer.trim()),
            "Check the user and the password in REDIS_URL.",
        ),
        Ok(Err(error)) => unreachable(&error.to_string()),
        Err(_late) => unreachable("no answer within three seconds"),
    }
}

fn unreachable(why: &str) -> Finding {
    Finding::problem(
        PART,
        format!("it can't be reached: {why}"),
        "Check REDIS_URL and that the server runs.",
    )
}

#[derive(Debug, PartialEq, Eq)]
struct Place {
    user: Option<String>,
    password: Option<String>,
    host: String,
}

impl Place {
    fn parse(rest: &str) -> Option<Self> {
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (user, place),
            None => ("", rest),
        };
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        let host = place
            .split(['/', '?'])
            .next()
            .filter(|host| !host.is_empty())?;
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let filled = |text: &str| (!text.is_empty()).then(|| crate::cli::backup::decoded(text));
        Some(Self {
            user: filled(name),
            password: filled(password),
            host: if has_port {
                host.to_owned()
            } else {
                format!("{host}:6379")
            },
        })
    }
}

/// Sends AUTH if need be and PING, and gives what comes back.
async fn ping(place: &Place) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(&place.host).await?;
    let mut request = Vec::new();
    if let Some(password) = &place.password {
        let user = place.user.as_deref();
        let words: Vec<&str> = ["AUTH"]
            .into_iter()
            .chain(user)
            .chain([password.as_str()])
            .collect();
        request.extend(command(&words));
    }
    request.extend(command(&["PING"]));
    request.extend(command(&["QUIT"]));
    stream.write_all(&request).await?;
    let mut answer = Vec::new();
    stream.take(4_096).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A command in Redis' protocol: words of counted bytes, which may hold anything.
fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_user_password_and_port() {
        let parse = |text| Place::parse(text).map(|place| (place.user, place.password, place.host));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            parse("localhost/0"),
            Some((None, None, "localhost:6379".to_owned()))
        );
        assert_eq!(
            parse(":p%40q@h:1/"),
            Some((None, text("p@q"), "h:1".to_owned()))
        );
        assert_eq!(
            parse("u:p@[::1]"),
            Some((text("u"), text("p"), "[::1]:6379".to_owned()))
        );
        assert_eq!(parse("/0"), None);
    }

    #[test]
    fn words_are_sent_with_their_length() {
        assert_eq!(command(&["PING"]), b"*1\r\n$4\r\nPING\r\n");
    }
}
