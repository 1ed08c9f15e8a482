//! What a failure of Postgres means to the caller.

use super::doubt;
use crate::kernel::Error;

/// Turns the violation of a named constraint into an error for the caller, at the call site: the
/// database is the judge, and nothing is checked before it is inserted.
pub trait OnConstraint<T> {
    /// When the constraint `name` was violated, the error is `refusal()`.
    fn on_constraint(self, name: &str, refusal: impl FnOnce() -> Error) -> Result<T, Error>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, refusal: impl FnOnce() -> Error) -> Result<T, Error> {
        self.map_err(|error| {
            let violated = error.as_database_error().and_then(|e| e.constraint()) == Some(name);
            if violated { refusal() } else { error.into() }
        })
    }
}

/// Whether the whole transaction may succeed when it is run again: a serialization failure or a
/// deadlock.
pub fn is_retryable(error: &Error) -> bool {
    let state = cause(error).and_then(state);
    matches!(state.as_deref(), Some("40001" | "40P01"))
}

/// Whether something was held by somebody else for longer than the transaction waits.
pub fn is_held(error: &Error) -> bool {
    cause(error).and_then(state).as_deref() == Some("55P03")
}

/// Whether this was the end of a connection, so that another one may do.
pub fn is_lost(error: &Error) -> bool {
    cause(error).is_some_and(doubt::is_dead)
}

/// What sqlx said, if that is behind an error.
fn cause(error: &Error) -> Option<&sqlx::Error> {
    error.cause()?.downcast_ref()
}

fn state(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        doubt::note(&error);
        let passing = match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(_) => state(&error).is_some_and(|state| is_passing(&state)),
            _ => false,
        };
        if passing {
            Self::unavailable(error)
        } else {
            Self::internal(error)
        }
    }
}

/// SQLSTATEs that pass: connections lost (08), resources short (53), an operator's intervention
/// (57), read-only after a failover (25006), conflicts (40), a lock not had in time (55P03), and a
/// database that lets nobody in: closed for now (55000), being restored (3D000), or with roles that
/// are being changed (28). So does a transaction that stood still for too long and was ended with its
/// connection (25P03, 25P04): the process was halted, or had no core.
fn is_passing(state: &str) -> bool {
    ["08", "53", "57", "40", "28"]
        .iter()
        .any(|class| state.starts_with(class))
        || matches!(
            state,
            "25006" | "25P03" | "25P04" | "55P03" | "55000" | "3D000"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_connection_passes_and_what_is_wrong_does_not() {
        for state in ["08006", "57P01", "57P05", "25P03", "25P04"] {
            assert!(doubt::ends_connection(state), "{state}");
            assert!(is_passing(state), "{state}");
        }
        for state in ["25006", "40001", "55P03"] {
            assert!(is_passing(state), "{state}");
            assert!(!doubt::ends_connection(state), "{state}");
        }
        for state in ["25P02", "23505", "42601"] {
            assert!(!is_passing(state), "{state}");
        }
    }
}
