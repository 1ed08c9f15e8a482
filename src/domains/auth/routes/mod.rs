//! Routes of sign-in. All answers are `no-store`, and none takes an idempotency key: what they
//! answer with is secret, or repeating them is harmless.

mod cookie;
mod entry;
mod links;
mod own;
mod pages;
mod refresh;

pub use pages::configure_pages;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::actions::Caller;
use super::model::Throttle;
use crate::kernel::Error;
use crate::platform::http::{ClientAddress, Problem};
use crate::platform::sessions::{CurrentUser, Device};

/// Registers the routes. They need a [`Throttle`] in the application's data.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.configure(entry::configure)
        .configure(refresh::configure)
        .configure(links::configure)
        .configure(own::configure);
}

/// Where the refresh token goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RefreshIn {
    /// Into the answer.
    #[default]
    Body,
    /// Into the cookie `__Host-kith_refresh`, out of reach of scripts.
    Cookie,
}

/// The throttle of this application.
struct Throttled(web::Data<Throttle>);

impl FromRequest for Throttled {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let throttle = request.app_data::<web::Data<Throttle>>().cloned();
        let missing = || Error::internal(anyhow::anyhow!("the application has no throttle"));
        ready(throttle.map(Self).ok_or_else(|| missing().into()))
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
