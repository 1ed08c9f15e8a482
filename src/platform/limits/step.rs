//! What limits have to do with a request: what to ask before its handler, what to tell after it.

use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage as _, HttpResponse};

use super::gate::Noted;
use super::headers::Told;
use super::route::{RouteLimits, plan};
use crate::infra::ratelimit::{Check, Limiter, Question, Verdict};
use crate::kernel::UserId;
use crate::platform::http::{ClientAddress, Problem, path_of, template_of};

/// What to ask about this request; nothing when nothing limits it.
pub async fn question(
    limiter: &Limiter,
    request: &mut ServiceRequest,
    user_id: Option<UserId>,
) -> Option<Question> {
    if !limiter.is_enabled() {
        return None;
    }
    let checks = checks(request, user_id).await;
    (!checks.is_empty()).then(|| limiter.question(checks))
}

/// Counts a request as a stranger's that was charged to somebody, in whose name it does not speak.
pub async fn as_stranger(
    limiter: &Limiter,
    request: &mut ServiceRequest,
    charged: &[Verdict],
) -> Vec<Verdict> {
    // One that was refused was charged nothing.
    if charged.iter().all(|verdict| verdict.state.allowed) {
        limiter.give_back(charged).await;
    }
    let checks = checks(request, None).await;
    limiter.take(checks).await
}

/// The answer to a request that goes too far.
pub fn refusal(verdicts: &[Verdict]) -> Option<HttpResponse> {
    let refusal = Told(verdicts).refusal()?;
    let mut response = HttpResponse::from_error(Problem(refusal));
    Told(verdicts).add_to(response.headers_mut());
    Some(response)
}

/// Lets the handler's actions note what limits said to them.
pub fn take_notes(request: &ServiceRequest) -> Noted {
    let noted = Noted::default();
    request.extensions_mut().insert(noted.clone());
    noted
}

/// What to ask about this request.
async fn checks(request: &mut ServiceRequest, user_id: Option<UserId>) -> Vec<Check> {
    let Some(limits) = request.app_data::<RouteLimits>() else {
        return Vec::new();
    };
    let template = template_of(request.request());
    let policies = limits.of(
        request.method().as_str(),
        path_of(request.request()),
        template.as_deref(),
    );
    if policies.is_empty() {
        return Vec::new();
    }
    let client = request.extract::<ClientAddress>().await;
    let client = client.unwrap_or_else(|never| match never {});
    plan(&policies, user_id, client.address)
}
