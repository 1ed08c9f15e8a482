//! Values of arguments.

use std::str::FromStr;

/// An id as it looks.
const EXAMPLE: &str = "01938b2f-5a00-7000-8000-000000000001";

/// Reads an id, or says what to give.
pub fn id<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_no_id| format!("give an id, such as {EXAMPLE}"))
}
