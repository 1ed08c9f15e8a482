//! Short ways to answer. What depends on the viewer may be kept by the viewer alone and is asked
//! about each time; secrets and messages are kept nowhere. The door makes `no-store` the rule for
//! whatever says nothing.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Serialize;

use super::etag::entity_tag;
use super::problem::Problem;
use crate::kernel::Error;

const PRIVATE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "private, no-cache");
const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// 200 with a body that its viewer may keep and must revalidate.
pub fn ok(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(PRIVATE).json(body)
}

/// 201 with the whole new object and where it is, and its entity tag when it has a `version`.
pub fn created(location: &str, version: Option<i64>, body: impl Serialize) -> HttpResponse {
    let bytes = match serde_json::to_vec(&body) {
        Ok(bytes) => bytes,
        Err(fault) => return HttpResponse::from_error(Problem(Error::internal(fault))),
    };
    let mut response = HttpResponse::Created();
    response
        .insert_header(PRIVATE)
        .insert_header((header::LOCATION, location));
    if let Some(version) = version {
        response.insert_header((header::ETAG, entity_tag(version, &bytes)));
    }
    response.content_type("application/json").body(bytes)
}

/// 204: done, nothing to tell.
pub fn no_content() -> HttpResponse {
    HttpResponse::NoContent().insert_header(NO_STORE).finish()
}

/// 200 with a body that nothing on the way may keep: tokens, sessions, messages.
pub fn no_store(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(NO_STORE).json(body)
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
        let made = created("/v1/posts/1", Some(1), 1);
        assert_eq!(made.headers().get("location").expect("said"), "/v1/posts/1");
        assert_eq!(
            made.headers().get("etag").expect("said"),
            entity_tag(1, b"1").as_str()
        );
    }
}
