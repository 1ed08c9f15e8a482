//! Telling which posts were seen.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::posts::actions::Views;
use crate::kernel::PostId;
use crate::kernel::text::Refusal;
use crate::platform::Ctx;
use crate::platform::http::{Body, HttpResult, accepted};
use crate::platform::sessions::CurrentUser;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(note_views);
}

/// Most posts in one request.
const MOST: usize = 100;

/// Posts that were on the screen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SeenPosts {
    /// 1 to 100 posts. Those that you may not see are passed over.
    #[serde(deserialize_with = "some_posts")]
    #[schema(min_items = 1, max_items = 100)]
    post_ids: Vec<PostId>,
}

fn some_posts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PostId>, D::Error> {
    let ids = Vec::<PostId>::deserialize(deserializer)?;
    let refusal = match ids.len() {
        0 => Refusal::new("too_few", "Name at least one post."),
        1..=MOST => return Ok(ids),
        _ => Refusal::new("too_many", format!("At most {MOST} posts are allowed.")),
    };
    Err(D::Error::custom(refusal))
}

/// Tell which posts you have seen
///
/// A post counts you once a day. The numbers follow within seconds; telling twice is harmless.
#[utoipa::path(tag = "Posts", request_body = SeenPosts,
    responses((status = 202, description = "Noted")), security(("bearer" = [])))]
#[post("/views")]
async fn note_views(
    ctx: Ctx,
    me: CurrentUser,
    views: web::Data<Views>,
    seen: Body<SeenPosts>,
) -> HttpResult<HttpResponse> {
    views.note(&ctx, me.id, &seen.post_ids).await?;
    Ok(accepted())
}
