//! The door: what every request of the API passes before its handler.
//!
//! The token's signature is checked first, without asking anybody. Then one round trip to Redis
//! brings what the request needs: whether its limits let it pass, the voids that this process has
//! missed, its session unless the process has it, and what its route wants ahead ([`Prefetch`]).
//! Should the session have ended, the request is counted anew, as a stranger's: whoever holds an old
//! token uses up nothing of its owner's. Without an answer in time the request counts as without Redis.

mod prefetch;
mod round;

use actix_web::Error as ActixError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use self::round::Round;
use super::http::{Problem, path_of};
use super::limits::{self, Told};
use super::{Ctx, sessions};
use crate::infra::cache;
use crate::kernel::Result;

pub use prefetch::{Prefetch, Prefetched, Prefetches};

/// The middleware.
pub async fn door(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, ActixError> {
    if !path_of(request.request()).starts_with("/v1/") {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let ctx = Ctx::of(request.request()).map_err(Problem)?;
    let bearer = sessions::bearer_of(&ctx, request.request());
    let known = bearer.as_ref().ok().copied().flatten();
    let counted = known.filter(|bearer| !sessions::is_over(&ctx, *bearer));
    let counted = counted.map(|bearer| bearer.user_id);
    let question = limits::question(ctx.limiter(), &mut request, counted).await;
    let (mut verdicts, in_doubt) = Round::new(&ctx, request.request(), known, question)
        .make()
        .await;
    let noted = limits::take_notes(&request);
    let handling = async {
        // Before a refusal too: whoever has no session any more is to hear of that, and not of limits.
        sessions::seat(&ctx, request.request(), bearer).await;
        if counted.is_some() && sessions::has_ended(request.request()) {
            verdicts = limits::as_stranger(ctx.limiter(), &mut request, &verdicts).await;
        }
        if let Some(refusal) = limits::refusal(&verdicts) {
            return Ok(ServiceResponse::new(request.into_parts().0, refusal));
        }
        let response = next.call(request).await?;
        Ok::<_, ActixError>(response.map_into_boxed_body())
    };
    // Moved once: each scope around it would copy it again.
    let handling = ctx.admission().scope(Box::pin(handling));
    let mut response = cache::with_doubt(in_doubt, handling).await?;
    verdicts.extend(noted.take());
    Told(&verdicts).add_to(response.headers_mut());
    Ok(response)
}
