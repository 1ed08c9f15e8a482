//! Routes of sign-in. All answers are `no-store`, and none takes an idempotency key: what they
//! answer with is secret, or repeating them is harmless.

mod cookie;
mod entry;
mod links;
mod own;
mod pages;
mod refresh;

pub use pages::configure_pages;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use utoipa_actix_web::service_config::ServiceConfig;

use super::actions::Caller;
use crate::platform::http::{ClientAddress, Problem};
use crate::platform::limits::{RouteLimit, in_action, policies};
use crate::platform::sessions::{CurrentUser, Device};
use crate::words;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.configure(entry::configure)
        .configure(refresh::configure)
        .configure(links::configure)
        .configure(own::configure);
}

/// What limits these routes beside the general limit. Whom to count stands in their bodies.
pub const LIMITS: &[RouteLimit] = &[
    in_action("POST", "/v1/auth/login", &policies::SIGN_IN),
    in_action("POST", "/v1/auth/login", &policies::SIGN_IN_ADDRESS),
    in_action("POST", "/v1/auth/reauth", &policies::SIGN_IN),
    in_action("POST", "/v1/auth/reauth", &policies::SIGN_IN_ADDRESS),
    in_action("PUT", "/v1/me/password", &policies::SIGN_IN),
    in_action("PUT", "/v1/me/password", &policies::SIGN_IN_ADDRESS),
    in_action("PUT", "/v1/me/email", &policies::SIGN_IN),
    in_action("PUT", "/v1/me/email", &policies::SIGN_IN_ADDRESS),
    in_action("PUT", "/v1/me/email", &policies::VERIFICATION_MAIL),
    in_action("DELETE", "/v1/me", &policies::SIGN_IN),
    in_action("DELETE", "/v1/me", &policies::SIGN_IN_ADDRESS),
    in_action("POST", "/v1/auth/register", &policies::REGISTRATION),
    in_action("POST", "/v1/auth/forgot-password", &policies::PASSWORD_MAIL),
    in_action(
        "POST",
        "/v1/auth/resend-verification",
        &policies::VERIFICATION_MAIL,
    ),
];

words! {
    /// Where the refresh token goes.
    #[derive(Default)]
    enum RefreshIn {
        /// Into the answer.
        #[default]
        Body = "body",
        /// Into the cookie `__Host-kith_refresh`, out of reach of scripts.
        Cookie = "cookie",
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let me = CurrentUser::from_request(request, payload);
        let client = ClientAddress::from_request(request, payload);
        Box::pin(async move {
            let me = me.await?;
            let client = client.await.unwrap_or_else(|never| match never {});
            Ok(Self {
                me,
                address: client.address,
                device: Device::from(client),
            })
        })
    }
}
