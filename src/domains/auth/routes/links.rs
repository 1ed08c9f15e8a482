//! Links in mails: asked for, and followed.

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, HttpResponse, post};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions;
use super::super::jobs::Mail;
use super::super::model::{Email, Password};
use crate::platform::Ctx;
use crate::platform::http::{
    Body, ClientAddress, HttpResult, OptionalBody, Problem, accepted, no_content,
};
use crate::platform::limits::Gate;
use crate::platform::sessions::{CurrentUser, Device};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(verify_email)
        .service(resend_verification)
        .service(forgot_password)
        .service(reset_password);
}

/// The token of a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkToken {
    token: String,
}

/// Confirm an e-mail address
///
/// By the token of a mailed link, which counts once, within 24 hours. A link that was mailed to a new address
/// makes it that of the account.
#[utoipa::path(tag = "Authentication", request_body = LinkToken, responses((status = 204)))]
#[post("/auth/verify-email")]
async fn verify_email(
    ctx: Ctx,
    client: ClientAddress,
    body: Body<LinkToken>,
) -> HttpResult<HttpResponse> {
    actions::verify_email(&ctx, &body.token, &Device::from(client)).await?;
    Ok(no_content())
}

/// An e-mail address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EmailAddress {
    email: Email,
}

/// What somebody who is signed in may send: the same, or nothing, as it is their own address anyway.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnAddress {
    #[serde(rename = "email")]
    _email: Option<Email>,
}

/// Whose address is to be confirmed.
struct ToVerify(Mail);

impl FromRequest for ToVerify {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if request.headers().contains_key(AUTHORIZATION) {
            let me = CurrentUser::from_request(request, payload);
            // Read all the same, so that a broken body is told and not ignored.
            let body = OptionalBody::<OwnAddress>::from_request(request, payload);
            return Box::pin(async move {
                let user_id = me.await?.id;
                body.await?;
                Ok(Self(Mail::VerifyEmail { user_id }))
            });
        }
        let body = Body::<EmailAddress>::from_request(request, payload);
        Box::pin(async move {
            let EmailAddress { email } = body.await?.into_inner();
            Ok(Self(Mail::VerifyAddress { email }))
        })
    }
}

/// Ask for another link that confirms an e-mail address
///
/// Signed in: for your own, and no body is needed. Signed out: for the address in the body; the
/// answer does not tell whether there is such an account. At most three are mailed an hour.
#[utoipa::path(tag = "Authentication", request_body = Option<EmailAddress>, responses((status = 202)), security((), ("bearer" = [])))]
#[post("/auth/resend-verification")]
async fn resend_verification(
    ctx: Ctx,
    gate: Gate,
    client: ClientAddress,
    mail: ToVerify,
) -> HttpResult<HttpResponse> {
    actions::request_verification(&ctx, &gate, &mail.0, client.address).await?;
    Ok(accepted())
}

/// Ask for a link that sets a new password
///
/// The answer does not tell whether there is such an account. At most three are mailed an hour.
#[utoipa::path(tag = "Authentication", request_body = EmailAddress, responses((status = 202)))]
#[post("/auth/forgot-password")]
async fn forgot_password(
    ctx: Ctx,
    gate: Gate,
    client: ClientAddress,
    body: Body<EmailAddress>,
) -> HttpResult<HttpResponse> {
    actions::request_reset(&ctx, &gate, &body.email, client.address).await?;
    Ok(accepted())
}

/// A new password with the token of a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordReset {
    token: String,
    password: Password,
}

/// Set a new password by a mailed link
///
/// The token counts once, within an hour. All sessions end; sign in with the new password.
#[utoipa::path(tag = "Authentication", request_body = PasswordReset, responses((status = 204)))]
#[post("/auth/reset-password")]
async fn reset_password(
    ctx: Ctx,
    gate: Gate,
    client: ClientAddress,
    body: Body<PasswordReset>,
) -> HttpResult<HttpResponse> {
    let device = Device::from(client);
    actions::reset_password(&ctx, &gate, &body.token, &body.password, &device).await?;
    Ok(no_content())
}
