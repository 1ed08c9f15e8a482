//! Which web pages may call the API from a browser: those of the listed origins, exactly.

use std::sync::Arc;

use actix_cors::Cors;
use actix_web::http::header::{self, HeaderName, HeaderValue};

const ALLOWED: [HeaderName; 12] = [
    header::ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::PRAGMA,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("rt-session"),
    HeaderName::from_static("last-event-id"),
];

const EXPOSED: [&str; 17] = [
    "ETag",
    "Link",
    "Location",
    "X-Request-Id",
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Policy",
    "Retry-After",
    "Idempotent-Replayed",
    "Cache-Status",
    "Server-Timing",
    "Deprecation",
    "Sunset",
    "Allow",
];

/// Seconds that a browser may remember a preflight's answer.
const MAX_AGE: usize = 3_600;

/// The middleware for the origins in `allowed` (`https://app.example.org`, no path). An origin
/// that is not among them gets no CORS headers, so the browser keeps the answer from the page.
pub fn cors(allowed: &[String]) -> Cors {
    let allowed: Arc<[String]> = allowed.iter().map(|origin| normal(origin)).collect();
    Cors::default()
        .allowed_origin_fn(move |origin, _| judge(&allowed, origin))
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers(ALLOWED)
        .expose_headers(EXPOSED)
        .supports_credentials()
        .max_age(MAX_AGE)
}

/// Browsers send origins in lower case and without a slash at the end.
fn normal(origin: &str) -> String {
    origin.trim().trim_end_matches('/').to_ascii_lowercase()
}

fn judge(allowed: &[String], origin: &HeaderValue) -> bool {
    // `null` is what sandboxed pages of anybody send: it names no origin, listed or not.
    let listed = origin
        .to_str()
        .is_ok_and(|origin| origin != "null" && allowed.iter().any(|allowed| allowed == origin));
    if !listed {
        tracing::warn!(
            ?origin,
            "this origin may not call the API from a browser; add it to KITH_ALLOWED_ORIGINS if it should"
        );
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_match_exactly() {
        let allowed = [normal("https://App.example.org/"), normal("null")];
        let judged = |origin: &'static str| judge(&allowed, &HeaderValue::from_static(origin));
        assert!(judged("https://app.example.org"));
        for other in [
            "null",
            "http://app.example.org",
            "https://app.example.org.evil.example",
            "https://app.example.org:8443",
            "https://evil.example",
            "",
        ] {
            assert!(!judged(other), "{other}");
        }
    }
}
