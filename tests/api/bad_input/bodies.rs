//! Bodies that cannot be read, or that say what makes no sense.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Scene, operations};

/// What is wrong with a body, and the answer to it.
fn broken_bodies(good: &Value) -> Vec<(&'static str, &'static str, Vec<u8>, u16, &'static str)> {
    let json = "application/json";
    let nested = |depth: usize| {
        format!("{{\"x\":{}1{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
    };
    let mut more = good.clone();
    more["surprise"] = json!(1);
    let malformed = "malformed_request";
    let invalid = "validation_failed";
    let mut large = br#"{"x":""#.to_vec();
    large.resize(2 * 1024 * 1024, b'x');
    large.extend(b"\"}");
    vec![
        ("cut off", json, b"{\"a\":".to_vec(), 400, malformed),
        ("not JSON", json, b"a=1&b=2".to_vec(), 400, malformed),
        ("white space", json, b"  \n".to_vec(), 400, malformed),
        ("two values", json, b"{} {}".to_vec(), 400, malformed),
        (
            "a key twice",
            json,
            br#"{"x":1,"x":2}"#.to_vec(),
            400,
            malformed,
        ),
        (
            "a bare NUL",
            json,
            b"{\"x\":\"a\0b\"}".to_vec(),
            400,
            malformed,
        ),
        (
            "an escaped NUL",
            json,
            br#"{"x":"a\u0000b"}"#.to_vec(),
            400,
            malformed,
        ),
        (
            "bad UTF-8",
            json,
            b"{\"x\":\"\xff\xfe\"}".to_vec(),
            400,
            malformed,
        ),
        (
            "half a pair",
            json,
            br#"{"x":"\ud83d"}"#.to_vec(),
            400,
            malformed,
        ),
        ("33 deep", json, nested(33), 400, malformed),
        ("30000 deep", json, nested(30_000), 400, malformed),
        ("too large", json, large, 413, "payload_too_large"),
        (
            "another type",
            "text/plain",
            good.to_string().into_bytes(),
            415,
            "unsupported_media_type",
        ),
        (
            "a form",
            "application/x-www-form-urlencoded",
            b"a=1".to_vec(),
            415,
            "unsupported_media_type",
        ),
        ("an array", json, b"[]".to_vec(), 422, invalid),
        ("a number", json, b"1e400".to_vec(), 400, malformed),
        ("a small number", json, b"1".to_vec(), 422, invalid),
        ("a string", json, b"\"x\"".to_vec(), 422, invalid),
        ("nothing much", json, b"null".to_vec(), 422, invalid),
        (
            "a member too many",
            json,
            more.to_string().into_bytes(),
            422,
            invalid,
        ),
    ]
}

#[tokio::test]
async fn every_operation_refuses_every_broken_body_and_changes_nothing() {
    let scene = Scene::set().await;
    let bodies = scene.bodies();
    let before = scene.digest().await;
    for (route, good) in &bodies {
        for (what, kind, body, status, code) in broken_bodies(good) {
            let reply = scene.send(route, kind, body).await;
            assert_eq!(
                (reply.status, reply.json["code"].as_str()),
                (status, Some(code)),
                "{route}, {what}: {:#}",
                reply.json
            );
            reply.expect_problem(status, code);
        }
    }
    assert_eq!(scene.digest().await, before);
}

#[tokio::test]
async fn every_member_of_a_wrong_type_is_refused_and_changes_nothing() {
    let scene = Scene::set().await;
    let before = scene.digest().await;
    for (route, good) in scene.bodies() {
        for name in good.as_object().expect("an object").keys() {
            for wrong in [
                json!([[1]]),
                json!({"a": {}}),
                json!(-1.5),
                json!("\u{202e}\u{0007}"),
                json!("x".repeat(60_000)),
            ] {
                let mut body = good.clone();
                body[name] = wrong.clone();
                let reply = scene
                    .send(route, "application/json", body.to_string().into_bytes())
                    .await;
                let short: String = wrong.to_string().chars().take(20).collect();
                // Signing out and asking for mail tell nothing about what they were given.
                let silent = route.ends_with("/logout") && wrong.is_string();
                assert!(
                    matches!(reply.status, 400 | 401 | 403 | 422) || silent,
                    "{route} {name} {short}: {} {:#}",
                    reply.status,
                    reply.json
                );
            }
        }
    }
    assert_eq!(scene.digest().await, before);
}

#[tokio::test]
async fn every_operation_that_takes_a_body_is_tried() {
    let scene = Scene::set().await;
    let tried: BTreeSet<String> = scene.bodies().keys().map(|&route| route.into()).collect();
    let described = operations()
        .into_iter()
        .filter(|(_, operation)| operation.get("requestBody").is_some())
        .map(|(route, _)| route);
    // Alice is no administrator; and a list of frames is no object: `realtime` tries those.
    let others = [
        "POST /v1/admin/announcements",
        "PATCH /v1/admin/users/{id}",
        "POST /v1/realtime/commands",
    ];
    let missing: Vec<String> = described
        .filter(|route| !tried.contains(route) && !others.contains(&route.as_str()))
        .collect();
    assert!(missing.is_empty(), "without a body to break: {missing:#?}");
}
