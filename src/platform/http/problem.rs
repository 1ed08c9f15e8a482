//! Errors as RFC 9457 problem details.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::kernel::{Code, Error, Kind, Timestamp};

/// Where the documentation explains every code.
const DOCS: &str = "/docs/errors";

/// A kernel error on its way out of a handler.
#[derive(Debug)]
pub struct Problem(pub Error);

/// What a handler returns.
pub type HttpResult<T> = std::result::Result<T, Problem>;

/// The body of every error response (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Reference to the documentation of the code.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors#not_found")]
    pub kind: String,
    /// A short sentence that is the same for every occurrence of the code.
    #[schema(example = "Not found")]
    pub title: &'a str,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What went wrong this time and what to do about it, for a person.
    pub detail: &'a str,
    /// The path that was asked for.
    #[schema(example = "/v1/posts/01938b2f-5a00-7000-8000-000000000001")]
    pub instance: &'a str,
    /// The stable, machine-readable reason.
    pub code: Code,
    /// Also in the `X-Request-Id` header; quote it when reporting a fault.
    pub request_id: &'a str,
    /// What is wrong with each member of the request; empty when the request is not to blame.
    pub errors: Vec<ProblemField<'a>>,
    /// Until when the refusal holds, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// The body with the members that this problem has beside those of all.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    body: ProblemBody<'a>,
    #[serde(flatten)]
    own: &'a Map<String, Value>,
}

/// What is wrong with one member of the request.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemField<'a> {
    /// JSON Pointer into the body, or `?name` for a query parameter.
    #[schema(example = "/content")]
    pub pointer: &'a str,
    /// The stable reason.
    #[schema(example = "required")]
    pub code: &'a str,
    /// What to do about it, for a person.
    pub detail: &'a str,
}

/// The HTTP status of a kind of refusal.
pub fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Moved => StatusCode::PERMANENT_REDIRECT,
        Kind::Unreadable => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Gone => StatusCode::GONE,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Limited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The response that tells `error`; `instance` and `request_id` are known to the envelope only.
pub(super) fn render(error: &Error, instance: &str, request_id: &str) -> HttpResponse {
    let code = error.code();
    let status = status_of(code.kind());
    let mut response = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    if let Some(seconds) = error.retry_after() {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    response.content_type("application/problem+json");
    let body = ProblemBody {
        kind: format!("{DOCS}#{}", code.as_str()),
        title: code.title(),
        status: status.as_u16(),
        detail: error.detail(),
        instance,
        code,
        request_id,
        errors: error
            .fields()
            .iter()
            .map(|field| ProblemField {
                pointer: &field.pointer,
                code: &field.code,
                detail: &field.detail,
            })
            .collect(),
        until: error.until(),
    };
    let own = error.members();
    // The body is plain text and numbers, which always serialise.
    response.body(serde_json::to_vec(&Whole { body, own }).unwrap_or_default())
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status_of(self.0.code().kind())
    }

    /// The envelope renders it again, with path and request id.
    fn error_response(&self) -> HttpResponse {
        render(&self.0, "", "")
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[actix_web::test]
    async fn every_code_is_rendered_with_all_members_of_the_contract() {
        for code in Code::ALL {
            let response = render(&Error::from(*code).with_retry_after(3), "/v1/x", "r1");
            assert_eq!(response.status(), status_of(code.kind()));
            assert_eq!(
                response.headers().get("content-type").unwrap(),
                "application/problem+json"
            );
            assert_eq!(response.headers().get("retry-after").unwrap(), "3");
            let challenged = response.headers().contains_key("www-authenticate");
            assert_eq!(challenged, code.kind() == Kind::Unauthenticated);
            let status = response.status().as_u16();
            let bytes = to_bytes(response.into_body()).await.expect("a body");
            let body: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            assert_eq!(body["type"], format!("/docs/errors#{}", code.as_str()));
            assert_eq!(body["code"], code.as_str());
            assert_eq!(body["status"], status);
            assert_eq!(body["instance"], "/v1/x");
            assert_eq!(body["request_id"], "r1");
            assert_eq!(body["errors"], serde_json::json!([]));
            assert!(body.get("until").is_none());
        }
    }

    #[actix_web::test]
    async fn until_and_the_members_at_fault_are_told() {
        let until = Timestamp::from_micros(1_700_000_000_000_000);
        let error = Error::invalid_field("/name", "too_long", "Shorter.").with_until(until);
        let bytes = to_bytes(render(&error, "/", "r").into_body())
            .await
            .expect("a body");
        let body: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(body["until"], "2023-11-14T22:13:20.000Z");
        let field =
            serde_json::json!({"pointer": "/name", "code": "too_long", "detail": "Shorter."});
        assert_eq!(body["errors"], serde_json::json!([field]));
    }

    #[actix_web::test]
    async fn what_a_problem_has_of_its_own_stands_beside_what_all_have() {
        let own = Map::from_iter([("cursor".to_owned(), Value::from("c1"))]);
        let error = Error::from(Code::Unrecoverable).with_members(own);
        let bytes = to_bytes(render(&error, "/v1/x", "r1").into_body())
            .await
            .expect("a body");
        let body: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(
            (&body["cursor"], &body["instance"]),
            (&"c1".into(), &"/v1/x".into())
        );
        assert_eq!(body["errors"], serde_json::json!([]));
    }
}
