//! Devices that take push, and the end of mail.

use actix_web::{HttpResponse, delete, post, put};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions::{self, NewSubscription};
use super::super::model::read_unsubscribe_token;
use super::super::view::PushSubscription;
use crate::kernel::{Code, Error};
use crate::platform::http::{Body, HttpResult, Params, PathOf};
use crate::platform::sessions::{CurrentUser, DeviceId};
use crate::platform::{Answer, Ctx, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(set_push_subscription)
        .service(delete_push_subscription)
        .service(unsubscribe_from_mail);
}

/// Have a device pushed to
///
/// With what the browser gives for a subscription under the key `vapid_public_key` of `/v1/meta`. It
/// ends when the device is signed out.
#[utoipa::path(tag = "Notifications", request_body = NewSubscription,
    params(("device_id" = DeviceId, Path,
        description = "What your client calls the device, as when it signed in")),
    responses((status = 200, body = PushSubscription)), security(("bearer" = [])))]
#[put("/me/push-subscriptions/{device_id}")]
async fn set_push_subscription(
    writer: Writer,
    me: CurrentUser,
    device_id: PathOf<DeviceId>,
    new: Body<NewSubscription>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::subscribe(tx, me, &device_id, &new).await?;
            Answer::ok(&PushSubscription::new(device_id.as_str(), &new.endpoint))
        })
        .await
}

/// End pushing to a device
///
/// Nothing is pushed to the device any more. Again, it changes nothing.
#[utoipa::path(tag = "Notifications",
    params(("device_id" = DeviceId, Path,
        description = "What your client calls the device, as when it signed in")),
    responses((status = 204)), security(("bearer" = [])))]
#[delete("/me/push-subscriptions/{device_id}")]
async fn delete_push_subscription(
    writer: Writer,
    me: CurrentUser,
    device_id: PathOf<DeviceId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::unsubscribe(tx, me.id, &device_id).await?;
            Ok(Answer::nothing())
        })
        .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Unsubscribing {
    /// What the link in the mail holds.
    token: String,
}

/// End mail about notifications
///
/// What the button of a mail program sends (RFC 8058), whatever its body. It works once and again, and
/// without signing in.
#[utoipa::path(tag = "Notifications", params(Unsubscribing), responses((status = 204)))]
#[post("/unsubscribe")]
async fn unsubscribe_from_mail(
    ctx: Ctx,
    writer: Writer,
    params: Params<Unsubscribing>,
) -> HttpResult<HttpResponse> {
    let root = &ctx.config().secret_key;
    let user_id = read_unsubscribe_token(root, &params.token);
    let user_id = user_id.ok_or_else(|| Error::from(Code::LinkExpired))?;
    writer
        .run(user_id, async move |tx| {
            actions::end_mail(tx, user_id).await?;
            Ok(Answer::nothing())
        })
        .await
}
