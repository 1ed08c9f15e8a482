//! What belongs to one person alone is in no answer to another, and in no line of the log.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Anyone, PASSWORD, Program, Session, TestApp};

/// The paths of all lists and objects, with Alice's things in them.
async fn paths(alice: &Session, friend: &Session) -> Vec<String> {
    let post = alice.post_to(&json!("friends"), "a post of Alice").await;
    let comment = alice.comment_on(&post, "a comment of Alice").await;
    friend
        .put(
            &format!("/v1/posts/{post}/reaction"),
            &json!({"kind": "like"}),
        )
        .await
        .expect_status(200);
    alice
        .put(
            &format!("/v1/posts/{post}/reaction"),
            &json!({"kind": "love"}),
        )
        .await
        .expect_status(200);
    friend
        .set(&format!("/v1/posts/{post}/saved"))
        .await
        .expect_status(200);
    let document = serde_json::to_value(kith::app::document()).expect("JSON");
    let mut paths = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        // A stream of events does not end: `realtime` reads frames.
        let Some(operation) = item.get("get").filter(|_| path != "/v1/realtime/sse") else {
            continue;
        };
        let id = match path.split('/').nth(2) {
            Some("posts") => &post,
            Some("comments") => &comment,
            _ => &alice.id,
        };
        let mut concrete = path.replace("{id}", id).replace("{user_id}", &alice.id);
        let parameters = operation["parameters"].as_array();
        for parameter in parameters.into_iter().flatten() {
            let value = match (&parameter["name"], &parameter["required"]) {
                (Value::String(name), Value::Bool(true)) if name == "q" => "alice",
                (Value::String(name), Value::Bool(true)) if name == "ids" => id,
                _ => continue,
            };
            let name = parameter["name"].as_str().expect("a name");
            concrete = format!("{concrete}?{name}={value}");
        }
        paths.push(concrete);
    }
    paths
}

async fn everything(who: &Anyone, paths: &[String]) -> (String, usize) {
    let (mut text, mut good) = (String::new(), 0);
    for path in paths {
        let reply = who.get(path).await;
        assert!(reply.status < 500, "{path}: {}", reply.json);
        good += usize::from(reply.status == 200);
        writeln!(text, "{path} {}\n{:?}", reply.json, reply.headers).expect("it is written");
    }
    (text, good)
}

#[tokio::test]
async fn nobody_reads_the_address_the_password_or_the_sessions_of_another() {
    let app = TestApp::start().await;
    let (alice, friend) = app.friends("alice", "friend").await;
    let stranger = app.person("stranger").await;
    let paths = paths(&alice, &friend).await;
    let address = format!("{}@example.org", alice.username);
    let hashes: Vec<String> = sqlx::query_scalar("select password_hash from credential")
        .fetch_all(&app.db)
        .await
        .expect("hashes");
    for (who, least) in [
        (app.anyone(), 6),
        (Anyone::clone(&stranger), 20),
        (Anyone::clone(&friend), 25),
    ] {
        let (text, good) = everything(&who, &paths).await;
        assert!(good >= least, "the walk is broad: {good}");
        assert!(text.contains(&alice.username), "the walk meets Alice");
        let secrets = [
            &address,
            &alice.access_token,
            &alice.refresh_token,
            &alice.session_id,
            PASSWORD,
            "argon2",
            "password_hash",
            "token_hash",
        ];
        for secret in secrets.into_iter().chain(hashes.iter().map(String::as_str)) {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret}");
        }
    }
    // Alice herself reads her address and her sessions, but never a secret.
    let (text, _) = everything(&alice, &paths).await;
    assert!(text.contains(&address) && text.contains(&alice.session_id));
    for secret in ["argon2", "password_hash", &alice.refresh_token] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_log_holds_no_password_token_address_or_word_of_a_conversation() {
    let app = TestApp::start().await;
    let level = [("KITH_LOG", "trace")];
    let program = Program::start(&app, &level);
    let anyone = Anyone::new(&program.url);
    let body = json!({"username": "loud", "email": "loud-address@example.org",
                      "password": "zebra umbrella kettle", "display_name": "Loud Name"});
    let signed_up = anyone
        .post("/v1/auth/register", &body)
        .await
        .expect_status(201);
    let me = Session::new(&program.url, &signed_up.json);
    let login = json!({"login": "loud-address@example.org", "password": "zebra umbrella kettle"});
    let signed_in = anyone
        .post("/v1/auth/login", &login)
        .await
        .expect_status(200);
    let again = Session::new(&program.url, &signed_in.json);
    let wrong = json!({"login": "loud-address@example.org", "password": "walrus mistake button"});
    anyone
        .post("/v1/auth/login", &wrong)
        .await
        .expect_status(401);
    let refresh = json!({"refresh_token": again.refresh_token});
    let refreshed = anyone
        .post("/v1/auth/refresh", &refresh)
        .await
        .expect_status(200);
    let post = me.post_to(&json!("public"), "secretpostwords").await;
    let comment = me.comment_on(&post, "secretcommentwords").await;
    me.patch(
        &format!("/v1/comments/{comment}"),
        &json!({"content": "secretedit"}),
    )
    .await
    .expect_status(200);
    me.post("/v1/posts", &json!({"content": "secretinvalid", "x": 1}))
        .await
        .expect_status(422);
    me.get("/v1/search/users?q=secretsearch").await;
    let forgotten = json!({"email": "loud-address@example.org"});
    anyone
        .post("/v1/auth/forgot-password", &forgotten)
        .await
        .expect_status(202);
    let garbage = anyone.with_token("secretgarbagetoken");
    garbage.get("/v1/me").await.expect_status(401);
    // The mail goes out by a job; its lines belong to the session.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let log = program.log();
    assert!(log.contains("answered"), "the log is captured: {log}");
    assert!(
        log.contains("/v1/auth/login") && log.contains("DEBUG"),
        "{log}"
    );
    let refresh_token = refreshed.json["refresh_token"].as_str().expect("a token");
    let access_token = refreshed.json["access_token"].as_str().expect("a token");
    for secret in [
        "zebra umbrella kettle",
        "walrus mistake button",
        "loud-address",
        "secret",
        "argon2",
        "Loud Name",
        refresh_token,
        access_token,
        &again.refresh_token,
        &again.access_token,
        &me.refresh_token,
        &me.access_token,
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test]
async fn what_stands_in_an_address_is_in_no_line_of_the_log() {
    let app = TestApp::start().await;
    let program = Program::start(&app, &[("KITH_LOG", "trace")]);
    let ada = app.person("ada").await.at(&program.url);
    let anyone = Anyone::new(&program.url);
    let ticket = async || {
        let reply = ada.act("/v1/realtime/tickets").await.expect_status(200);
        reply.json["ticket"].as_str().expect("a ticket").to_owned()
    };
    let (first, second) = (ticket().await, ticket().await);
    let opened = anyone.request(Method::GET, &format!("/v1/realtime/sse?ticket={first}"));
    let stream = opened.send().await.expect("an answer");
    assert_eq!(stream.status(), 200);
    for query in [first.as_str(), "secretticket"] {
        let path = format!("/v1/realtime/sse?ticket={query}");
        anyone.get(&path).await.expect_status(401);
    }
    let socket = format!("/v1/realtime?ticket={second}");
    anyone.get(&socket).await.expect_status(400);
    // A token has no place in an address; whoever puts it there finds it in no log of ours.
    for name in ["token", "access_token", "ticket"] {
        let path = format!("/v1/realtime/sse?{name}={}", ada.access_token);
        let refused = anyone.get(&path).await;
        assert!([401, 422].contains(&refused.status), "{name}");
    }
    let polled = ada.get("/v1/realtime/poll?wait=0").await.expect_status(200);
    let cursor = polled.json["cursor"].as_str().expect("a cursor");
    let path = format!("/v1/realtime/poll?wait=0&cursor={cursor}");
    ada.get(&path).await.expect_status(204);
    drop(stream);
    let log = program.log();
    let is_captured = log.contains("/v1/realtime/sse") && log.contains("/v1/realtime/poll");
    assert!(is_captured, "{log}");
    for secret in [&first, &second, "secretticket", &ada.access_token, cursor] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
