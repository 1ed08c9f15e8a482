//! Rules for text that people write: what is refused, how length is counted (Unicode code
//! points), and the newtypes that prove it.

use std::borrow::Cow;

use super::error::FieldError;

/// Why a piece of text (or another value) was refused: a stable code and a sentence.
/// `Display` packs both, because serde carries errors only as text; the HTTP layer unpacks them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable reason, e.g. `too_long`.
    pub code: &'static str,
    /// What to do about it.
    pub detail: Cow<'static, str>,
}

const SEPARATOR: char = '\u{1f}';

impl Refusal {
    /// A refusal with its reason.
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }

    /// The refusal as the error of one member.
    pub fn at(self, pointer: impl Into<String>) -> FieldError {
        FieldError {
            pointer: pointer.into(),
            code: Cow::Borrowed(self.code),
            detail: self.detail.into_owned(),
        }
    }

    /// Reads what `Display` packed: `(code, detail)`.
    pub fn unpack(message: &str) -> Option<(&str, &str)> {
        message.split_once(SEPARATOR)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{SEPARATOR}{}", self.code, self.detail)
    }
}

impl std::error::Error for Refusal {}

/// Most combining marks that may follow one character. No script needs half of that; a hundred cover the
/// lines above and below.
const MOST_MARKS: usize = 12;

/// Checks length in code points and refuses characters that only serve to deceive: controls
/// (except newline and tab where `multiline`), overrides of the writing direction, and heaps of marks.
pub fn check(text: &str, min: usize, max: usize, multiline: bool) -> Result<(), Refusal> {
    let length = text.chars().count();
    if length > max {
        return Err(Refusal::new(
            "too_long",
            format!("At most {max} characters are allowed; this has {length}."),
        ));
    }
    if length < min || (min > 0 && is_blank(text)) {
        return Err(Refusal::new(
            "too_short",
            format!(
                "At least {} character(s) that can be seen are needed.",
                min.max(1)
            ),
        ));
    }
    if let Some(found) = text.chars().find(|c| is_forbidden(*c, multiline)) {
        let detail = format!(
            "The character U+{:04X} is not allowed here.",
            u32::from(found)
        );
        return Err(Refusal::new("forbidden_character", detail));
    }
    if most_marks(text) > MOST_MARKS {
        let detail = format!("At most {MOST_MARKS} combining marks may follow a character.");
        return Err(Refusal::new("too_many_marks", detail));
    }
    Ok(())
}

/// Whether there is nothing to be seen.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// The longest run of combining marks.
fn most_marks(text: &str) -> usize {
    let runs = text.split(|c| !is_mark(c));
    runs.map(|run| run.chars().count())
        .max()
        .unwrap_or_default()
}

/// Marks that stack on what they follow, in the blocks of the Unicode standard for combining marks.
fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Spaces, controls, and the characters that look like nothing at all.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
                | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

fn is_forbidden(c: char, multiline: bool) -> bool {
    let allowed_control = multiline && matches!(c, '\n' | '\r' | '\t');
    (c.is_control() && !allowed_control)
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || (!multiline && matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Declares a newtype of text with bounds, counted in code points:
/// `text_type!(/// doc Bio, 0..=500, multiline);`
#[macro_export]
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $min:tt ..= $max:tt, $lines:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, min_length = $min, max_length = $max)]
        pub struct $name(String);

        impl $name {
            /// Fewest characters (code points).
            pub const MIN: usize = $min;
            /// Most characters (code points).
            pub const MAX: usize = $max;

            /// Checks the text's length and characters.
            pub fn parse(text: String) -> Result<Self, $crate::kernel::text::Refusal> {
                let multiline = stringify!($lines) == "multiline";
                $crate::kernel::text::check(&text, Self::MIN, Self::MAX, multiline)?;
                Ok(Self(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::kernel::text::Refusal;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_code_points_and_not_bytes() {
        assert!(check("héé", 1, 3, false).is_ok());
        assert_eq!(
            check("héé!", 1, 3, false).map_err(|r| r.code),
            Err("too_long")
        );
        assert_eq!(
            check("   ", 1, 3, false).map_err(|r| r.code),
            Err("too_short")
        );
    }

    #[test]
    fn characters_that_deceive_are_refused() {
        for text in ["a\0b", "a\u{202e}b", "a\u{7}b"] {
            assert_eq!(
                check(text, 1, 9, true).map_err(|r| r.code),
                Err("forbidden_character")
            );
        }
        assert!(check("two\nlines", 1, 9, true).is_ok());
        assert!(check("two\nlines", 1, 9, false).is_err());
    }

    #[test]
    fn what_cannot_be_seen_is_no_text() {
        for text in ["\u{200b}", "\u{3164}\u{2800}", " \u{2060} "] {
            assert_eq!(
                check(text, 1, 9, false).map_err(|r| r.code),
                Err("too_short")
            );
            assert!(check(text, 0, 9, false).is_ok());
        }
    }

    #[test]
    fn marks_are_not_heaped_up() {
        let heap = |count| format!("a{}b", "\u{301}".repeat(count));
        assert!(check(&heap(12), 1, 99, false).is_ok());
        assert_eq!(
            check(&heap(13), 1, 99, false).map_err(|r| r.code),
            Err("too_many_marks")
        );
        assert!(check(&"e\u{301}".repeat(40), 1, 99, false).is_ok());
    }
}
