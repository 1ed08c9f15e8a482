//! What writes that name a post ask first.

use crate::kernel::{Code, Error};

/// What a post that may not be seen makes of a body that names it at `pointer`: it is invalid, for 404
/// would speak of the route.
pub fn named_in_body(pointer: &'static str) -> impl Fn(Error) -> Error {
    move |error| {
        if error.code() != Code::NotFound {
            return error;
        }
        let detail = "There is no such post that you may see.";
        Error::invalid_field(pointer, "not_found", detail)
    }
}
