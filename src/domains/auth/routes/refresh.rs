//! The refresh token: exchanged for the next pair, or given up.

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions;
use super::cookie;
use crate::kernel::{Code, Error};
use crate::platform::Ctx;
use crate::platform::http::{ClientAddress, HttpResult, OptionalBody, no_store};
use crate::platform::sessions::{CurrentUser, Device, Tokens};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(refresh).service(logout);
}

/// A refresh token. Without one the cookie counts, if there is one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshToken {
    refresh_token: Option<String>,
}

/// Exchange the refresh token
///
/// Each token counts once. Repeated within 30 seconds, while its successor is unused, it gets the
/// same successor; any other repeat ends the session. A token that came in the cookie is answered
/// in the cookie, to allowed origins only.
#[utoipa::path(tag = "Authentication", request_body = Option<RefreshToken>, responses((status = 200, body = Tokens)))]
#[post("/auth/refresh")]
async fn refresh(
    ctx: Ctx,
    client: ClientAddress,
    request: HttpRequest,
    body: OptionalBody<RefreshToken>,
) -> HttpResult<HttpResponse> {
    let device = Device::from(client);
    if let Some(token) = body.into_inner().refresh_token {
        return Ok(no_store(&actions::refresh(&ctx, &token, &device).await?));
    }
    let Some(token) = cookie::read(&ctx, &request)? else {
        return Err(Error::invalid_field("/refresh_token", "required", NO_TOKEN).into());
    };
    let mut tokens = actions::refresh(&ctx, &token, &device).await?;
    let next = tokens.refresh_token.take().unwrap_or_default();
    let mut response = no_store(&tokens);
    cookie::put(&mut response, &cookie::holding(next));
    Ok(response)
}

const NO_TOKEN: &str = "Send the refresh token, or have it in the cookie.";

/// Sign out
///
/// Ends the session of the refresh token in the body, else of the access token, else of the refresh
/// token in the cookie. Its access tokens count no longer, and the cookie is cleared.
#[utoipa::path(tag = "Authentication", request_body = Option<RefreshToken>, responses((status = 204)), security((), ("bearer" = [])))]
#[post("/auth/logout")]
async fn logout(
    ctx: Ctx,
    client: ClientAddress,
    request: HttpRequest,
    body: OptionalBody<RefreshToken>,
) -> HttpResult<HttpResponse> {
    let device = Device::from(client);
    let token = match body.into_inner().refresh_token {
        Some(token) => Some(token),
        None if request.headers().contains_key(AUTHORIZATION) => None,
        None => cookie::read(&ctx, &request)?,
    };
    match token {
        Some(token) => actions::sign_out_by_token(&ctx, &token, &device).await?,
        None => actions::sign_out(&ctx, caller(&request).await?, &device).await?,
    }
    Ok(cookie::forgotten())
}

async fn caller(request: &HttpRequest) -> HttpResult<CurrentUser> {
    if !request.headers().contains_key(AUTHORIZATION) {
        return Err(Error::new(Code::Unauthenticated, NO_TOKEN).into());
    }
    CurrentUser::from_request(request, &mut Payload::None).await
}
