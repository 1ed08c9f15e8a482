//! Limits as clients meet them.

use std::collections::BTreeSet;
use std::time::Duration;

use kith::platform::limits::Subject;
use kith::platform::limits::policies::{ALL, SIGN_IN};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Anyone, PASSWORD, Reply, TestApp, mode};

/// A file of figures, which must outlive the start.
fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("writes");
    file
}

pub fn seconds(reply: &Reply, header: &str) -> u64 {
    let text = reply.header(header).expect(header);
    text.parse().expect("a number")
}

pub async fn sign_in(anyone: &Anyone, login: &str, password: &str) -> Reply {
    let body = json!({"login": login, "password": password});
    anyone.post("/v1/auth/login", &body).await
}

#[tokio::test]
async fn call_q_plus_one_is_refused_for_as_long_as_it_says() {
    let app = TestApp::start_limited("[circle]\nquota = 3\nwindow = \"1s\"", &[]).await;
    let ada = app.person("ada").await;
    for left in ["2", "1", "0"] {
        let made = ada.post("/v1/circles", &json!({"name": left})).await;
        let made = made.expect_status(201);
        assert_eq!(made.header("x-ratelimit-remaining").as_deref(), Some(left));
        assert_eq!(made.header("x-ratelimit-limit").as_deref(), Some("3"));
    }
    let circle = json!({"name": "more"});
    let refused = ada.post("/v1/circles", &circle).await;
    for _ in 0..20 {
        let again = ada.post("/v1/circles", &circle).await;
        again.expect_problem(429, "rate_limited");
    }
    let wait = seconds(&refused, "retry-after");
    assert_eq!(wait, seconds(&refused, "x-ratelimit-reset"));
    let told = refused.header("ratelimit").expect("a header");
    assert!(told.contains(&format!("\"circle\";r=0;t={wait}")), "{told}");
    let policy = refused.header("ratelimit-policy").expect("a header");
    assert_eq!(policy, "\"general\";q=300;w=300, \"circle\";q=3;w=1");
    refused.expect_problem(429, "rate_limited");
    let bob = app.person("bob").await;
    bob.post("/v1/circles", &circle).await.expect_status(201);
    ada.get("/v1/circles").await.expect_status(200);
    tokio::time::sleep(Duration::from_secs(wait)).await;
    // The twenty refusals cost nothing.
    ada.post("/v1/circles", &circle).await.expect_status(201);
}

#[tokio::test]
async fn a_path_that_is_written_otherwise_counts_alike() {
    let app = TestApp::start_limited("[circle]\nquota = 3", &[]).await;
    let ada = app.person("ada").await;
    for path in ["/v1/circles", "/v1/%63ircles", "/%761/circles"] {
        let made = ada.post(path, &json!({"name": path})).await;
        made.expect_status(201);
    }
    let refused = ada.post("/v%31/circle%73", &json!({"name": "more"})).await;
    refused.expect_problem(429, "rate_limited");
    let anyone = app.anyone();
    let left = async |path: &str| seconds(&anyone.get(path).await, "x-ratelimit-remaining");
    let before = left("/v1/meta").await;
    assert_eq!(left("/%761/meta").await, before - 1);
    assert_eq!(left("/v1/%6deta").await, before - 2);
    assert_eq!(left("/v%31/nothing").await, before - 3);
}

#[tokio::test]
async fn twenty_calls_at_once_count_twenty_and_a_refusal_by_one_limit_costs_none_of_another() {
    let app = TestApp::start_limited("[circle]\nquota = 12", &[]).await;
    let ada = app.person("ada").await;
    let calls = (0..20).map(|number| {
        let ada = ada.clone();
        async move {
            ada.post("/v1/circles", &json!({"name": number.to_string()}))
                .await
        }
    });
    let replies = futures_util::future::join_all(calls).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    let refused = replies.iter().filter(|reply| reply.status == 429).count();
    assert_eq!((made, refused), (12, 8));
    let next = ada.get("/v1/circles").await.expect_status(200);
    // Twelve circles and this call.
    assert_eq!(seconds(&next, "x-ratelimit-remaining"), 300 - 13);
}

#[tokio::test]
async fn the_general_limit_counts_the_whole_api_and_nothing_of_operations() {
    let app = TestApp::start_limited("[general]\nquota = 4", &[]).await;
    let anyone = app.anyone();
    for path in [
        "/v1/meta",
        "/v1/nothing-here",
        "/v1/me",
        "/v1/meta?surprise=1",
    ] {
        let reply = anyone.get(path).await;
        assert_ne!(reply.status, 429, "{path}");
        assert!(reply.header("ratelimit").is_some(), "{path}");
    }
    let refused = anyone.get("/v1/meta").await;
    refused.expect_problem(429, "rate_limited");
    for path in ["/livez", "/readyz", "/openapi.json", "/docs/errors"] {
        let reply = anyone.get(path).await;
        assert!(reply.status < 400, "{path}: {}", reply.status);
        assert!(reply.header("ratelimit").is_none(), "{path}");
    }
    let options = anyone
        .send(anyone.request(Method::OPTIONS, "/v1/meta"))
        .await;
    assert!(options.status < 300, "{}", options.status);
}

#[tokio::test]
async fn people_are_counted_wherever_they_are_and_strangers_by_address() {
    let app = TestApp::start_limited(
        "[general]\nquota = 6",
        &[("KITH_TRUSTED_PROXIES", "127.0.0.1")],
    )
    .await;
    let ada = app.person("ada").await;
    let from = |who: &Anyone, address: &str| {
        who.request(Method::GET, "/v1/meta")
            .header("X-Forwarded-For", address)
    };
    for number in 0..6 {
        let reply = ada.send(from(&ada, &format!("203.0.113.{number}"))).await;
        reply.expect_status(200);
    }
    ada.send(from(&ada, "203.0.113.9")).await.expect_status(429);
    let anyone = app.anyone();
    for number in 0..6 {
        let inside = format!("2001:db8:1:2:{number}::1");
        anyone.send(from(&anyone, &inside)).await.expect_status(200);
    }
    let same_network = anyone.send(from(&anyone, "2001:db8:1:2:ffff::2")).await;
    same_network.expect_status(429);
    let another = anyone.send(from(&anyone, "2001:db8:1:3::1")).await;
    another.expect_status(200);
}

#[tokio::test]
async fn whoever_is_no_trusted_proxy_makes_up_no_address() {
    let app = TestApp::start_limited("[general]\nquota = 3", &[]).await;
    let anyone = app.anyone();
    let mut passed = 0;
    for number in 0..6 {
        let request = anyone.request(Method::GET, "/v1/meta");
        let spoofed = request.header("X-Forwarded-For", format!("203.0.113.{number}"));
        passed += u32::from(anyone.send(spoofed).await.status == 200);
    }
    assert_eq!(passed, 3);
}

#[tokio::test]
async fn a_sign_in_is_counted_only_when_it_fails_and_by_address_too() {
    let app =
        TestApp::start_limited("[sign_in]\nquota = 2\n[sign_in_address]\nquota = 5", &[]).await;
    app.register("ada").await;
    let anyone = app.anyone();
    for _ in 0..4 {
        let right = sign_in(&anyone, "ada", PASSWORD).await.expect_status(200);
        let told = right.header("ratelimit").expect("a header");
        assert!(!told.contains("sign_in"), "{told}");
        sign_in(&anyone, "Ada", "wrong").await.expect_status(401);
    }
    // Four failures from here; a fifth, and nobody signs in from here.
    let fifth = sign_in(&anyone, "nobody", "wrong").await;
    let told = fifth.header("ratelimit").expect("a header");
    assert!(told.contains("\"sign_in_address\";r=0"), "{told}");
    fifth.expect_problem(401, "invalid_credentials");
    let refused = sign_in(&anyone, "ada", PASSWORD).await;
    assert!(seconds(&refused, "retry-after") > 200);
    refused.expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn registration_counts_accounts_and_taken_names_and_not_what_is_invalid() {
    let app = TestApp::start_limited("[registration]\nquota = 3", &[]).await;
    let anyone = app.anyone();
    let register = |name: &str, password: &str| {
        let body = json!({"username": name, "email": format!("{name}@example.org"),
            "password": password, "display_name": name});
        let anyone = anyone.clone();
        async move { anyone.post("/v1/auth/register", &body).await }
    };
    for _ in 0..5 {
        register("ada", "x").await.expect_status(422);
        register("ada", "password123").await.expect_status(422);
    }
    register("ada", PASSWORD).await.expect_status(201);
    register("ada", PASSWORD).await.expect_status(409);
    register("bob", PASSWORD).await.expect_status(201);
    let refused = register("eve", PASSWORD).await;
    assert!(seconds(&refused, "retry-after") > 1_700);
    refused.expect_problem(429, "rate_limited");
    assert_eq!(sign_in(&anyone, "eve", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn password_mails_are_three_an_hour_whether_or_not_there_is_such_an_account() {
    let app = TestApp::start_limited("", &[("KITH_TRUSTED_PROXIES", "127.0.0.1")]).await;
    app.register("ada").await;
    let anyone = app.anyone();
    let ask = |email: &str, address: &str| {
        let request = anyone.request(Method::POST, "/v1/auth/forgot-password");
        let request = request.header("X-Forwarded-For", address);
        request.json(&json!({ "email": email }))
    };
    for email in ["ada@example.org", "nobody@example.org"] {
        let mut told = Vec::new();
        for number in 0..5 {
            let address = format!("203.0.113.{number}");
            let reply = anyone.send(ask(email, &address)).await;
            told.push((reply.status, reply.header("ratelimit-policy")));
        }
        let statuses: Vec<u16> = told.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [202, 202, 202, 429, 429], "{email}");
        let policy = told[4].1.as_deref().expect("a header");
        assert_eq!(policy.matches("password_mail").count(), 1, "{policy}");
    }
    let mut statuses = Vec::new();
    for number in 0..4 {
        let email = format!("somebody{number}@example.org");
        statuses.push(anyone.send(ask(&email, "198.51.100.1")).await.status);
    }
    assert_eq!(statuses, [202, 202, 202, 429], "from one address");
}

#[tokio::test]
async fn an_admin_makes_a_limit_forget_somebody() {
    let app = TestApp::start_limited("[sign_in]\nquota = 1", &[]).await;
    let (ada, bob) = (app.register("ada").await, app.register("bob").await);
    sqlx::query("update account set role = 'admin' where username = 'ada'")
        .execute(&app.db)
        .await
        .expect("promoted");
    app.wait_until_voids_are_delivered().await;
    let anyone = app.anyone();
    sign_in(&anyone, "bob", "wrong").await.expect_status(401);
    sign_in(&anyone, "bob", PASSWORD).await.expect_status(429);
    let path = "/v1/admin/limits/sign_in/account:bob";
    bob.delete(path).await.expect_problem(403, "forbidden");
    for (nothing, advice) in [
        ("nothing/account:bob", "These are: general, "),
        ("sign_in/bob", "account:NAME"),
        ("post/account:bob", "`user:ID` or `address:ADDRESS`"),
        ("sign_in/address:192.0.2.1", "`account:NAME`"),
    ] {
        let path = format!("/v1/admin/limits/{nothing}");
        let refused = ada.delete(&path).await.expect_problem(404, "not_found");
        let detail = refused.json["detail"].to_string();
        assert!(detail.contains(advice), "{detail}");
    }
    ada.delete(path).await.expect_status(204);
    sign_in(&anyone, "bob", PASSWORD).await.expect_status(200);
}

#[tokio::test]
async fn names_are_kept_nowhere_in_clear() {
    let check = Subject::Account("ada@example.org".to_owned()).check(&SIGN_IN);
    assert!(!check.place().contains("ada"), "{}", check.place());
}

fn document() -> Value {
    serde_json::to_value(kith::app::document()).expect("JSON")
}

#[test]
fn every_limit_of_a_route_is_one_of_a_route_that_is_there() {
    let document = document();
    let names: BTreeSet<&str> = ALL.iter().map(|policy| policy.name).collect();
    assert_eq!(names.len(), ALL.len(), "every limit has a name of its own");
    for limit in kith::app::LIMITS.iter().copied().flatten() {
        let operation = &document["paths"][limit.path][limit.method.to_lowercase()];
        assert!(operation.is_object(), "{} {}", limit.method, limit.path);
        assert!(names.contains(limit.policy.name), "{}", limit.policy.name);
    }
}

#[test]
fn every_route_that_creates_has_a_limit_of_its_own_and_every_route_says_429() {
    let document = document();
    let limits: Vec<_> = kith::app::LIMITS.iter().copied().flatten().collect();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let Some(answers) = operation["responses"].as_object() else {
                continue;
            };
            let in_api = path.starts_with("/v1/");
            assert_eq!(answers.contains_key("429"), in_api, "{method} {path}");
            let own = limits
                .iter()
                .any(|limit| limit.path == path && limit.method.eq_ignore_ascii_case(method));
            let creates = method == "post" && answers.contains_key("201");
            assert!(own || !creates, "{method} {path} has no limit");
        }
    }
}

#[tokio::test]
async fn two_instances_count_together_where_there_is_redis() {
    let file = file("[circle]\nquota = 3\n[sign_in]\nquota = 2");
    let path = file.path().to_str().expect("UTF-8");
    let settings = [("KITH_LIMITS", "on"), ("KITH_LIMITS_FILE", path)];
    let app = TestApp::start_with(&settings).await;
    if !mode::needs("Redis", app.ctx.config().redis_url.is_some()) {
        return;
    }
    let beside = app.start_beside(&settings).await;
    for one in [&app, &beside] {
        while !one.ctx.redis().is_up() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let ada = app.person("ada").await;
    let there = beside.anyone().with_token(&ada.access_token);
    for left in ["2", "1", "0"] {
        let circle = json!({ "name": left });
        let made = if left == "1" {
            there.post("/v1/circles", &circle).await
        } else {
            ada.post("/v1/circles", &circle).await
        };
        let made = made.expect_status(201);
        assert_eq!(made.header("x-ratelimit-remaining").as_deref(), Some(left));
    }
    let refused = there.post("/v1/circles", &json!({"name": "more"})).await;
    refused.expect_status(429);
    for one in [&app, &beside] {
        let wrong = sign_in(&one.anyone(), "nobody", "wrong").await;
        wrong.expect_status(401);
    }
    let refused = sign_in(&app.anyone(), "nobody", "wrong").await;
    refused.expect_status(429);
}

/// Frames of a command are requests: many in one count as many.
#[tokio::test]
async fn each_frame_of_a_command_counts() {
    let app = TestApp::start_limited("[general]\nquota = 12", &[]).await;
    let ada = app.person("ada").await;
    let left = seconds(&ada.get("/v1/me").await, "x-ratelimit-remaining");
    let frames: Vec<Value> = (1..=3).map(|id| json!({"op": "ping", "id": id})).collect();
    let send = async |frames: &[Value]| {
        let request = ada.request(Method::POST, "/v1/realtime/commands");
        ada.send(request.json(frames)).await.expect_status(200)
    };
    send(&frames).await;
    let then = seconds(&ada.get("/v1/me").await, "x-ratelimit-remaining");
    assert_eq!(then, left - 4);
    let many: Vec<Value> = (1..=32).map(|id| json!({"op": "ping", "id": id})).collect();
    let replies = send(&many).await.json;
    let refused = replies.as_array().expect("replies").iter();
    let refused = refused.filter(|reply| reply["err"]["code"] == "rate_limited");
    assert_eq!(refused.count(), 32 - usize::try_from(then).expect("few"));
}
