//! The API's documentation, served without any network.

use std::fmt::Write as _;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::kernel::Code;
use crate::platform::http::status_of;

/// The OpenAPI document as it is served.
#[derive(Debug, Clone)]
pub struct ServedDocument(pub Bytes);

/// Registers `/openapi.json`, `/docs` and `/docs/errors`.
pub fn configure(cfg: &mut ServiceConfig, document: &ServedDocument) {
    let document = document.clone();
    let errors: Arc<str> = error_page().into();
    cfg.route(
        "/openapi.json",
        web::get().to(move || serve(document.clone())),
    )
    .route(
        "/docs/errors",
        web::get().to(move || serve_errors(errors.clone())),
    )
    .route("/docs", web::get().to(to_docs))
    .service(
        SwaggerUi::new("/docs/{_:.*}").config(
            Config::new(["/openapi.json"])
                .persist_authorization(true)
                .deep_linking(true),
        ),
    );
}

async fn serve(document: ServedDocument) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, "public, max-age=60"))
        .body(document.0)
}

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((LOCATION, "/docs/"))
        .finish()
}

async fn serve_errors(page: Arc<str>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(page.to_string())
}

/// Every code with its status, where the `type` of a problem leads.
fn error_page() -> String {
    let rows = Code::ALL.iter().fold(String::new(), |mut rows, code| {
        let (name, status, title) = (code.as_str(), status_of(code.kind()), code.title());
        // Writing to a String cannot fail.
        write!(
            rows,
            "<tr id=\"{name}\"><td><code>{name}</code></td><td>{}</td><td>{title}</td></tr>",
            status.as_u16()
        )
        .unwrap_or_default();
        rows
    });
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>kith: error codes</title>\
         <h1>Error codes</h1><p>Every error is an RFC 9457 problem whose <code>code</code> is one \
         of these. Codes are never renamed within <code>/v1</code>.</p>\
         <table><thead><tr><th>code</th><th>status</th><th>meaning</th></tr></thead>\
         <tbody>{rows}</tbody></table></html>"
    )
}
