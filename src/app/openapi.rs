//! The OpenAPI 3.1 document: taken from the handlers, then completed with what every operation has
//! in common, so that no handler repeats it.

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::App;
use actix_web::http::Method;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    Components, Content, Info, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response,
    ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_actix_web::AppExt as _;

use super::routes;
use crate::platform::http::{PlainOperations, ProblemBody, RouteTable};

/// Names of the reusable answers, with what each says.
const PROBLEMS: &[(&str, &str)] = &[
    ("400", "The request could not be read"),
    ("401", "Not signed in, or the token is no good"),
    ("403", "Not allowed"),
    ("404", "Absent, or not visible to you"),
    ("405", "The method is not allowed here"),
    ("406", "Only JSON is produced"),
    ("409", "The current state forbids it"),
    ("412", "`If-Match` names an older version"),
    ("413", "The body is too large"),
    ("415", "The body must be JSON"),
    ("422", "Understood, but not valid: see `errors`"),
    ("429", "Too many requests: see `Retry-After`"),
    ("500", "A fault of ours"),
    ("503", "A part is away: see `Retry-After`"),
];

/// The whole document.
pub fn document() -> OpenApi {
    let (_app, mut document) = App::new()
        .into_utoipa_app()
        .openapi(OpenApiBuilder::new().info(info()).build())
        .configure(routes::configure)
        .split_for_parts();
    complete(document.components.get_or_insert_with(Components::new));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_mut(item) {
            complete_operation(path, &method, operation);
        }
    }
    document
}

/// Which paths answer which methods.
pub fn route_table(document: &OpenApi, suggest: bool) -> RouteTable {
    let routes = document.paths.paths.iter().map(|(path, item)| {
        let mut item = item.clone();
        let methods = operations_mut(&mut item)
            .into_iter()
            .map(|(method, _)| method)
            .collect();
        (path.clone(), methods)
    });
    RouteTable::new(routes.collect(), suggest)
}

/// Which operations of the API take no query parameters.
pub fn plain_operations(document: &OpenApi) -> PlainOperations {
    let in_query = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query);
    let mut plain = HashSet::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations_mut(&mut item.clone()) {
            let asks = operation.parameters.iter().flatten().any(in_query);
            if path.starts_with("/v1/") && !asks {
                plain.insert((method, path.clone()));
            }
        }
    }
    PlainOperations(Arc::new(plain))
}

fn info() -> Info {
    let mut info = Info::new("kith", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "The backend of a small Facebook. Register or sign in, send the access token as \
         `Authorization: Bearer ...`, walk lists by `page.next`, and repeat a creating request with \
         the same `Idempotency-Key` after a lost answer."
            .to_owned(),
    );
    info
}

fn operations_mut(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    [
        (Method::GET, item.get.as_mut()),
        (Method::POST, item.post.as_mut()),
        (Method::PUT, item.put.as_mut()),
        (Method::PATCH, item.patch.as_mut()),
        (Method::DELETE, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
    .collect()
}

fn complete(components: &mut Components) {
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let mut schemas = Vec::new();
    ProblemBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components
        .schemas
        .insert("Problem".to_owned(), ProblemBody::schema());
    for (status, description) in PROBLEMS {
        let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
        let response = ResponseBuilder::new()
            .description(*description)
            .content("application/problem+json", content)
            .build();
        components.responses.insert(
            format!("Problem{status}"),
            RefOr::T(with_headers(response, status)),
        );
    }
}

fn with_headers(mut response: Response, status: &str) -> Response {
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    response
        .headers
        .insert("X-Request-Id".to_owned(), RefOr::T(Header::new(text())));
    if matches!(status, "429" | "503") {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).build();
        response
            .headers
            .insert("Retry-After".to_owned(), RefOr::T(Header::new(seconds)));
    }
    response
}

fn complete_operation(path: &str, method: &Method, operation: &mut Operation) {
    let in_api = path.starts_with("/v1/");
    let private = operation.security.is_some();
    let has_body = operation.request_body.is_some();
    let mut statuses = vec!["500", "503"];
    if in_api {
        statuses.extend(["400", "401", "403", "406", "422", "429"]);
    }
    if path.contains('{') {
        statuses.push("404");
    }
    if method != Method::GET {
        statuses.extend(["404", "409"]);
    }
    if has_body {
        statuses.extend(["413", "415"]);
    }
    if method == Method::PATCH {
        statuses.push("412");
        operation
            .parameters
            .get_or_insert_default()
            .push(header("If-Match", "Only if the version is still this one"));
    }
    // Routes that answer with secrets take none.
    let keyed = !path.starts_with("/v1/auth/");
    if method == Method::POST && private && keyed {
        operation.parameters.get_or_insert_default().push(header(
            "Idempotency-Key",
            "1 to 255 visible ASCII characters. The same key gets the same answer for 24 hours",
        ));
    }
    for status in statuses {
        operation
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::Ref(Ref::from_response_name(format!("Problem{status}"))));
    }
}

fn header(name: &str, description: &str) -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build();
    RefOr::T(parameter)
}
