//! The refresh token: exchanged for the next pair, or given up.

use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, SET_COOKIE};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::{actions, cookie};
use crate::kernel::{Code, Error};
use crate::platform::http::{ClientAddress, HttpResult, OptionalBody, no_content, no_store};
use crate::platform::sessions::{CurrentUser, Device, Tokens};
use crate::platform::write::transaction;
use crate::platform::{Ctx, Tx};

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
#[utoipa::path(tag = "Authentication", request_body = RefreshToken, responses((status = 200, body = Tokens)))]
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
    put_cookie(&mut response, cookie::holding(next));
    Ok(response)
}

const NO_TOKEN: &str = "Send the refresh token, or have it in the cookie.";

/// Sign out
///
/// Ends the session of the refresh token in the body, else of the access token, else of the refresh
/// token in the cookie. Its access tokens count no longer, and the cookie is cleared.
#[utoipa::path(tag = "Authentication", request_body = RefreshToken, responses((status = 204)), security((), ("bearer" = [])))]
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
    if let Some(token) = token {
        transaction(&ctx, async |tx: &mut Tx| {
            actions::sign_out_by_token(tx, &token, &device).await
        })
        .await?;
    } else {
        let me = caller(&request).await?;
        transaction(&ctx, async |tx: &mut Tx| {
            actions::sign_out(tx, me.id, me.session_id, &device).await
        })
        .await?;
    }
    let mut response = no_content();
    put_cookie(&mut response, cookie::cleared());
    Ok(response)
}

async fn caller(request: &HttpRequest) -> HttpResult<CurrentUser> {
    if !request.headers().contains_key(AUTHORIZATION) {
        return Err(Error::new(Code::Unauthenticated, NO_TOKEN).into());
    }
    CurrentUser::from_request(request, &mut Payload::None).await
}

/// Sets a cookie on an answer that is made already.
pub(super) fn put_cookie(response: &mut HttpResponse, cookie: Cookie<'static>) {
    if let Ok(value) = cookie.to_string().parse() {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
