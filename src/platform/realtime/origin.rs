//! Which pages may open connections: browsers do not keep pages of other origins from it.

use actix_web::HttpRequest;
use actix_web::http::header::ORIGIN;

use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;

/// The origin of a request, if it has one that is allowed. Nothing here reads cookies, so a client that
/// is no browser needs none.
pub(super) fn allowed(ctx: &Ctx, request: &HttpRequest) -> Result<Option<String>> {
    let Some(origin) = request.headers().get(ORIGIN) else {
        return Ok(None);
    };
    let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
    let normal = |known: &str| known.trim().trim_end_matches('/').to_ascii_lowercase();
    let listed = ctx.config().allowed_origins.iter();
    let is_listed = listed
        .map(|known| normal(known))
        .any(|known| known == origin);
    if is_listed || origin == normal(ctx.public_url()) {
        return Ok(Some(origin));
    }
    Err(Error::new(
        Code::Forbidden,
        "Pages of this origin may not connect. Origins are listed in KITH_ALLOWED_ORIGINS.",
    ))
}
