//! The envelope: around every request on the way in, around every response on the way out.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{Error as ActixError, HttpMessage, HttpResponse};
use futures_util::FutureExt as _;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::client::address_of;
use super::not_found::answer;
use super::problem::Problem;
use super::request_id::TraceContext;
use super::settle::Facts;
use crate::infra::meter::{self, Meter};
use crate::infra::metrics;
use crate::kernel::{Code, Error};

/// The outermost middleware: request id, trace, meter, one log line, problem details, common headers.
pub async fn envelope(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let facts = Facts::of(&req);
    let trace = TraceContext::of(req.headers());
    let span = tracing::info_span!(
        "request",
        method = %facts.method,
        request_id = %facts.request_id,
        trace_id = trace.as_ref().map(|trace| trace.trace_id.as_str()),
        address = %address_of(req.request()),
        user_id = Empty,
        session_id = Empty,
        route = Empty,
        status = Empty,
    );
    req.extensions_mut().insert(facts.request_id.clone());
    if let Some(trace) = trace {
        req.extensions_mut().insert(trace);
    }
    pass(req, next, facts).instrument(span).await
}

async fn pass(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    facts: Facts,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let started = Instant::now();
    let meter = Meter::default();
    let outcome = if let Some(response) = stopped(&req, &facts) {
        // `ServiceRequest::into_response` would drop the error that the response carries.
        Ok(ServiceResponse::new(req.into_parts().0, response))
    } else {
        if facts.method == Method::HEAD {
            // Routed as GET; the server sends the headers and keeps the body back.
            req.head_mut().method = Method::GET;
        }
        let answered = meter::scope(meter.clone(), next.call(req)).await;
        answered.map(ServiceResponse::map_into_boxed_body)
    };
    let (route, status, outcome) = match outcome {
        Ok(answered) => {
            let route = answered.request().match_pattern();
            let (req, response) = answered.into_parts();
            let mut settled = facts.settle(response, None);
            facts.tell_costs(&mut settled, &meter, started.elapsed());
            (
                route,
                settled.status(),
                Ok(ServiceResponse::new(req, settled)),
            )
        }
        Err(error) => {
            let mut settled = facts.settle(error.error_response(), Some(&error));
            facts.tell_costs(&mut settled, &meter, started.elapsed());
            let status = settled.status();
            // The request is gone with the error; the server sends the response all the same.
            (
                None,
                status,
                Err(InternalError::from_response(error.to_string(), settled).into()),
            )
        }
    };
    let route = route.as_deref().unwrap_or("none");
    Span::current()
        .record("route", route)
        .record("status", status.as_u16());
    let took = started.elapsed();
    metrics::answered(facts.method.as_str(), route, status.as_u16(), took);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(micros, status = status.as_u16(), route, "answered");
    outcome
}

/// The answer to requests that go no further than the envelope.
fn stopped(req: &ServiceRequest, facts: &Facts) -> Option<HttpResponse> {
    let preflight = req
        .headers()
        .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let refused = |code: Code, detail: &'static str| {
        Some(HttpResponse::from_error(Problem(Error::new(code, detail))))
    };
    match facts.method {
        Method::OPTIONS if !preflight => Some(answer(req.request())),
        Method::TRACE | Method::CONNECT => refused(
            Code::MethodNotAllowed,
            "This method is not allowed anywhere.",
        ),
        _ if facts.is_stream() && !wants(req, ("text", "event-stream")) => refused(
            Code::NotAcceptable,
            "This is a stream of events: let Accept name text/event-stream or */*.",
        ),
        _ if facts.is_api() && !facts.is_stream() && !wants(req, ("application", "json")) => {
            refused(
                Code::NotAcceptable,
                "The API answers in JSON: let Accept name application/json or */*.",
            )
        }
        _ => None,
    }
}

/// Whether the request accepts a media type. A header that cannot be read asks for nothing in particular.
fn wants(req: &ServiceRequest, media: (&str, &str)) -> bool {
    let lines = req.headers().get_all(header::ACCEPT);
    let ranges: Vec<&str> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .collect();
    ranges.iter().all(|range| range.trim().is_empty()) || accepts(&ranges, media)
}

/// The most specific range decides, and a weight of zero refuses (RFC 9110, 12.5.1).
fn accepts(ranges: &[&str], (kind, subtype): (&str, &str)) -> bool {
    let judged = ranges.iter().filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (a, b) = parts.next()?.split_once('/')?;
        let rank = match (a, b) {
            ("*", "*") => 0,
            (a, "*") if a.eq_ignore_ascii_case(kind) => 1,
            (a, b) if a.eq_ignore_ascii_case(kind) && b.eq_ignore_ascii_case(subtype) => 2,
            _ => return None,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        Some((rank, weight.unwrap_or(1.0) > 0.0))
    });
    judged.max().is_some_and(|(_, wanted)| wanted)
}

/// Stands around the door and the handlers: one that panics answers 500, and the worker goes on.
pub async fn catch_panics(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody + 'static>, ActixError> {
    match AssertUnwindSafe(next.call(req)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let cause = anyhow::anyhow!("a handler panicked: {}", words_of(&*panic));
            Err(Problem(Error::internal(cause)).into())
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_decides() {
        let json = |ranges: &[&str]| accepts(ranges, ("application", "json"));
        assert!(json(&["text/html", " application/json;q=0.1"]));
        assert!(json(&["*/*;q=0.8"]) && json(&["application/*"]) && json(&["Application/JSON"]));
        assert!(!json(&["text/html"]) && !json(&["application/json;q=0", "*/*"]));
        assert!(json(&["application/json", "*/*;q=0"]));
    }
}
