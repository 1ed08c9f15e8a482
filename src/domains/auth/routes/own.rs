//! One's own password, sessions, security log and account.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions::{self, Caller};
use super::super::model::{ClaimedPassword, Email, Password};
use super::super::view::{self, SecurityEvent, SessionView};
use super::cookie;
use crate::kernel::SessionId;
use crate::platform::http::{
    Body, HttpResult, ListOf, Listing, NoFilter, PageParams, PathOf, accepted, no_content, unkept,
};
use crate::platform::limits::Gate;
use crate::platform::sessions::{Activity, CurrentUser};
use crate::platform::write::transaction;
use crate::platform::{Ctx, Tx};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(logout_all)
        .service(reauth)
        .service(change_password)
        .service(change_email)
        .service(delete_account)
        .service(list_sessions)
        .service(revoke_other_sessions)
        .service(revoke_session)
        .service(get_security_log);
}

/// Sign out everywhere
///
/// Ends all of your sessions, this one too.
#[utoipa::path(tag = "Authentication", responses((status = 204)), security(("bearer" = [])))]
#[post("/auth/logout-all")]
async fn logout_all(ctx: Ctx, caller: Caller) -> HttpResult<HttpResponse> {
    transaction(&ctx, async |tx: &mut Tx| {
        actions::revoke_all(tx, caller.me, None, &caller.device).await
    })
    .await?;
    Ok(cookie::forgotten())
}

/// The caller's password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnPassword {
    password: ClaimedPassword,
}

/// Confirm your password
///
/// What wants a recent confirmation then works for ten minutes in this session.
#[utoipa::path(tag = "Authentication", request_body = OwnPassword, responses((status = 204)), security(("bearer" = [])))]
#[post("/auth/reauth")]
async fn reauth(
    ctx: Ctx,
    gate: Gate,
    caller: Caller,
    body: Body<OwnPassword>,
) -> HttpResult<HttpResponse> {
    actions::reauthenticate(&ctx, &gate, &caller, &body.password).await?;
    Ok(no_content())
}

/// A change of password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    current_password: ClaimedPassword,
    new_password: Password,
    /// Leaves other sessions signed in; they are ended by default.
    #[serde(default)]
    keep_other_sessions: bool,
}

/// Change your password
///
/// Ends all other sessions, and says so by mail.
#[utoipa::path(tag = "Authentication", request_body = PasswordChange, responses((status = 204)), security(("bearer" = [])))]
#[put("/me/password")]
async fn change_password(
    ctx: Ctx,
    gate: Gate,
    caller: Caller,
    body: Body<PasswordChange>,
) -> HttpResult<HttpResponse> {
    actions::change_password(
        &ctx,
        &gate,
        &caller,
        &body.current_password,
        &body.new_password,
        body.keep_other_sessions,
    )
    .await?;
    Ok(no_content())
}

/// A change of e-mail address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EmailChange {
    email: Email,
    password: ClaimedPassword,
}

/// Change your e-mail address
///
/// Mails a link to the new address. Once its token is confirmed by `POST /v1/auth/verify-email`, within 24
/// hours, your account has that address, and the one before is told. At most three are mailed an hour.
#[utoipa::path(tag = "Authentication", request_body = EmailChange, responses((status = 202)), security(("bearer" = [])))]
#[put("/me/email")]
async fn change_email(
    ctx: Ctx,
    gate: Gate,
    caller: Caller,
    body: Body<EmailChange>,
) -> HttpResult<HttpResponse> {
    actions::request_email_change(&ctx, &gate, &caller, &body.password, &body.email).await?;
    Ok(accepted())
}

/// Delete your account
///
/// Nobody sees you from then on, all sessions end, and your e-mail address is free again.
#[utoipa::path(tag = "People", request_body = OwnPassword, responses((status = 204)), security(("bearer" = [])))]
#[delete("/me")]
async fn delete_account(
    ctx: Ctx,
    gate: Gate,
    caller: Caller,
    body: Body<OwnPassword>,
) -> HttpResult<HttpResponse> {
    actions::delete_account(&ctx, &gate, &caller, &body.password).await?;
    Ok(cookie::forgotten())
}

/// Your sessions
///
/// The devices that are signed in, the newest session first.
#[utoipa::path(tag = "Authentication", params(PageParams), responses((status = 200, body = ListOf<SessionView>)), security(("bearer" = [])))]
#[get("/me/sessions")]
async fn list_sessions(
    ctx: Ctx,
    me: CurrentUser,
    activity: web::Data<Activity>,
    listing: Listing<NoFilter>,
) -> HttpResult<HttpResponse> {
    let slice = listing.slice()?;
    let page = view::sessions(&ctx, me, &activity, &slice).await?;
    Ok(unkept(listing.respond(page)))
}

/// End all other sessions
///
/// All but the one that asks: their tokens and connections count no more at once.
#[utoipa::path(tag = "Authentication", responses((status = 204)), security(("bearer" = [])))]
#[delete("/me/sessions")]
async fn revoke_other_sessions(ctx: Ctx, caller: Caller) -> HttpResult<HttpResponse> {
    transaction(&ctx, async |tx: &mut Tx| {
        let kept = Some(caller.me.session_id);
        actions::revoke_all(tx, caller.me, kept, &caller.device).await
    })
    .await?;
    Ok(no_content())
}

/// End one of your sessions
///
/// Its tokens and connections count no more at once. Ending the one that asks is signing out.
#[utoipa::path(tag = "Authentication", params(("id" = String, Path, description = "The session")), responses((status = 204)), security(("bearer" = [])))]
#[delete("/me/sessions/{id}")]
async fn revoke_session(
    ctx: Ctx,
    caller: Caller,
    id: PathOf<SessionId>,
) -> HttpResult<HttpResponse> {
    transaction(&ctx, async |tx: &mut Tx| {
        actions::revoke_one(tx, caller.me, *id, &caller.device).await
    })
    .await?;
    Ok(no_content())
}

/// Your security log
///
/// Sign-ins, refusals and changes, newest first; the last 100 are kept.
#[utoipa::path(tag = "Authentication", params(PageParams), responses((status = 200, body = ListOf<SecurityEvent>)), security(("bearer" = [])))]
#[get("/me/security-log")]
async fn get_security_log(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<NoFilter>,
) -> HttpResult<HttpResponse> {
    let slice = listing.slice()?;
    let page = view::security_log(&ctx, me.id, &slice).await?;
    Ok(unkept(listing.respond(page)))
}
