//! The HTTP conventions over a real socket, with a small application around them.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod app;
mod bodies;
mod envelope;
mod lists;
mod openapi;
mod routing;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

pub(crate) async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

pub(crate) async fn get(url: String) -> Response {
    send(Client::new().get(url)).await
}

pub(crate) fn head<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("text"))
}

/// Checks that a response is a whole problem and gives its body.
pub(crate) async fn problem(response: Response, status: u16, code: &str) -> Value {
    assert_eq!(response.status().as_u16(), status, "wanted {code}");
    assert_eq!(head(&response, "content-type"), "application/problem+json");
    let request_id = head(&response, "x-request-id").to_owned();
    let instance = response.url().path().to_owned();
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(body["code"], code, "{body}");
    assert_eq!(body["status"], status);
    assert_eq!(body["instance"], instance);
    assert_eq!(body["request_id"], request_id);
    assert_eq!(body["type"], format!("/docs/errors#{code}"));
    for text in ["title", "detail"] {
        assert!(
            body[text].as_str().is_some_and(|text| !text.is_empty()),
            "{body}"
        );
    }
    assert!(!request_id.is_empty() && body["errors"].is_array());
    body
}

/// `pointer code` of every member at fault, sorted.
pub(crate) fn faults(body: &Value) -> Vec<String> {
    let fault = |fault: &Value| {
        let text = |name: &str| fault[name].as_str().expect("text").to_owned();
        format!("{} {}", text("pointer"), text("code"))
    };
    let mut faults: Vec<_> = body["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(fault)
        .collect();
    faults.sort();
    faults
}
