//! Operations without query parameters refuse any, as those with parameters refuse unknown ones.

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error as ActixError, HttpResponse};

use super::listing::NoFilter;
use super::problem::Problem;
use super::query::Query;
use super::routed::template_of;
use crate::kernel::Result;

/// The operations that take no query parameters, by method and path template; made from the API's
/// description.
#[derive(Debug, Clone)]
pub struct PlainOperations(pub Arc<HashSet<(Method, String)>>);

/// The middleware that answers 422 to a query where there is nothing to ask.
pub async fn refuse_parameters(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<BoxBody>, ActixError> {
    if let Err(refused) = check(&request) {
        // As a response and not as an error, which would lose the request and with it what other
        // middlewares add to the answer.
        let response = HttpResponse::from_error(Problem(refused));
        return Ok(ServiceResponse::new(request.into_parts().0, response));
    }
    let answered = next.call(request).await?;
    Ok(answered.map_into_boxed_body())
}

fn check(request: &ServiceRequest) -> Result<()> {
    if request.query_string().is_empty() || !is_plain(request) {
        return Ok(());
    }
    Query::parse(request.query_string())?
        .read()
        .map(|NoFilter {}| ())
}

fn is_plain(request: &ServiceRequest) -> bool {
    let plain = request.app_data::<PlainOperations>();
    plain
        .zip(template_of(request.request()))
        .is_some_and(|(plain, path)| plain.0.contains(&(request.method().clone(), path)))
}
