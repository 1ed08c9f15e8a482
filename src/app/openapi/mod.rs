//! The OpenAPI 3.1 document: taken from the handlers, then completed with what every operation has
//! in common, so that no handler repeats it.

mod components;
mod operation;
mod statuses;

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::App;
use actix_web::http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::{Components, Info, OpenApi, OpenApiBuilder, RefOr};
use utoipa_actix_web::AppExt as _;

use super::routes;
use crate::platform::http::{PlainOperations, RouteTable};

/// The whole document.
pub fn document() -> OpenApi {
    let (_app, mut document) = App::new()
        .into_utoipa_app()
        .openapi(OpenApiBuilder::new().info(info()).build())
        .configure(routes::configure)
        .split_for_parts();
    components::complete(document.components.get_or_insert_with(Components::new));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_mut(item) {
            operation::complete(path, &method, operation);
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
    let mut plain = HashSet::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations_mut(&mut item.clone()) {
            let in_query = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(one) if one.parameter_in == ParameterIn::Query);
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
