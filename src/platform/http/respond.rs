//! Short ways to answer. What depends on the viewer may be kept by the viewer alone and is asked
//! about each time; secrets and messages are kept nowhere. The envelope makes `no-store` the rule for
//! whatever says nothing.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Serialize;

const PRIVATE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "private, no-cache");
const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// 200 with a body that its viewer may keep and must revalidate.
pub fn ok(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(PRIVATE).json(body)
}

/// 204: done, nothing to tell.
pub fn no_content() -> HttpResponse {
    HttpResponse::NoContent().insert_header(NO_STORE).finish()
}

/// 202: noted, and done a little later.
pub fn accepted() -> HttpResponse {
    HttpResponse::Accepted().insert_header(NO_STORE).finish()
}

/// 200 with a body that nothing on the way may keep: tokens, sessions, messages.
pub fn no_store(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(NO_STORE).json(body)
}

/// The same answer, but nothing on the way may keep it.
#[must_use]
pub fn unkept(mut response: HttpResponse) -> HttpResponse {
    let (name, rule) = NO_STORE;
    let rule = header::HeaderValue::from_static(rule);
    response.headers_mut().insert(name, rule);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_who_may_keep_them() {
        let kept = |response: &HttpResponse| response.headers().get("cache-control").cloned();
        assert_eq!(kept(&ok(1)).expect("said"), "private, no-cache");
        assert_eq!(kept(&no_store(1)).expect("said"), "no-store");
        assert_eq!(kept(&no_content()).expect("said"), "no-store");
    }
}
