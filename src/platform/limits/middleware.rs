//! The step that every request takes before its handler.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error as ActixError, HttpMessage as _, HttpResponse};

use super::gate::Noted;
use super::headers::Told;
use super::route::{RouteLimits, plan};
use crate::infra::ratelimit::Check;
use crate::platform::Ctx;
use crate::platform::http::{ClientAddress, Problem};
use crate::platform::sessions::caller_id;

/// The middleware that charges a request to its limits, or refuses it; after the one that finds out
/// who sent it.
pub async fn limit(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    let limiter = Ctx::of(request.request())
        .map_err(Problem)?
        .limiter()
        .clone();
    let mut verdicts = match limiter.is_enabled() {
        true => limiter.take(checks(&mut request).await).await,
        false => Vec::new(),
    };
    if let Some(refusal) = Told(&verdicts).refusal() {
        let mut response = HttpResponse::from_error(Problem(refusal));
        Told(&verdicts).add_to(response.headers_mut());
        return Ok(ServiceResponse::new(request.into_parts().0, response));
    }
    let noted = Noted::default();
    request.extensions_mut().insert(noted.clone());
    let mut response = next.call(request).await?.map_into_boxed_body();
    verdicts.extend(noted.take());
    Told(&verdicts).add_to(response.headers_mut());
    Ok(response)
}

/// What to ask about this request.
async fn checks(request: &mut ServiceRequest) -> Vec<Check> {
    let Some(limits) = request.app_data::<RouteLimits>() else {
        return Vec::new();
    };
    let template = request.match_pattern();
    let policies = limits.of(
        request.method().as_str(),
        request.path(),
        template.as_deref(),
    );
    if policies.is_empty() {
        return Vec::new();
    }
    let client = request.extract::<ClientAddress>().await;
    let client = client.unwrap_or_else(|never| match never {});
    plan(&policies, caller_id(request.request()), client.address)
}
