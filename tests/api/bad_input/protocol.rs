//! Headers and methods at their limits, and what is no HTTP at all.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Scene;
use crate::support::TestApp;

#[tokio::test]
async fn a_hostile_request_id_is_replaced_and_a_fit_one_kept() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    let ask = async |id: &[u8]| {
        let request = anyone.request(Method::GET, "/v1/meta");
        let value = reqwest::header::HeaderValue::from_bytes(id).expect("a value");
        let reply = anyone.send(request.header("X-Request-Id", value)).await;
        reply
            .expect_status(200)
            .header("x-request-id")
            .expect("an id")
    };
    assert_eq!(ask(b"my-id_1.2").await, "my-id_1.2");
    let long = "x".repeat(10_000);
    for hostile in [
        &b"a b"[..],
        b"<script>alert(1)</script>",
        b"\xff\xfe",
        "\u{e9}".as_bytes(),
        b"a\tb",
        b"\"; drop",
        b"",
        long.as_bytes(),
    ] {
        let id = ask(hostile).await;
        assert_ne!(id.as_bytes(), hostile);
        assert!(
            id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
    }
}

/// Sends bytes as they are, and gives the start of the answer; empty when there is none.
async fn raw(app: &TestApp, bytes: &[u8]) -> String {
    let addr = app.url.strip_prefix("http://").expect("a URL");
    let mut socket = tokio::net::TcpStream::connect(addr)
        .await
        .expect("it answers");
    // It may hang up before it has read all.
    drop(socket.write_all(bytes).await);
    let mut answer = vec![0; 64 * 1024];
    let reading = socket.read(&mut answer);
    let read = tokio::time::timeout(std::time::Duration::from_secs(3), reading).await;
    let read = read.expect("it does not hang").unwrap_or(0);
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test]
async fn requests_that_are_no_good_http_are_refused_and_the_server_goes_on() {
    let app = TestApp::start().await;
    let with = |header: &str| format!("GET /v1/meta HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n");
    let many: Vec<String> = (0..500).map(|number| format!("X-{number}: 1")).collect();
    let requests = [
        with(&format!("X-Long: {}", "x".repeat(300_000))),
        with(&many.join("\r\n")),
        with("Content-Length: 5\r\nTransfer-Encoding: chunked"),
        with("Content-Length: 5\r\nContent-Length: 6"),
        with("Content-Length: -1"),
        with("Transfer-Encoding: nonsense"),
        with("Bad Header: 1"),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(200_000)),
        "GET /v1/meta HTTP/9.9\r\n\r\n".to_owned(),
        "\u{0}\u{1}\u{2}\r\n\r\n".to_owned(),
    ];
    for request in &requests {
        let answer = raw(&app, request.as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or("hung up");
        let start: String = request.chars().take(60).collect();
        assert!(
            status.starts_with('4') || status == "hung up",
            "{start:?}: {answer}"
        );
        app.anyone().get("/livez").await.expect_status(200);
    }
    // A long header of a good request is no fault.
    let long = with(&format!(
        "Connection: close\r\nX-Long: {}",
        "x".repeat(16_000)
    ));
    assert!(raw(&app, long.as_bytes()).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let scene = Scene::set().await;
    for path in [
        "/v1/meta".to_owned(),
        "/livez".to_owned(),
        "/v1/feed".to_owned(),
        scene.path("/v1/posts/{id}"),
        scene.path("/v1/posts/{id}/comments"),
        scene.path("/v1/users/{id}"),
        "/v1/posts/none".to_owned(),
    ] {
        let get = scene.alice.get(&path).await;
        let request = scene.alice.request(Method::HEAD, &path);
        let head = scene.alice.send(request).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.json, Value::Null, "{path}");
        for header in ["etag", "content-type", "cache-control"] {
            assert_eq!(head.header(header), get.header(header), "{path} {header}");
        }
    }
}

#[tokio::test]
async fn only_json_is_produced() {
    let scene = Scene::set().await;
    for (accept, status) in [
        ("text/html", 406),
        ("image/*", 406),
        ("application/json;q=0", 406),
        ("text/event-stream", 406),
        ("application/json", 200),
        ("text/html, */*;q=0.1", 200),
    ] {
        for path in ["/v1/meta", "/v1/feed", &scene.path("/v1/posts/{id}")] {
            let request = scene.alice.request(Method::GET, path);
            let reply = scene.alice.send(request.header("Accept", accept)).await;
            if status == 406 {
                reply.expect_problem(406, "not_acceptable");
            } else {
                reply.expect_status(status);
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_of_every_encoding_is_told_as_a_problem() {
    let scene = Scene::set().await;
    for encodings in ["identity;q=0", "*;q=0"] {
        let request = scene.alice.request(Method::GET, "/v1/meta");
        let request = request.header("Accept-Encoding", encodings);
        let reply = scene.alice.send(request).await;
        reply.expect_problem(406, "not_acceptable");
    }
}

#[tokio::test]
async fn an_instant_that_is_no_rfc_3339_is_refused_and_none_is_too_far() {
    let scene = Scene::set().await;
    for at in [
        "-200000-01-01T00:00:00Z",
        "2030-1-1 0:0:0 UTC",
        "9999-12-31T23:59:59-01:00",
    ] {
        let path = format!("/v1/conversations?updated_after={at}");
        let reply = scene.alice.get(&path).await;
        reply.expect_problem(422, "validation_failed");
        let path = scene.path("/v1/users/{id}/mute");
        let request = scene.alice.request(Method::PUT, &path);
        let reply = scene.alice.send(request.json(&json!({"until": at}))).await;
        reply.expect_problem(422, "validation_failed");
    }
}

/// A page asks for a stream as browsers do; what it does not take is not sent to it.
#[tokio::test]
async fn a_stream_of_events_is_for_those_who_take_one() {
    let scene = Scene::set().await;
    for (accept, status) in [
        ("text/event-stream", 200),
        ("*/*", 200),
        ("text/*", 200),
        ("application/json", 406),
        ("text/event-stream;q=0, */*", 406),
    ] {
        let request = scene.alice.request(Method::GET, "/v1/realtime/sse");
        let answer = request.header("Accept", accept).send().await;
        assert_eq!(answer.expect("an answer").status(), status, "{accept}");
    }
    // What is wrong is told all the same.
    let request = scene.alice.request(Method::GET, "/v1/realtime/sse?chs=x");
    let refused = request.header("Accept", "text/event-stream");
    let refused = scene.alice.send(refused).await;
    refused.expect_problem(422, "validation_failed");
}
