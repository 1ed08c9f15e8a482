//! Devices, and what they are given to be pushed to.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::notifications::model::{PushKind, vapid_keys};
use crate::platform::Ctx;

/// A device that is pushed to.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushSubscription {
    /// What the client calls the device.
    pub device_id: String,
    /// How it is pushed to.
    pub kind: PushKind,
    /// Its address at the push service.
    pub endpoint: String,
}

impl PushSubscription {
    /// A device with its address.
    pub fn new(device_id: &str, endpoint: &str) -> Self {
        Self {
            device_id: device_id.to_owned(),
            kind: PushKind::Webpush,
            endpoint: endpoint.to_owned(),
        }
    }
}

/// The public key that browsers want for a subscription.
pub fn vapid_public_key(ctx: &Ctx) -> String {
    let keys = vapid_keys(&ctx.config().secret_key, ctx.public_url());
    let key = keys.first().map(|key| key.public_key().to_owned());
    key.unwrap_or_default()
}
