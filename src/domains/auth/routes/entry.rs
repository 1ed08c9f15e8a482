//! Registration and sign-in.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions::{self, Credentials, Registration};
use super::super::model::{ClaimedPassword, DeviceName, Email, Login, Password};
use super::super::view::SignedIn;
use super::{RefreshIn, cookie};
use crate::domains::users::{DisplayName, Username};
use crate::platform::Ctx;
use crate::platform::http::{Body, ClientAddress, HttpResult, no_store};
use crate::platform::limits::Gate;
use crate::platform::sessions::{Device, DeviceId};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(register).service(login);
}

/// A registration.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    username: Username,
    email: Email,
    password: Password,
    display_name: DisplayName,
    device_id: Option<DeviceId>,
    device_name: Option<DeviceName>,
    refresh_in: Option<RefreshIn>,
}

/// Register
///
/// Makes an account, signs in, and mails a link that confirms the address. Takes no
/// `Idempotency-Key`: a repeated registration is 409.
#[utoipa::path(tag = "Authentication", request_body = Register, responses((status = 201, body = SignedIn)))]
#[post("/auth/register")]
async fn register(
    ctx: Ctx,
    gate: Gate,
    client: ClientAddress,
    body: Body<Register>,
) -> HttpResult<HttpResponse> {
    let body = body.into_inner();
    let address = client.address;
    let device = device(client, body.device_id, body.device_name);
    let registration = Registration {
        username: body.username,
        email: body.email,
        password: body.password,
        display_name: body.display_name,
    };
    let signed_in = actions::register(&ctx, &gate, &registration, &device, address).await?;
    let location = format!("/v1/users/{}", signed_in.user.profile.person.id);
    Ok(made_at(&location, answer(signed_in, body.refresh_in)))
}

/// The same answer as 201, with where the new account is.
fn made_at(location: &str, mut response: HttpResponse) -> HttpResponse {
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// A sign-in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LoginRequest)]
struct SignIn {
    login: Login,
    password: ClaimedPassword,
    device_id: Option<DeviceId>,
    device_name: Option<DeviceName>,
    refresh_in: Option<RefreshIn>,
}

/// Sign in
///
/// With a username or an e-mail address. The same `device_id` again replaces its session.
#[utoipa::path(tag = "Authentication", request_body = SignIn, responses((status = 200, body = SignedIn)))]
#[post("/auth/login")]
async fn login(
    ctx: Ctx,
    gate: Gate,
    client: ClientAddress,
    body: Body<SignIn>,
) -> HttpResult<HttpResponse> {
    let body = body.into_inner();
    let address = client.address;
    let device = device(client, body.device_id, body.device_name);
    let credentials = Credentials {
        login: body.login,
        password: body.password,
    };
    let signed_in = actions::sign_in(&ctx, &gate, &credentials, &device, address).await?;
    Ok(answer(signed_in, body.refresh_in))
}

fn device(client: ClientAddress, id: Option<DeviceId>, name: Option<DeviceName>) -> Device {
    Device {
        id: id.map(String::from),
        name: name.map(String::from),
        ..Device::from(client)
    }
}

/// The answer, with the refresh token where the client wants it.
fn answer(mut signed_in: SignedIn, refresh_in: Option<RefreshIn>) -> HttpResponse {
    if refresh_in.unwrap_or_default() == RefreshIn::Body {
        return no_store(&signed_in);
    }
    let token = signed_in.tokens.refresh_token.take();
    let mut response = no_store(&signed_in);
    cookie::put(&mut response, &cookie::holding(token.unwrap_or_default()));
    response
}
