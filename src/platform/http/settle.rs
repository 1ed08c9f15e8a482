//! What the envelope does to every response: errors become problem details, and headers that belong
//! on all answers are set.

use std::time::Duration;

use actix_cors::CorsError;
use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::costs::{OpenCosts, tell_cache, tell_timing};
use super::not_found::{RouteTable, method_not_allowed};
use super::problem::{Problem, render};
use super::request_id::RequestId;
use super::routed::path_of;
use super::setup::PublicUrl;
use crate::infra::meter::Meter;
use crate::kernel::error::Moved;
use crate::kernel::{Code, Error};

/// What is remembered of a request while it is answered.
pub(super) struct Facts {
    pub request_id: RequestId,
    pub method: Method,
    pub path: String,
    /// The path as the router reads it, where that is another.
    decoded: Option<String>,
    query: String,
    is_https: bool,
    costs: OpenCosts,
    routes: Option<RouteTable>,
}

impl Facts {
    /// Takes down what the response will need.
    pub fn of(req: &ServiceRequest) -> Self {
        let path = req.path().to_owned();
        let decoded = path_of(req.request());
        Self {
            decoded: (decoded != path).then(|| decoded.to_owned()),
            request_id: RequestId::of(req.headers(), req.app_data()),
            method: req.method().clone(),
            is_https: req.app_data::<PublicUrl>().is_some_and(PublicUrl::is_https),
            costs: req.app_data().copied().unwrap_or_default(),
            routes: req.app_data().cloned(),
            query: req.query_string().to_owned(),
            path,
        }
    }

    /// What `Allow` says; looked up only for the rare answer that needs it.
    fn allow(&self) -> String {
        let routes = self.routes.as_ref();
        routes
            .and_then(|table| table.allow(self.routed()))
            .unwrap_or_default()
    }

    /// Whether the path is the API's own.
    pub fn is_api(&self) -> bool {
        self.routed() == "/v1" || self.routed().starts_with("/v1/")
    }

    /// Whether the answer is a stream of events, as browsers ask for by that media type alone.
    pub fn is_stream(&self) -> bool {
        self.routed() == "/v1/realtime/sse"
    }

    fn routed(&self) -> &str {
        self.decoded.as_deref().unwrap_or(&self.path)
    }

    /// The response as it leaves the house. `cause` is what went wrong, if the response does not
    /// carry it itself.
    pub fn settle(
        &self,
        response: HttpResponse<BoxBody>,
        cause: Option<&actix_web::Error>,
    ) -> HttpResponse<BoxBody> {
        let problem = self.problem(&response, cause.or(response.error()));
        let mut response = problem.unwrap_or(response);
        self.add_headers(&mut response);
        response
    }

    /// The problem to send in place of a response that is an error.
    fn problem(
        &self,
        response: &HttpResponse<BoxBody>,
        cause: Option<&actix_web::Error>,
    ) -> Option<HttpResponse<BoxBody>> {
        let own;
        let error = match cause.and_then(|cause| cause.as_error::<Problem>()) {
            Some(Problem(error)) => error,
            None if is_bare_error(response, cause) => {
                own = self.translated(response.status(), cause);
                &own
            }
            None => return None,
        };
        report(error);
        let mut problem = render(error, &self.path, self.request_id.as_str());
        if let Some(moved) = error.moved_to()
            && let Ok(location) = self.location_after(moved).parse()
        {
            problem.headers_mut().insert(header::LOCATION, location);
        }
        Some(keeping_headers(problem, response))
    }

    /// The request's own address with the segment of today.
    fn location_after(&self, moved: &Moved) -> String {
        let today = |segment| {
            if percent_decode_str(segment).eq(moved.from.bytes()) {
                moved.to.as_str()
            } else {
                segment
            }
        };
        let path: Vec<&str> = self.path.split('/').map(today).collect();
        let separator = if self.query.is_empty() { "" } else { "?" };
        format!("{}{separator}{}", path.join("/"), self.query)
    }

    /// The kernel error for what actix-web or another layer refused by itself.
    fn translated(&self, status: StatusCode, cause: Option<&actix_web::Error>) -> Error {
        if cause.is_some_and(|cause| cause.as_error::<CorsError>().is_some()) {
            let detail = "This origin, method or header is not allowed from a browser; origins \
                          are listed in KITH_ALLOWED_ORIGINS.";
            return Error::new(Code::Forbidden, detail);
        }
        match status.as_u16() {
            401 => Code::Unauthenticated.into(),
            403 => Code::Forbidden.into(),
            404 => Error::not_found(),
            405 => method_not_allowed(&self.allow()),
            406 => Code::NotAcceptable.into(),
            409 => Code::Conflict.into(),
            410 => Code::Gone.into(),
            412 => Code::PreconditionFailed.into(),
            413 => Code::PayloadTooLarge.into(),
            415 => Code::UnsupportedMediaType.into(),
            422 => Code::ValidationFailed.into(),
            429 => Code::RateLimited.into(),
            400..500 => Code::MalformedRequest.into(),
            502..=504 => Code::Unavailable.into(),
            _ => Error::internal(match cause {
                Some(cause) => anyhow::anyhow!("{cause}"),
                None => anyhow::anyhow!("a handler answered {status}"),
            }),
        }
    }

    /// Tells what the request cost, to those who may know.
    pub fn tell_costs(&self, response: &mut HttpResponse<BoxBody>, meter: &Meter, total: Duration) {
        // HEAD is routed as GET, but the facts are the client's.
        if self.method == Method::GET || self.method == Method::HEAD {
            tell_cache(response.headers_mut(), meter);
        }
        if self.costs.0 || meter.is_open() {
            tell_timing(response.headers_mut(), meter, total);
        }
    }

    fn add_headers(&self, response: &mut HttpResponse<BoxBody>) {
        let is_405 = response.status() == StatusCode::METHOD_NOT_ALLOWED;
        if is_405 && let Ok(allow) = self.allow().parse() {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::REFERRER_POLICY, "no-referrer");
        if self.routed() == "/docs" || self.routed().starts_with("/docs/") {
            set(header::CONTENT_SECURITY_POLICY, DOCS_POLICY);
        } else {
            set(header::X_FRAME_OPTIONS, "DENY");
        }
        if self.is_https {
            set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        }
        if let Ok(id) = self.request_id.as_str().parse() {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        if self.is_api() {
            vary(headers);
            if !headers.contains_key(header::CACHE_CONTROL) {
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
        }
    }
}

/// The documentation page brings its own scripts and styles, and nothing from elsewhere.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; frame-ancestors 'self'";

/// Whether a response is an error that nobody wrote a body for: one that carries actix-web's own
/// cause, an empty one, or one that does not say what its body is. A handler's own answer (the readiness report)
/// stays as it is.
fn is_bare_error(response: &HttpResponse<BoxBody>, cause: Option<&actix_web::Error>) -> bool {
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    let empty = matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
    let untyped = !response.headers().contains_key(header::CONTENT_TYPE);
    failed && (cause.is_some() || empty || untyped)
}

/// The problem with the headers that other layers had put on the response it replaces.
fn keeping_headers(
    mut problem: HttpResponse<BoxBody>,
    replaced: &HttpResponse<BoxBody>,
) -> HttpResponse<BoxBody> {
    let of_the_body = [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::ETAG,
    ];
    let rendered: Vec<HeaderName> = problem.headers().keys().cloned().collect();
    for (name, value) in replaced.headers() {
        if !of_the_body.contains(name) && !rendered.contains(name) {
            problem.headers_mut().append(name.clone(), value.clone());
        }
    }
    problem
}

/// What the API answers depends on who asks, for what, and from which page.
fn vary(headers: &mut actix_web::http::header::HeaderMap) {
    let mut names: Vec<String> = ["Authorization", "Accept", "Origin"]
        .map(ToOwned::to_owned)
        .to_vec();
    for line in headers
        .get_all(header::VARY)
        .filter_map(|line| line.to_str().ok())
    {
        for name in line
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name.to_owned());
            }
        }
    }
    if let Ok(all) = names.join(", ").parse() {
        headers.insert(header::VARY, all);
    }
}

/// Faults of ours go to the log with their cause, here and nowhere else.
fn report(error: &Error) {
    let cause = error.cause().map(|cause| format!("{cause:#}"));
    match (error.code(), cause) {
        (Code::Internal, cause) => tracing::error!(cause, "a request failed on our side"),
        (code, Some(cause)) => tracing::warn!(code = code.as_str(), cause, "a request failed"),
        (_, None) => {}
    }
}
