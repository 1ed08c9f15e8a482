//! Exit codes, and how a failure is told.

use std::fmt;
use std::io;
use std::process::ExitCode;

use kith::kernel::Error;
use kith::platform::config::ConfigErrors;

use super::causes;

/// The codes, as help shows them.
pub const TABLE: &str = "Exit codes:
  0  it went well
  1  it failed
  2  the command line or the settings are wrong, or the profile forbids it
  3  a check found something (migrate --check, recount --dry-run, cache verify, doctor)";

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It went well.
    Well,
    /// It failed.
    Failed,
    /// The command line or the settings are wrong.
    Usage,
    /// A check found something.
    Found,
    /// The code of another program that was run.
    Other(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Well => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Found => 3,
            Exit::Other(code) => code,
        })
    }
}

/// Something was asked for that these arguments or this profile don't allow.
#[derive(Debug)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// The error that ends a command with the code for wrong usage.
pub fn refused(words: impl Into<String>) -> anyhow::Error {
    Refused(words.into()).into()
}

/// Tells on standard error what went wrong, and gives the code for it.
pub fn report(error: &anyhow::Error) -> Exit {
    let is_broken_pipe = error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if is_broken_pipe {
        // Whoever read the output, such as `head`, has enough of it.
        return Exit::Well;
    }
    if let Some(errors) = error.downcast_ref::<ConfigErrors>() {
        eprintln!("{errors}");
        return Exit::Usage;
    }
    if let Some(error) = error.downcast_ref::<Error>() {
        report_domain(error);
        return Exit::Failed;
    }
    eprintln!("error: {}", causes::told(error));
    if error.is::<Refused>() {
        Exit::Usage
    } else {
        Exit::Failed
    }
}

fn report_domain(error: &Error) {
    // An operator may see the cause, which a client of the API may not.
    match error.cause() {
        Some(cause) => eprintln!("error: {}", causes::told(cause)),
        None => eprintln!("error: {}", error.detail()),
    }
    let others = error.fields().iter();
    for field in others.filter(|field| field.detail != error.detail()) {
        eprintln!("  {}: {}", field.pointer, field.detail);
    }
}
