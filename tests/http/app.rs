//! The application under test.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpMessage as _, HttpRequest, HttpResponse, HttpServer, web};
use kith::infra::meter::{self, Layer};
use kith::kernel::cursor::CursorCodec;
use kith::kernel::page::{Direction, RankKey, Slice};
use kith::kernel::text::Refusal;
use kith::kernel::{Code, Error, IdFactory, PostId};
use kith::platform::Answer;
use kith::platform::http::{
    Body, BodyDigest, BodyLimit, ClientAddress, HttpResult, HttpSetup, IdList, IfMatch, Listing,
    NoFilter, OpenCosts, Params, PathOf, PublicUrl, RouteTable, TrustedProxies, UserRef,
    catch_panics, cors, envelope, json_with_etag, no_content, not_found, ok,
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

pub(crate) const ID: &str = "01938b2f-5a00-7000-8000-000000000001";
pub(crate) const ORIGIN: &str = "https://app.example.org";

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

async fn create(req: HttpRequest, body: Body<Form>) -> HttpResult<HttpResponse> {
    let digest = req.extensions().get::<BodyDigest>().map(|digest| digest.0);
    let shown =
        json!({"name": body.name.0, "age": body.age, "tags": body.tags.len(), "digest": digest});
    Ok(Answer::created("/v1/things/1".to_owned(), 1, &shown)?.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThingFilter {
    order: Option<String>,
}

pub(crate) const ROWS: i64 = 45;

/// The numbers 45 to 1, as a list.
async fn list(listing: Listing<ThingFilter>) -> HttpResult<HttpResponse> {
    let _ = &listing.filter.order;
    let row = |n: i64| (RankKey(n, Uuid::nil()), n);
    let walk = |slice: &Slice<RankKey>| -> Vec<(RankKey, i64)> {
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

/// Asks the cache as a real handler would, for nothing.
async fn asking() -> HttpResponse {
    meter::cache("post", Layer::L1, 19, Some(30));
    meter::cache("user", Layer::L2, 1, None);
    meter::redis(Duration::from_micros(300));
    ok("asked")
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
        .route("/v1/asking", web::get().to(asking))
        .route("/v1/asking", web::post().to(asking))
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
        costs: OpenCosts(true),
    }
}

/// Starts the application and gives its address.
pub(crate) fn start() -> String {
    let server = HttpServer::new(|| {
        App::new()
            .configure(|cfg| setup().install(cfg))
            .configure(routes)
            .default_service(web::to(not_found))
            .wrap(from_fn(catch_panics))
            .wrap(Compress::default())
            .wrap(cors(&[ORIGIN.to_owned()]))
            .wrap(from_fn(envelope))
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
