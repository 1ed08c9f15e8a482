//! Paths, parameters and methods.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::app::{ID, start};
use crate::{faults, get, head, problem, send};

#[actix_web::test]
async fn a_malformed_id_is_not_found() {
    let base = start();
    for path in [
        "/v1/things/7",
        "/v1/things/%00",
        "/v1/people/anna",
        "/v1/people/@",
        "/v1/nothing",
    ] {
        problem(get(format!("{base}{path}")).await, 404, "not_found").await;
    }
    let body = problem(get(format!("{base}/v1/thinks")).await, 404, "not_found").await;
    assert!(
        body["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("/v1/things")),
        "{body}"
    );
    let person: Value = get(format!("{base}/v1/people/@anna"))
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(person, "Name(\"anna\")");
}

#[actix_web::test]
async fn parameters_are_read_strictly() {
    let base = start();
    let table = [
        ("", 422, "?ids required"),
        ("?ids=", 422, "?ids too_few"),
        ("?ids=a&deep=1", 422, "?deep wrong_type"),
        ("?ids=a&page=2", 422, "?page unknown_parameter"),
        ("?ids=a&ids=b", 400, ""),
        ("?ids=%ff", 400, ""),
        ("?ids=%00", 400, ""),
    ];
    for (query, status, fault) in table {
        let code = if status == 422 {
            "validation_failed"
        } else {
            "malformed_request"
        };
        let body = problem(get(format!("{base}/v1/batch{query}")).await, status, code).await;
        assert_eq!(faults(&body).join(","), fault, "{query}");
    }
    let found = get(format!("{base}/v1/batch?ids=x,{ID},{ID}&deep=true")).await;
    let found: Value = found.json().await.expect("JSON");
    assert_eq!(found, json!({"ids": [ID], "deep": true}));
}

#[actix_web::test]
async fn a_method_that_a_path_does_not_answer_is_405_with_allow() {
    let base = start();
    let url = format!("{base}/v1/things/{ID}");
    let response = send(Client::new().delete(&url)).await;
    assert_eq!(head(&response, "allow"), "GET, HEAD, OPTIONS, PUT");
    problem(response, 405, "method_not_allowed").await;
    let response = send(Client::new().delete(format!("{base}/v1/things"))).await;
    assert_eq!(head(&response, "allow"), "GET, HEAD, OPTIONS, POST");
    problem(response, 405, "method_not_allowed").await;
    let trace = Client::new().request(reqwest::Method::TRACE, &url);
    problem(send(trace).await, 405, "method_not_allowed").await;
    let options = send(Client::new().request(reqwest::Method::OPTIONS, &url)).await;
    assert_eq!(options.status(), StatusCode::NO_CONTENT);
    assert_eq!(head(&options, "allow"), "GET, HEAD, OPTIONS, PUT");
    assert!(!head(&options, "x-request-id").is_empty());
}

#[actix_web::test]
async fn head_answers_as_get_does_without_the_body() {
    let url = format!("{}/v1/things/{ID}", start());
    let whole = get(url.clone()).await;
    let bare = send(Client::new().head(&url)).await;
    assert_eq!(bare.status(), StatusCode::OK);
    for name in ["etag", "content-type", "cache-control", "content-length"] {
        assert_eq!(head(&bare, name), head(&whole, name), "{name}");
    }
    assert!(bare.bytes().await.expect("a body").is_empty());
}
