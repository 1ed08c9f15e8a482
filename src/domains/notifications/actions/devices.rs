//! Where notifications go: devices that take push, and the mailbox.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::model::{Channel, Kind, Preference, PushKind, vapid_keys};
use super::super::store::{self, SubscriptionRow};
use crate::infra::push::{Keys, check_endpoint};
use crate::kernel::{Error, Result, UserId};
use crate::platform::Tx;
use crate::platform::sessions::{CurrentUser, DeviceId};

/// What a browser gives for a subscription.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPushSubscription)]
pub struct NewSubscription {
    /// How it is pushed to.
    #[serde(rename = "kind")]
    pub _kind: PushKind,
    /// Its address at the push service: `https`, on the public internet.
    #[schema(example = "https://push.example.org/v2/abc")]
    pub endpoint: String,
    /// Its keys.
    pub keys: PushKeys,
}

/// The keys of a subscription, in base64url.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushKeys {
    /// The public key: an uncompressed point on P-256.
    pub p256dh: String,
    /// The authentication secret: 16 bytes.
    pub auth: String,
}

/// Subscribes a device, or changes its subscription.
pub async fn subscribe(
    tx: &mut Tx,
    me: CurrentUser,
    device_id: &DeviceId,
    new: &NewSubscription,
) -> Result<()> {
    let private = tx.ctx().config().push_private;
    check_endpoint(&new.endpoint, private)
        .map_err(|fault| Error::invalid_field("/endpoint", fault.code, fault.detail))?;
    let (p256dh, auth) = (bytes(&new.keys.p256dh), bytes(&new.keys.auth));
    let keys = p256dh.zip(auth);
    let keys = keys.filter(|(p256dh, auth)| Keys::new(p256dh.clone(), auth.clone()).is_ok());
    let (p256dh, auth) = keys.ok_or_else(|| {
        let detail = "These are not the keys that a browser gives for a subscription.";
        Error::invalid_field("/keys", "invalid_keys", detail)
    })?;
    let vapid = vapid_keys(&tx.ctx().config().secret_key, tx.ctx().public_url());
    let row = SubscriptionRow {
        endpoint: new.endpoint.clone(),
        p256dh,
        auth,
        server_key: vapid
            .first()
            .map(|key| key.public_key().to_owned())
            .unwrap_or_default(),
    };
    let (now, device) = (tx.now(), (me.session_id, device_id.as_str()));
    store::upsert_subscription(tx.conn(), me.id, device, &row, now).await?;
    store::trim_subscriptions(tx.conn(), me.id).await
}

/// Browsers leave the padding out; some libraries write it.
fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// Ends a device's subscription; without one, nothing happens.
pub async fn unsubscribe(tx: &mut Tx, user_id: UserId, device_id: &DeviceId) -> Result<()> {
    store::delete_subscription(tx.conn(), user_id, device_id.as_str()).await
}

/// Puts what was given up back into the queue, and says how many deliveries those are.
pub async fn retry_deliveries(tx: &mut Tx) -> Result<u64> {
    let now = tx.now();
    store::revive_dead(tx.conn(), now).await
}

/// Ends all mail to a person about notifications.
pub async fn end_mail(tx: &mut Tx, user_id: UserId) -> Result<()> {
    let off = |kind: &Kind| Preference {
        kind: *kind,
        channel: Channel::Email,
        is_on: false,
    };
    let choices: Vec<Preference> = Kind::ALL.iter().map(off).collect();
    store::upsert_preferences(tx.conn(), user_id, &choices).await
}
