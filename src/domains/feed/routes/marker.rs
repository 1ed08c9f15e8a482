//! How far one has read.

use actix_web::{HttpResponse, get, put};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions;
use super::super::view::{self, FeedMarker};
use crate::kernel::PostId;
use crate::platform::http::{Body, HttpResult, ok};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_feed_marker).service(set_feed_marker);
}

/// How far you have read
///
/// The newest post of your home feed that you have seen, on any device.
#[utoipa::path(tag = "Feeds", responses((status = 200, body = FeedMarker)), security(("bearer" = [])))]
#[get("/feed/marker")]
async fn get_feed_marker(ctx: Ctx, me: CurrentUser) -> HttpResult<HttpResponse> {
    Ok(ok(view::marker(&mut *ctx.conn().await?, me.id).await?))
}

/// A post that was seen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SeenPost {
    /// The newest post on the screen.
    post_id: PostId,
}

/// Tell how far you have read
///
/// The marker only moves forward; an older post leaves it where it is.
#[utoipa::path(tag = "Feeds", request_body = SeenPost,
    responses((status = 200, body = FeedMarker)), security(("bearer" = [])))]
#[put("/feed/marker")]
async fn set_feed_marker(
    writer: Writer,
    me: CurrentUser,
    seen: Body<SeenPost>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::advance_marker(tx, me.id, seen.post_id).await?;
            Answer::ok(&view::marker(tx.conn(), me.id).await?)
        })
        .await
}
