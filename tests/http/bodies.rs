//! What is read as a body and what is refused.

use reqwest::{Client, StatusCode};
use serde_json::json;

use crate::app::start;
use crate::{faults, head, problem, send};

#[actix_web::test]
async fn bodies_that_cannot_be_read_are_malformed() {
    let base = start();
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(40), "]".repeat(40)).into_bytes();
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("cut off", b"{\"name\":".to_vec()),
        (
            "duplicate key",
            br#"{"name":"anna","age":1,"age":1}"#.to_vec(),
        ),
        (
            "duplicate key below",
            br#"{"name":"anna","x":[{"a":1,"a":2}]}"#.to_vec(),
        ),
        ("escaped NUL", br#"{"name":"a\u0000b","age":1}"#.to_vec()),
        ("NUL in a key", br#"{"a\u0000":1}"#.to_vec()),
        ("bare NUL", b"{\"name\":\"a\0b\"}".to_vec()),
        ("bad UTF-8", b"{\"name\":\"\xc3\x28\"}".to_vec()),
        ("lone surrogate", br#"{"name":"\ud800"}"#.to_vec()),
        ("trailing garbage", b"{} {}".to_vec()),
        ("too deep", deep),
    ];
    for (why, bytes) in table {
        let request = Client::new().post(format!("{base}/v1/things"));
        let request = request
            .header("content-type", "application/json")
            .body(bytes);
        let body = problem(send(request).await, 400, "malformed_request").await;
        println!("{why}: {}", body["detail"]);
    }
}

#[actix_web::test]
async fn the_size_and_the_media_type_of_a_body_are_checked() {
    let base = start();
    let post = |kind: Option<&'static str>, body: String| {
        let request = Client::new().post(format!("{base}/v1/things")).body(body);
        match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        }
    };
    let good = r#"{"name":"anna","age":1}"#.to_owned();
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(64 * 1_024));
    problem(
        send(post(Some("application/json"), large)).await,
        413,
        "payload_too_large",
    )
    .await;
    for kind in [
        None,
        Some("text/plain"),
        Some("application/json; charset=latin1"),
    ] {
        let response = send(post(kind, good.clone())).await;
        problem(response, 415, "unsupported_media_type").await;
    }
    let zipped = post(Some("application/json"), good.clone()).header("content-encoding", "gzip");
    problem(send(zipped).await, 415, "unsupported_media_type").await;
    let response = send(post(Some("application/json; charset=UTF-8"), good)).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(head(&response, "location"), "/v1/things/1");
    assert!(head(&response, "etag").starts_with("\"1-"));
}

#[actix_web::test]
async fn every_member_at_fault_is_told_at_once() {
    let base = start();
    let table = [
        (json!([]), vec![" wrong_type"]),
        (json!({}), vec!["/age required", "/name required"]),
        (
            json!({"name": "x", "age": "old", "nick/1": 2, "tags": ["good", "much too long"]}),
            vec![
                "/age wrong_type",
                "/name too_short",
                "/nick~11 unknown_field",
                "/tags/1 too_long",
            ],
        ),
        (
            json!({"name": "anna", "age": 300}),
            vec!["/age invalid_value"],
        ),
    ];
    for (sent, expected) in table {
        let response = send(Client::new().post(format!("{base}/v1/things")).json(&sent)).await;
        let body = problem(response, 422, "validation_failed").await;
        assert_eq!(faults(&body), expected, "{sent}");
    }
}

#[actix_web::test]
async fn the_digest_of_a_body_is_that_of_its_value() {
    let base = start();
    let digest = async |body: &'static str| {
        let request = Client::new().post(format!("{base}/v1/things")).body(body);
        let response = send(request.header("content-type", "application/json")).await;
        let body: serde_json::Value = response.json().await.expect("JSON");
        body["digest"].to_string()
    };
    let one = digest(r#"{"name":"anna","age":1}"#).await;
    assert_eq!(one, digest(r#" {"age" : 1, "name":"\u0061nna"}"#).await);
    assert_ne!(one, digest(r#"{"name":"anna","age":2}"#).await);
    assert_ne!(one, "null");
}
