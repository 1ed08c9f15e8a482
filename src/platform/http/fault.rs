//! Reads what serde says about a value that does not fit: serde carries errors only as text.

use std::borrow::Cow;

use serde_path_to_error::{Path, Segment};

use crate::kernel::FieldError;
use crate::kernel::text::Refusal;

/// Why a value was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Stable reason.
    pub code: Cow<'static, str>,
    /// A sentence for a person; it never repeats the value, which may be a password.
    pub detail: String,
    /// The member that is missing from the value, when that is the reason.
    pub missing: Option<String>,
}

impl Fault {
    /// The fault as the error of the member at `pointer`.
    pub fn at(self, pointer: String) -> FieldError {
        FieldError {
            pointer,
            code: self.code,
            detail: self.detail,
        }
    }
}

/// Reads the message of a serde error.
pub(super) fn read(message: &str) -> Fault {
    if let Some((code, detail)) = Refusal::unpack(message) {
        return fault(code.to_owned(), detail.to_owned());
    }
    if let Some(name) = quoted_after(message, "missing field `") {
        return Fault {
            missing: Some(name.to_owned()),
            ..fault("required", "This member is required.".to_owned())
        };
    }
    let expected = message
        .rsplit_once(", expected ")
        .map(|(_, expected)| expected);
    let wanted = || {
        expected.map_or("Another value is expected.".to_owned(), |expected| {
            format!("Expected {}.", plainly(expected))
        })
    };
    if message.starts_with("unknown field `") {
        let known = expected.map_or(String::new(), |known| format!(" Known here: {known}."));
        fault("unknown_field", format!("There is no such member.{known}"))
    } else if message.starts_with("invalid type: ") {
        fault("wrong_type", wanted())
    } else if message.starts_with("UUID parsing failed") {
        fault("invalid_value", "Expected an id.".to_owned())
    } else if expected.is_some() {
        fault("invalid_value", wanted())
    } else {
        fault(
            "invalid_value",
            format!("The value is not valid: {message}."),
        )
    }
}

/// What serde calls by the names of Rust's types, as whoever writes JSON calls it.
fn plainly(expected: &str) -> &str {
    match expected {
        "string or map" => "a string",
        "a map" => "an object",
        "a sequence" => "a list",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => {
            "a whole number"
        }
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

fn fault(code: impl Into<Cow<'static, str>>, detail: String) -> Fault {
    Fault {
        code: code.into(),
        detail,
        missing: None,
    }
}

fn quoted_after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.split('`').next()
}

/// The steps to the place where deserialisation stopped.
pub(super) fn steps(path: &Path) -> Vec<String> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { variant } => Some(variant.clone()),
            Segment::Unknown => None,
        })
        .collect()
}

/// The JSON Pointer (RFC 6901) of some steps.
pub(super) fn pointer(steps: &[String]) -> String {
    steps.iter().fold(String::new(), |mut pointer, step| {
        pointer.push('/');
        pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        pointer
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_codes_and_never_repeat_the_value() {
        let code = |message: &str| read(message).code.into_owned();
        assert_eq!(code("missing field `name`"), "required");
        assert_eq!(
            code("unknown field `x`, expected `a` or `b`"),
            "unknown_field"
        );
        assert_eq!(code("unknown variant `x`, expected `a`"), "invalid_value");
        assert_eq!(
            code(&Refusal::new("too_long", "Shorter.").to_string()),
            "too_long"
        );
        let fault = read("invalid type: string \"hunter2\", expected u16");
        assert_eq!(
            (fault.code.as_ref(), fault.detail.as_str()),
            ("wrong_type", "Expected a whole number.")
        );
    }

    #[test]
    fn a_pointer_escapes_tilde_and_slash() {
        assert_eq!(
            pointer(&["a/b".to_owned(), "m~n".to_owned(), "0".to_owned()]),
            "/a~1b/m~0n/0"
        );
        assert_eq!(pointer(&[]), "");
    }
}
