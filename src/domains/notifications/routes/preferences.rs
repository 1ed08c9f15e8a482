//! What a person wants to know.

use actix_web::{HttpResponse, get, put};
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions::{self, PreferenceChange};
use super::super::view::{self, PreferenceTable};
use crate::platform::http::{Body, HttpResult, ok};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Reads, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_notification_preferences)
        .service(set_notification_preferences);
}

/// What you want to be told of
///
/// By kind and channel: `in_app`, `email` and `push`.
#[utoipa::path(tag = "Notifications", responses((status = 200, body = PreferenceTable)),
    security(("bearer" = [])))]
#[get("/me/notification-preferences")]
async fn get_notification_preferences(ctx: Ctx, me: CurrentUser) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    Ok(ok(view::preferences(reads, me.id).await?))
}

/// Choose what you want to be told of
///
/// What you leave out stays as it is.
#[utoipa::path(tag = "Notifications", request_body = PreferenceChange,
    responses((status = 200, body = PreferenceTable)), security(("bearer" = [])))]
#[put("/me/notification-preferences")]
async fn set_notification_preferences(
    writer: Writer,
    me: CurrentUser,
    change: Body<PreferenceChange>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::set_preferences(tx, me.id, &change).await?;
            Answer::ok(&view::preferences(&mut tx.reads(), me.id).await?)
        })
        .await
}
