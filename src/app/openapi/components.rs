//! What operations refer to: the answers that are problems, the headers of answers, and schemas
//! that no operation brings along by itself.

use serde_json::json;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, Content, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::domains::posts::SharedPost;
use crate::platform::http::{ProblemBody, UserRef};
use crate::platform::limits;

/// Statuses of problems, with what each says.
const PROBLEMS: &[(&str, &str)] = &[
    ("308", "A former username: `Location` has today's"),
    ("400", "The request could not be read"),
    ("401", "Not signed in, or the token is no good"),
    ("403", "Not allowed"),
    ("404", "Absent, or not visible to you"),
    ("405", "The method is not allowed here"),
    (
        "406",
        "`Accept` leaves out what is produced: JSON, or a stream of events",
    ),
    ("409", "The current state forbids it"),
    ("410", "It was there and will not come back"),
    ("412", "`If-Match` names an older version"),
    ("413", "The body is too large"),
    ("415", "The body must be JSON"),
    ("422", "Understood, but not valid: see `errors`"),
    ("429", "Too many requests: see `Retry-After`"),
    ("500", "A fault of ours"),
    ("503", "A part is away: see `Retry-After`"),
];

/// Headers of answers, with what each says. Those that end in seconds are numbers.
const HEADERS: &[(&str, &str)] = &[
    (
        "X-Request-Id",
        "Names this request in the log: quote it when reporting a fault",
    ),
    (
        "Cache-Control",
        "Who may keep the answer: its viewer alone, or nobody",
    ),
    (
        "ETag",
        "Names this state of the object, for `If-None-Match` and `If-Match`",
    ),
    ("Location", "Where it is"),
    ("Link", "The next and the previous page (RFC 8288)"),
    (
        "Idempotent-Replayed",
        "`true` when this answer was given before, to the same `Idempotency-Key`",
    ),
    ("Retry-After", "Seconds after which another try makes sense"),
    ("Allow", "The methods that are allowed"),
    ("WWW-Authenticate", "`Bearer`: send an access token"),
];

/// Adds them all.
pub(super) fn complete(components: &mut Components) {
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    for (name, description) in HEADERS.iter().chain(&limits::HEADERS) {
        let header = RefOr::T(header(name, description));
        components.headers.insert((*name).to_owned(), header);
    }
    for (status, description) in PROBLEMS {
        components.responses.insert(
            format!("Problem{status}"),
            RefOr::T(problem(status, description)),
        );
    }
    add_schemas(components);
    demand_words_or_share(components);
    name_list_items(components);
}

/// Describes the header `name` of a response.
pub(super) fn add_header(response: &mut Response, name: &str) {
    let reference = Ref::new(format!("#/components/headers/{name}"));
    response
        .headers
        .insert(name.to_owned(), RefOr::Ref(reference));
}

fn header(name: &str, description: &str) -> Header {
    let kind = match name {
        "Retry-After" => Type::Integer,
        name if name.starts_with("X-RateLimit-") => Type::Integer,
        _ => Type::String,
    };
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(kind)))
        .description(Some(description))
        .build()
}

/// The media type of every answer that is an error.
pub(super) const PROBLEM: &str = "application/problem+json";

/// Its body.
pub(super) fn problem_body() -> Content {
    Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))))
}

fn problem(status: &str, description: &str) -> Response {
    let mut response = ResponseBuilder::new()
        .description(description)
        .content(PROBLEM, problem_body())
        .build();
    let own: &[&str] = match status {
        "308" => &["Location"],
        "401" => &["WWW-Authenticate"],
        "405" => &["Allow"],
        "409" | "429" | "503" => &["Retry-After"],
        _ => &[],
    };
    let limited = limits::HEADERS.iter().filter(|_| status == "429");
    for (name, _) in limited {
        add_header(&mut response, name);
    }
    for name in ["X-Request-Id", "Cache-Control"].iter().chain(own) {
        add_header(&mut response, name);
    }
    response
}

/// Parameters name schemas without bringing them, and so does a schema that holds itself.
fn add_schemas(components: &mut Components) {
    let mut schemas = vec![
        ("Problem".to_owned(), ProblemBody::schema()),
        ("SharedPost".to_owned(), SharedPost::schema()),
        ("UserRef".to_owned(), UserRef::schema()),
    ];
    ProblemBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
}

/// A post says something or shares something. Where a schema of members also offers ways, utoipa has no word for
/// them: they are written beside its own words.
fn demand_words_or_share(components: &mut Components) {
    let Some(RefOr::T(Schema::Object(post))) = components.schemas.get_mut("NewPost") else {
        return;
    };
    let ways = json!([
        {"required": ["content"], "properties": {"content": {"type": "string", "minLength": 1}}},
        {"required": ["shared_post_id"], "properties": {"shared_post_id": {"type": "string"}}},
    ]);
    post.extensions = Some([("anyOf", ways)].into_iter().collect());
}

/// A page repeats the schema of its items, which have a name of their own.
fn name_list_items(components: &mut Components) {
    let known: Vec<String> = components.schemas.keys().cloned().collect();
    for (name, schema) in &mut components.schemas {
        let item = name
            .strip_prefix("ListOf_")
            .filter(|item| known.iter().any(|other| other == item));
        if let (Some(item), RefOr::T(Schema::Object(list))) = (item, schema)
            && let Some(RefOr::T(Schema::Array(data))) = list.properties.get_mut("data")
        {
            data.items = Ref::from_schema_name(item).into();
        }
    }
}
