//! What cannot be read or makes no sense is refused with a problem, and changes nothing. The lists of
//! operations come from the OpenAPI document: one that is new is tried too.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{PASSWORD, Reply, Session, TestApp};

struct Scene {
    app: TestApp,
    alice: Session,
    bob: Session,
    post: String,
    comment: String,
    circle: String,
    request: String,
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::start().await;
        let (alice, bob) = app.friends("alice", "bob").await;
        let asking = app.person("asking").await;
        let post = alice.post_to(&json!("friends"), "a post").await;
        let comment = alice.comment_on(&post, "a comment").await;
        let circle = alice.post("/v1/circles", &json!({"name": "c"})).await.id();
        let wish = json!({"user_id": alice.id});
        let request = asking.post("/v1/friend-requests", &wish).await.id();
        Self {
            app,
            alice,
            bob,
            post,
            comment,
            circle,
            request,
        }
    }

    /// A path of the document with ids of Alice's things.
    fn path(&self, template: &str) -> String {
        let id = match template.split('/').nth(2) {
            Some("posts") => &self.post,
            Some("comments") => &self.comment,
            Some("circles") => &self.circle,
            Some("friend-requests") => &self.request,
            Some("me") => &self.alice.session_id,
            _ => &self.bob.id,
        };
        template
            .replace("{id}", id)
            .replace("{user_id}", &self.bob.id)
    }

    /// Every operation that takes a body, with one that fits.
    fn bodies(&self) -> BTreeMap<&'static str, Value> {
        let content = json!({"content": "x"});
        let kind = json!({"kind": "like"});
        BTreeMap::from([
            (
                "POST /v1/auth/register",
                json!({"username": "newone", "email": "n@example.org",
                "password": PASSWORD, "display_name": "New"}),
            ),
            (
                "POST /v1/auth/login",
                json!({"login": self.alice.username, "password": PASSWORD}),
            ),
            ("POST /v1/auth/logout", json!({"refresh_token": "x"})),
            ("POST /v1/auth/refresh", json!({"refresh_token": "x"})),
            ("POST /v1/auth/reauth", json!({"password": PASSWORD})),
            (
                "POST /v1/auth/forgot-password",
                json!({"email": "a@example.org"}),
            ),
            (
                "POST /v1/auth/resend-verification",
                json!({"email": "a@example.org"}),
            ),
            (
                "POST /v1/auth/reset-password",
                json!({"token": "x", "password": PASSWORD}),
            ),
            ("POST /v1/auth/verify-email", json!({"token": "x"})),
            (
                "PUT /v1/me/password",
                json!({"current_password": PASSWORD, "new_password": "another long passphrase"}),
            ),
            ("DELETE /v1/me", json!({"password": PASSWORD})),
            ("PATCH /v1/me", json!({"bio": "x"})),
            ("PATCH /v1/me/settings", json!({"searchable": false})),
            ("POST /v1/friend-requests", json!({"user_id": self.bob.id})),
            (
                "PUT /v1/users/{id}/mute",
                json!({"until": "2099-01-01T00:00:00Z"}),
            ),
            ("POST /v1/circles", json!({"name": "new"})),
            ("PATCH /v1/circles/{id}", json!({"name": "renamed"})),
            ("POST /v1/posts", content.clone()),
            ("PATCH /v1/posts/{id}", content.clone()),
            ("PUT /v1/posts/{id}/reaction", kind.clone()),
            ("POST /v1/posts/{id}/comments", content.clone()),
            ("PATCH /v1/comments/{id}", content),
            ("PUT /v1/comments/{id}/reaction", kind),
        ])
    }

    async fn send(&self, route: &str, kind: &str, body: Vec<u8>) -> Reply {
        let (method, template) = route.split_once(' ').expect("a method and a path");
        let method: Method = method.parse().expect("a method");
        let request = self.alice.request(method, &self.path(template));
        self.alice
            .send(request.header("Content-Type", kind).body(body))
            .await
    }

    /// A digest of every row that a request may change. Events of security are told of refusals too,
    /// sessions note when they were used, jobs run by themselves.
    async fn digest(&self) -> BTreeMap<String, String> {
        let tables: Vec<String> = sqlx::query_scalar(
            "select relname::text from pg_class
             where relkind = 'r' and relnamespace = 'public'::regnamespace
               and relname not in ('security_event', 'session', 'job', 'cache_void')",
        )
        .fetch_all(&self.app.db)
        .await
        .expect("tables");
        let mut digests = BTreeMap::new();
        for table in tables {
            let question = format!(
                "select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t"
            );
            let digest: String = sqlx::query_scalar(AssertSqlSafe(question))
                .fetch_one(&self.app.db)
                .await
                .expect("a digest");
            digests.insert(table, digest);
        }
        digests
    }
}

fn document() -> Value {
    serde_json::to_value(kith::app::document()).expect("JSON")
}

/// The operations of the document, as `GET /v1/posts/{id}`.
fn operations() -> Vec<(String, Value)> {
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                found.push((
                    format!("{} {path}", method.to_uppercase()),
                    operation.clone(),
                ));
            }
        }
    }
    found
}

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
    let missing: Vec<String> = described.filter(|route| !tried.contains(route)).collect();
    assert!(missing.is_empty(), "without a body to break: {missing:#?}");
}

/// The paths of all lists, with the parameters that they demand.
fn lists(scene: &Scene) -> Vec<String> {
    let mut lists = Vec::new();
    for (route, operation) in operations() {
        let parameters = operation["parameters"].as_array().cloned();
        let parameters = parameters.unwrap_or_default();
        if !parameters
            .iter()
            .any(|parameter| parameter["name"] == "cursor")
        {
            continue;
        }
        let template = route.strip_prefix("GET ").expect("lists are read");
        let required = parameters
            .iter()
            .any(|parameter| parameter["name"] == "q" && parameter["required"] == true);
        let query = if required { "q=alice&" } else { "" };
        // One's own: some lists are for nobody else.
        let path = scene.path(template).replace(&scene.bob.id, &scene.alice.id);
        let path = if template.contains("mutual") {
            scene.path(template)
        } else {
            path
        };
        lists.push(format!("{path}?{query}"));
    }
    lists
}

#[tokio::test]
async fn every_list_refuses_wrong_limits_cursors_and_parameters() {
    let scene = Scene::set().await;
    let alice = &scene.alice;
    let lists = lists(&scene);
    assert!(lists.len() >= 15, "{lists:?}");
    let cursor_of = async |list: &str| {
        let first = alice.get(list.trim_end_matches(['?', '&'])).await;
        first.expect_status(200).prev().expect("a cursor")
    };
    let feed = cursor_of("/v1/feed").await;
    let saved = cursor_of("/v1/me/saved").await;
    for list in &lists {
        for limit in ["0", "101", "-1", "abc", "1.5", "", "99999999999999999999"] {
            alice
                .get(&format!("{list}limit={limit}"))
                .await
                .expect_problem(422, "validation_failed");
        }
        let own = cursor_of(list).await;
        alice
            .get(&format!("{list}cursor={own}"))
            .await
            .expect_status(200);
        let mut turned = own.clone().into_bytes();
        let middle = turned.len() / 2;
        turned[middle] = if turned[middle] == b'A' { b'B' } else { b'A' };
        let turned = String::from_utf8(turned).expect("ASCII");
        let cut = own.split_at(own.len() - 1).0;
        for cursor in [
            "garbage",
            "%F0%9F%98%80",
            "",
            &turned,
            cut,
            &"A".repeat(5_000),
        ] {
            alice
                .get(&format!("{list}cursor={cursor}"))
                .await
                .expect_problem(400, "invalid_cursor");
        }
        let foreign = if list.starts_with("/v1/feed") {
            &saved
        } else {
            &feed
        };
        alice
            .get(&format!("{list}cursor={foreign}"))
            .await
            .expect_problem(400, "cursor_mismatch");
        for unknown in [
            "page=2",
            "Limit=3",
            "offset=1",
            "sort=id%3Bdrop%20table%20post",
        ] {
            alice
                .get(&format!("{list}{unknown}"))
                .await
                .expect_problem(422, "validation_failed");
        }
        for unreadable in [
            "limit=1&limit=1",
            "limit=%ff",
            "limit=%zz",
            "x=%00",
            "cursor=%00",
        ] {
            let reply = alice.get(&format!("{list}{unreadable}")).await;
            assert!(
                matches!(reply.status, 400 | 422),
                "{list}{unreadable}: {}",
                reply.json
            );
        }
    }
}

#[tokio::test]
async fn a_malformed_id_in_any_path_names_nothing() {
    let scene = Scene::set().await;
    let before = scene.digest().await;
    let bodies = scene.bodies();
    let long = "x".repeat(300);
    let malformed = [
        "none",
        "%00",
        "..%2f",
        "%2e%2e%2fme",
        "%ff",
        "%F0%9F%98%80",
        "@",
        "@%00",
        "@..",
        "'%20or%201=1--",
        &long,
    ];
    for (route, operation) in operations() {
        let (method, template) = route.split_once(' ').expect("a method and a path");
        let needs_query = operation["parameters"].as_array().is_some_and(|all| {
            all.iter()
                .any(|one| one["in"] == "query" && one["required"] == true)
        });
        assert!(!template.contains('{') || !needs_query, "{route}");
        let names = template.split('/').filter(|part| part.starts_with('{'));
        for (name, bad) in names.flat_map(|name| malformed.map(|bad| (name, bad))) {
            let path = scene.path(&template.replace(name, bad));
            let request = scene
                .alice
                .request(method.parse().expect("a method"), &path);
            let request = match bodies.get(route.as_str()) {
                Some(body) => request.json(body),
                None => request,
            };
            let reply = scene.alice.send(request).await;
            assert_eq!(reply.status, 404, "{route} {bad}: {:#}", reply.json);
            reply.expect_problem(404, "not_found");
        }
    }
    assert_eq!(scene.digest().await, before);
}

#[tokio::test]
async fn lists_of_ids_are_bounded_and_read_strictly() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let many = vec![alice.id.clone(); 101].join(",");
    for path in ["/v1/users", "/v1/posts", "/v1/relationships"] {
        alice
            .get(path)
            .await
            .expect_problem(422, "validation_failed");
        for bad in ["none", "", ",", "%00", &many] {
            let reply = alice.get(&format!("{path}?ids={bad}")).await;
            assert!(
                matches!(reply.status, 400 | 422) || reply.json["data"] == json!([]),
                "{path} {bad}: {} {:#}",
                reply.status,
                reply.json
            );
        }
        let reply = alice.get(&format!("{path}?ids={many}")).await;
        reply.expect_problem(422, "validation_failed");
    }
}

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
