//! The HTTP conventions over a real socket, with a small application around them.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use kith::kernel::ids::Id as _;
use kith::kernel::page::{CursorCodec, Direction, RankKey};
use kith::kernel::text::Refusal;
use kith::kernel::{Code, Error, IdFactory, PostId};
use kith::platform::http::{
    Body, BodyLimit, ClientAddress, HttpResult, HttpSetup, IdList, IfMatch, Listing, NoFilter,
    Params, PathOf, PublicUrl, RouteTable, TrustedProxies, UserRef, catch_panics, cors, created,
    door, json_with_etag, no_content, not_found, ok,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

const ID: &str = "01938b2f-5a00-7000-8000-000000000001";
const ORIGIN: &str = "https://app.example.org";

// ---- the application under test ----

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        kith::kernel::text::check(&text, 3, 10, false).map(|()| Self(text))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    name: Name,
    age: u8,
    #[serde(default)]
    tags: Vec<Name>,
}

async fn create(body: Body<Form>) -> HttpResult<HttpResponse> {
    let shown = json!({"name": body.name.0, "age": body.age, "tags": body.tags.len()});
    Ok(created("/v1/things/1", Some(1), shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThingFilter {
    order: Option<String>,
}

const ROWS: i64 = 45;

/// The numbers 45 to 1, as a list.
async fn list(listing: Listing<ThingFilter>) -> HttpResult<HttpResponse> {
    let _ = &listing.filter.order;
    let row = |n: i64| (RankKey(n, Uuid::nil()), n);
    let walk = |slice: &kith::kernel::page::Slice<RankKey>| -> Vec<(RankKey, i64)> {
        let take = usize::try_from(slice.fetch()).expect("small");
        let start = slice.bound(slice.direction == Direction::Prev).0;
        match slice.direction {
            Direction::Next => (1..=ROWS)
                .rev()
                .filter(|n| *n < start)
                .take(take)
                .map(row)
                .collect(),
            Direction::Prev => (1..=ROWS)
                .filter(|n| *n > start)
                .take(take)
                .map(row)
                .collect(),
        }
    };
    if let Some(around) = &listing.around {
        let n = around.parse().map_err(|_none| Error::not_found())?;
        let (newer, older) = listing.slices_around(&RankKey(n, Uuid::nil()));
        let mut rows = vec![row(n)];
        rows.extend(walk(&older));
        let page = older.page(rows).preceded_by(newer.page(walk(&newer)));
        return Ok(listing.respond(page));
    }
    let slice = listing.slice()?;
    Ok(listing.respond(slice.page(walk(&slice))))
}

async fn other_list(listing: Listing<NoFilter>) -> HttpResult<HttpResponse> {
    let slice = listing.slice::<RankKey>()?;
    Ok(listing.respond(slice.page(Vec::<(RankKey, i64)>::new())))
}

async fn get_thing(req: HttpRequest, id: PathOf<PostId>) -> HttpResponse {
    json_with_etag(&req, 4, &json!({"id": id.to_string()}))
}

async fn edit_thing(_: PathOf<PostId>, if_match: IfMatch) -> HttpResult<HttpResponse> {
    if_match.check(4)?;
    Ok(no_content())
}

async fn get_person(person: PathOf<UserRef>) -> HttpResponse {
    ok(format!("{:?}", *person))
}

#[derive(Deserialize)]
struct Batch {
    ids: IdList<PostId>,
    deep: Option<bool>,
}

async fn batch(params: Params<Batch>) -> HttpResponse {
    ok(json!({"ids": params.ids.0, "deep": params.deep}))
}

async fn whoami(client: ClientAddress) -> HttpResponse {
    ok(json!({"address": client.address, "agent": client.user_agent}))
}

async fn panicking() -> HttpResponse {
    panic!("this handler panics on purpose");
}

async fn failing() -> HttpResult<HttpResponse> {
    Err(Error::internal(anyhow::anyhow!("secret cause")))?
}

async fn limited() -> HttpResult<HttpResponse> {
    Err(Error::from(Code::RateLimited).with_retry_after(7))?
}

async fn unsigned() -> HttpResult<HttpResponse> {
    Err(Error::from(Code::Unauthenticated))?
}

async fn unready() -> HttpResponse {
    HttpResponse::ServiceUnavailable().json(json!({"status": "draining"}))
}

fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/v1/things", web::post().to(create))
        .route("/v1/things", web::get().to(list))
        .route("/v1/others", web::get().to(other_list))
        .service(
            web::resource("/v1/things/{id}")
                .route(web::get().to(get_thing))
                .route(web::put().to(edit_thing)),
        )
        .route("/v1/people/{id}", web::get().to(get_person))
        .route("/v1/batch", web::get().to(batch))
        .route("/v1/whoami", web::get().to(whoami))
        .route("/v1/panic", web::get().to(panicking))
        .route("/v1/failing", web::get().to(failing))
        .route("/v1/limited", web::get().to(limited))
        .route("/v1/unsigned", web::get().to(unsigned))
        .route("/readyz", web::get().to(unready))
        .route("/docs/", web::get().to(|| async { "docs" }));
}

fn setup() -> HttpSetup {
    let table = [
        ("/v1/things", vec![Method::GET, Method::POST]),
        ("/v1/things/{id}", vec![Method::GET, Method::PUT]),
        ("/v1/panic", vec![Method::GET]),
    ];
    let table = table
        .into_iter()
        .map(|(path, methods)| (path.to_owned(), methods))
        .collect();
    HttpSetup {
        public_url: PublicUrl("https://api.example.org".to_owned()),
        body_limit: BodyLimit::default(),
        cursors: CursorCodec::new(vec![[3; 32]]),
        ids: IdFactory::seeded(1),
        proxies: TrustedProxies(Arc::new(|address| {
            address == IpAddr::V4(Ipv4Addr::LOCALHOST)
        })),
        routes: RouteTable::new(table, true),
    }
}

/// Starts the application and gives its address.
fn start() -> String {
    let server = HttpServer::new(|| {
        App::new()
            .configure(|cfg| setup().install(cfg))
            .configure(routes)
            .default_service(web::to(not_found))
            .wrap(from_fn(catch_panics))
            .wrap(Compress::default())
            .wrap(cors(&[ORIGIN.to_owned()]))
            .wrap(from_fn(door))
    });
    let server = server
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .expect("a free port");
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    format!("http://{address}")
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

async fn get(url: String) -> Response {
    send(Client::new().get(url)).await
}

fn head<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().expect("text"))
}

/// Checks that a response is a whole problem and gives its body.
async fn problem(response: Response, status: u16, code: &str) -> Value {
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
fn faults(body: &Value) -> Vec<String> {
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

// ---- bodies ----

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

// ---- paths, parameters, methods ----

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

// ---- errors and the door ----

#[actix_web::test]
async fn a_panic_is_a_500_that_tells_nothing_and_reaches_the_page() {
    let base = start();
    for path in ["panic", "failing", "panic"] {
        let request = Client::new()
            .get(format!("{base}/v1/{path}"))
            .header("origin", ORIGIN);
        let response = send(request).await;
        assert_eq!(head(&response, "access-control-allow-origin"), ORIGIN);
        assert_eq!(head(&response, "cache-control"), "no-store");
        let body = problem(response, 500, "internal").await.to_string();
        assert!(
            !body.contains("purpose") && !body.contains("secret"),
            "{body}"
        );
    }
}

#[actix_web::test]
async fn refusals_carry_their_headers() {
    let base = start();
    let response = get(format!("{base}/v1/limited")).await;
    assert_eq!(head(&response, "retry-after"), "7");
    problem(response, 429, "rate_limited").await;
    let response = get(format!("{base}/v1/unsigned")).await;
    assert_eq!(head(&response, "www-authenticate"), "Bearer");
    problem(response, 401, "unauthenticated").await;
    let html = Client::new()
        .get(format!("{base}/v1/whoami"))
        .header("accept", "text/html");
    problem(send(html).await, 406, "not_acceptable").await;
    let ready = get(format!("{base}/readyz")).await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        ready.json::<Value>().await.expect("JSON"),
        json!({"status": "draining"})
    );
}

#[actix_web::test]
async fn the_request_id_is_echoed_or_made() {
    let base = start();
    let with = |id: &str| {
        Client::new()
            .get(format!("{base}/v1/whoami"))
            .header("x-request-id", id)
    };
    assert_eq!(
        head(&send(with("mine-1.2_3")).await, "x-request-id"),
        "mine-1.2_3"
    );
    assert_eq!(head(&send(with("not fit")).await, "x-request-id").len(), 32);
    let missing = Client::new()
        .get(format!("{base}/v1/none"))
        .header("x-request-id", "e-1");
    assert_eq!(
        problem(send(missing).await, 404, "not_found").await["request_id"],
        "e-1"
    );
}

#[actix_web::test]
async fn every_answer_has_the_headers_of_the_house() {
    let base = start();
    let api = get(format!("{base}/v1/whoami")).await;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("strict-transport-security", "max-age=31536000"),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(head(&api, name), value, "{name}");
    }
    assert!(head(&api, "vary").starts_with("Authorization, Accept, Origin"));
    let docs = get(format!("{base}/docs/")).await;
    assert!(head(&docs, "content-security-policy").contains("'self'"));
    assert_eq!(head(&docs, "x-frame-options"), "");
}

#[actix_web::test]
async fn a_copy_that_is_current_is_304_and_a_stale_edit_412() {
    let url = format!("{}/v1/things/{ID}", start());
    let first = get(url.clone()).await;
    assert_eq!(head(&first, "cache-control"), "private, no-cache");
    let tag = head(&first, "etag").to_owned();
    let again = send(Client::new().get(&url).header("if-none-match", &tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(head(&again, "etag"), tag);
    assert!(again.bytes().await.expect("a body").is_empty());
    let edit = |tag: &str| Client::new().put(&url).header("if-match", tag);
    assert_eq!(send(edit(&tag)).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(send(edit("*")).await.status(), StatusCode::NO_CONTENT);
    for stale in ["\"3-0011223344556677\"", "nonsense"] {
        problem(send(edit(stale)).await, 412, "precondition_failed").await;
    }
}

// ---- lists ----

#[actix_web::test]
async fn a_list_is_walked_by_its_cursors_and_its_links_agree() {
    let base = start();
    let mut url = format!("{base}/v1/things?order=x%26y&limit=20");
    let mut seen: Vec<i64> = Vec::new();
    loop {
        let response = get(url.clone()).await;
        let link = head(&response, "link").to_owned();
        let body: Value = response.json().await.expect("JSON");
        seen.extend(
            body["data"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Value::as_i64),
        );
        let at = |cursor: &Value| {
            let cursor = cursor.as_str().expect("a cursor");
            format!("https://api.example.org/v1/things?order=x%26y&limit=20&cursor={cursor}")
        };
        let prev = format!("<{}>; rel=\"prev\"", at(&body["page"]["prev"]));
        if body["page"]["next"].is_null() {
            assert_eq!(link, prev);
            break;
        }
        let next = at(&body["page"]["next"]);
        assert_eq!(link, format!("<{next}>; rel=\"next\", {prev}"));
        url = next.replace("https://api.example.org", &base);
    }
    assert_eq!(seen, (1..=ROWS).rev().collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_list_can_be_opened_around_an_item() {
    let base = start();
    let body: Value = get(format!("{base}/v1/things?around=30&limit=4"))
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(body["data"], json!([32, 31, 30, 29]));
    for (cursor, expected) in [("next", [28, 27, 26, 25]), ("prev", [36, 35, 34, 33])] {
        let cursor = body["page"][cursor].as_str().expect("a cursor");
        let more = get(format!("{base}/v1/things?limit=4&cursor={cursor}")).await;
        assert_eq!(
            more.json::<Value>().await.expect("JSON")["data"],
            json!(expected)
        );
    }
    let body = problem(
        get(format!("{base}/v1/others?around=3")).await,
        422,
        "validation_failed",
    );
    assert_eq!(faults(&body.await), ["?around unknown_parameter"]);
}

#[actix_web::test]
async fn limits_and_cursors_are_checked() {
    let base = start();
    for limit in ["0", "101", "-1", "x", ""] {
        let response = get(format!("{base}/v1/things?limit={limit}&page=2")).await;
        let body = problem(response, 422, "validation_failed").await;
        assert_eq!(
            faults(&body),
            ["?limit out_of_range", "?page unknown_parameter"],
            "{limit}"
        );
    }
    let empty: Value = get(format!("{base}/v1/others"))
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(
        (&empty["data"], &empty["page"]["next"]),
        (&json!([]), &Value::Null)
    );
    let foreign = empty["page"]["prev"].as_str().expect("always given");
    let url = format!("{base}/v1/things?cursor=");
    problem(get(format!("{url}{foreign}")).await, 400, "cursor_mismatch").await;
    problem(get(format!("{url}AAAA")).await, 400, "invalid_cursor").await;
    let forged = CursorCodec::new(vec![[9; 32]]);
    let forged = forged.seal::<RankKey>(None, Direction::Next, "/v1/things?");
    problem(get(format!("{url}{forged}")).await, 400, "invalid_cursor").await;
    let body: Value = get(format!("{base}/v1/things?limit=1"))
        .await
        .json()
        .await
        .expect("JSON");
    let cursor = body["page"]["next"].as_str().expect("a cursor");
    problem(
        get(format!("{url}{cursor}&order=x")).await,
        400,
        "cursor_mismatch",
    )
    .await;
    let id = PostId::from_uuid(Uuid::nil());
    assert_eq!(id.uuid(), Uuid::nil());
}

// ---- who is asking ----

#[actix_web::test]
async fn only_listed_origins_may_call_from_a_browser() {
    let base = start();
    let preflight = |origin: &str| {
        Client::new()
            .request(reqwest::Method::OPTIONS, format!("{base}/v1/things"))
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .header(
                "access-control-request-headers",
                "authorization,idempotency-key,if-match",
            )
    };
    let allowed = send(preflight(ORIGIN)).await;
    assert_eq!(allowed.status(), StatusCode::OK);
    assert_eq!(head(&allowed, "access-control-allow-origin"), ORIGIN);
    assert_eq!(head(&allowed, "access-control-allow-credentials"), "true");
    assert_eq!(head(&allowed, "access-control-max-age"), "3600");
    for refused in [
        "null",
        "https://app.example.org.evil.example",
        "http://app.example.org",
    ] {
        let response = send(preflight(refused)).await;
        assert_eq!(head(&response, "access-control-allow-origin"), "");
        let body = problem(response, 403, "forbidden").await;
        assert!(
            body["detail"]
                .as_str()
                .is_some_and(|d| d.contains("KITH_ALLOWED_ORIGINS"))
        );
        let plain = Client::new()
            .get(format!("{base}/v1/whoami"))
            .header("origin", refused);
        assert_eq!(head(&send(plain).await, "access-control-allow-origin"), "");
    }
    let plain = Client::new()
        .get(format!("{base}/v1/nothing"))
        .header("origin", ORIGIN);
    let response = send(plain).await;
    assert_eq!(head(&response, "access-control-allow-origin"), ORIGIN);
    let exposed = head(&response, "access-control-expose-headers").to_lowercase();
    assert!(
        exposed.contains("x-request-id") && exposed.contains("link"),
        "{exposed}"
    );
}

#[actix_web::test]
async fn a_forged_forwarding_header_changes_no_address() {
    let base = start();
    let address = async |hops: &str| {
        let request = Client::new()
            .get(format!("{base}/v1/whoami"))
            .header("x-forwarded-for", hops);
        let body: Value = send(request).await.json().await.expect("JSON");
        body["address"].as_str().expect("text").to_owned()
    };
    // The peer is trusted here; whatever stands left of the first stranger is hearsay.
    assert_eq!(address("1.1.1.1, 203.0.113.9").await, "203.0.113.9");
    assert_eq!(
        address("1.1.1.1, 203.0.113.9, 127.0.0.1").await,
        "203.0.113.9"
    );
    assert_eq!(address("nonsense").await, "127.0.0.1");
}
