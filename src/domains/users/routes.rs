//! Routes of oneself: profile and settings.

use actix_web::{HttpRequest, HttpResponse, get, patch};
use utoipa_actix_web::service_config::ServiceConfig;

use super::actions::{self, ProfileChange, SettingsChange};
use super::cache::USER;
use super::view::{self, Me, Settings};
use crate::kernel::{Result, UserId};
use crate::platform::http::{Body, HttpResult, IfMatch, json_with_etag};
use crate::platform::limits::{Gate, Passed, RouteLimit, Subject, in_action, policies};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Reads, Writer};

/// What limits these routes beside the general limit.
pub const LIMITS: &[RouteLimit] = &[in_action("PATCH", "/v1/me", &policies::USERNAME)];

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_me)
        .service(update_me)
        .service(get_settings)
        .service(update_settings);
}

/// Your profile
///
/// Your profile, with what you alone see of it: e-mail address, role and permissions.
#[utoipa::path(tag = "People", responses((status = 200, body = Me)), security(("bearer" = [])))]
#[get("/me")]
async fn get_me(ctx: Ctx, me: CurrentUser, request: HttpRequest) -> HttpResult<HttpResponse> {
    let body = view::me(&mut Reads::cached(&ctx), me.id).await?;
    Ok(json_with_etag(&request, body.version, &body))
}

/// Change your profile
///
/// JSON Merge Patch: absent members stay, `null` clears. A former username leads to you for 90 days; you
/// may have five others in a day.
#[utoipa::path(tag = "People", request_body = ProfileChange, responses((status = 200, body = Me)), security(("bearer" = [])))]
#[patch("/me")]
async fn update_me(
    writer: Writer,
    (ctx, gate): (Ctx, Gate),
    me: CurrentUser,
    if_match: IfMatch,
    change: Body<ProfileChange>,
) -> HttpResult<HttpResponse> {
    let renaming = begin_renaming(&ctx, &gate, me.id, &change).await?;
    let written = writer.run(me.id, async move |tx| {
        actions::update_profile(tx, me.id, &change, if_match).await?;
        let body = view::me(&mut tx.reads(), me.id).await?;
        Answer::versioned(body.version, &body)
    });
    end_renaming(&gate, renaming, written.await).await
}

/// Counts another username.
async fn begin_renaming(
    ctx: &Ctx,
    gate: &Gate,
    me: UserId,
    change: &ProfileChange,
) -> Result<Option<Passed>> {
    let account = Reads::cached(ctx).load(&USER, &me).await?;
    if !change.renames(&account.username) {
        return Ok(None);
    }
    let check = Subject::User(me).check(&policies::USERNAME);
    gate.pass(vec![check]).await.map(Some)
}

/// A name that somebody did not get costs them none.
async fn end_renaming(
    gate: &Gate,
    renaming: Option<Passed>,
    written: HttpResult<HttpResponse>,
) -> HttpResult<HttpResponse> {
    if let (Some(passed), Err(_)) = (&renaming, &written) {
        gate.give_back(passed).await;
    }
    written
}

/// Your settings
///
/// With the `ETag` that a change can name in `If-Match`.
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
