//! Routes of oneself: profile and settings.

use actix_web::{HttpRequest, HttpResponse, get, patch};
use utoipa_actix_web::service_config::ServiceConfig;

use super::actions::{self, ProfileChange, SettingsChange};
use super::view::{self, Me, Settings};
use crate::platform::http::{Body, HttpResult, IfMatch, json_with_etag};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Reads, Writer};

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_me)
        .service(update_me)
        .service(get_settings)
        .service(update_settings);
}

/// Your profile
#[utoipa::path(tag = "People", responses((status = 200, body = Me)), security(("bearer" = [])))]
#[get("/me")]
async fn get_me(ctx: Ctx, me: CurrentUser, request: HttpRequest) -> HttpResult<HttpResponse> {
    let body = view::me(&mut Reads::cached(&ctx), me.id).await?;
    Ok(json_with_etag(&request, body.version, &body))
}

/// Change your profile
///
/// JSON Merge Patch: absent members stay, `null` clears. A former username leads to you for 90 days.
#[utoipa::path(tag = "People", request_body = ProfileChange, responses((status = 200, body = Me)), security(("bearer" = [])))]
#[patch("/me")]
async fn update_me(
    writer: Writer,
    me: CurrentUser,
    if_match: IfMatch,
    change: Body<ProfileChange>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::update_profile(tx, me.id, &change, if_match).await?;
            let body = view::me(&mut tx.reads(), me.id).await?;
            Answer::versioned(body.version, &body)
        })
        .await
}

/// Your settings
#[utoipa::path(tag = "People", responses((status = 200, body = Settings)), security(("bearer" = [])))]
#[get("/me/settings")]
async fn get_settings(ctx: Ctx, me: CurrentUser, request: HttpRequest) -> HttpResult<HttpResponse> {
    let (version, body) = view::settings(&mut Reads::cached(&ctx), me.id).await?;
    Ok(json_with_etag(&request, version, &body))
}

/// Change your settings
///
/// JSON Merge Patch; `client` is merged too.
#[utoipa::path(tag = "People", request_body = SettingsChange, responses((status = 200, body = Settings)), security(("bearer" = [])))]
#[patch("/me/settings")]
async fn update_settings(
    writer: Writer,
    me: CurrentUser,
    if_match: IfMatch,
    change: Body<SettingsChange>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::update_settings(tx, me.id, &change, if_match).await?;
            let (version, body) = view::settings(&mut tx.reads(), me.id).await?;
            Answer::versioned(version, &body)
        })
        .await
}
