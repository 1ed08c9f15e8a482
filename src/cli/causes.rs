//! An error with what caused it, each told once.

/// The error and its causes, in one line. Many errors quote their cause, and Postgres's name a line of its own
/// source: neither tells an operator more.
pub fn told(error: &anyhow::Error) -> String {
    let mut parts = Vec::new();
    let mut rest = error.chain().peekable();
    while let Some(cause) = rest.next() {
        if let Some(sqlx::Error::Database(said)) = cause.downcast_ref() {
            parts.push(format!("Postgres says: {}", said.message()));
            break;
        }
        let text = cause.to_string();
        let quoted = rest.peek().map(ToString::to_string).unwrap_or_default();
        let own = text.strip_suffix(&quoted).unwrap_or(&text);
        let own = own.trim_end_matches([':', ' ']);
        if !own.is_empty() {
            parts.push(own.to_owned());
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::told;

    #[test]
    fn a_cause_that_is_quoted_is_told_once() {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        let error = anyhow::Error::new(sqlx::Error::Io(refused)).context("nobody is there");
        assert_eq!(
            told(&error),
            "nobody is there: error communicating with database: refused"
        );
        assert_eq!(told(&anyhow::anyhow!("alone")), "alone");
    }
}
