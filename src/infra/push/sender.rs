//! Sending one message to one device.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};

use super::address::{PublicOnly, check_endpoint};
use super::encrypt::Keys;
use super::turns::Turns;
use super::vapid::Vapid;
use crate::kernel::{IdFactory, Timestamp};

/// How long a push service may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a service keeps a message for a device that is away.
const KEPT_SECONDS: u32 = 24 * 60 * 60;

/// How soon a message should wake a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// At once.
    High,
    /// When it suits.
    Normal,
}

/// A message to a device.
#[derive(Debug)]
pub struct Push<'a> {
    /// The device's address at its push service.
    pub endpoint: &'a str,
    /// Its keys.
    pub keys: &'a Keys,
    /// The public key of ours that it was subscribed with.
    pub server_key: &'a str,
    /// What it says.
    pub text: &'a [u8],
    /// A later message on the same topic replaces one that waits: up to 32 characters of base64url.
    pub topic: &'a str,
    /// How soon.
    pub urgency: Urgency,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The device is subscribed no longer: never try again.
    Gone,
    /// The service wants to be left alone until then, or says nothing of when.
    Later(Option<Duration>, String),
    /// It was not asked: others are asking it, or it has failed lately. After that it may be.
    Busy(Duration),
    /// It does not take this message, and will not.
    Never(String),
}

/// Sends to devices.
#[derive(Clone)]
pub struct Sender {
    http: Client,
    vapid: Vec<Vapid>,
    random: IdFactory,
    private: bool,
    turns: Turns,
}

impl Sender {
    /// A sender that signs with any of these keys. `private` lets it reach private networks, for tests.
    pub fn new(vapid: Vec<Vapid>, private: bool) -> anyhow::Result<Self> {
        let http = Client::builder()
            .dns_resolver(Arc::new(PublicOnly { private }))
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would resolve names by itself.
            .no_proxy()
            .https_only(!private)
            .timeout(PATIENCE)
            .user_agent("kith")
            .build()
            .context("no HTTP client")?;
        Ok(Self {
            http,
            vapid,
            random: IdFactory::from_os(),
            private,
            turns: Turns::default(),
        })
    }

    /// Sends a message.
    pub async fn send(&self, push: &Push<'_>, now: Timestamp) -> Result<(), Refused> {
        let never = |error: anyhow::Error| Refused::Never(format!("{error:#}"));
        let url = check_endpoint(push.endpoint, self.private)
            .map_err(|fault| Refused::Never(fault.detail.to_owned()))?;
        let origin = url.origin().ascii_serialization();
        let known = |vapid: &&Vapid| vapid.public_key() == push.server_key;
        // A device that was subscribed with a key that is gone has to subscribe anew.
        let vapid = self.vapid.iter().find(known).ok_or(Refused::Gone)?;
        let authorization = vapid.authorization(&origin, now).map_err(never)?;
        let salt = self.random.bytes();
        let body = push.keys.encrypt(push.text, salt).map_err(never)?;
        let request = self
            .http
            .post(url)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_ENCODING, "aes128gcm")
            .header(CONTENT_TYPE, "application/octet-stream")
            .header("TTL", KEPT_SECONDS)
            .header("Topic", push.topic)
            .header(
                "Urgency",
                match push.urgency {
                    Urgency::High => "high",
                    Urgency::Normal => "normal",
                },
            )
            .body(body);
        let turn = self.turns.begin(&origin).map_err(Refused::Busy)?;
        match request.send().await {
            Ok(response) => {
                // Whatever else it says is about this device, which its owner chose: it is no sign of how others
                // fare.
                if response.status().is_server_error() {
                    turn.failed();
                } else {
                    turn.succeeded();
                }
                judge(&response)
            }
            Err(error) => {
                turn.failed();
                // The address is the device's secret: it stays out of errors.
                Err(Refused::Later(None, error.without_url().to_string()))
            }
        }
    }
}

fn judge(response: &Response) -> Result<(), Refused> {
    let status = response.status();
    let words = format!("the push service answered {}", status.as_u16());
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(Refused::Gone),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Err(Refused::Never(words)),
        // A key that a service refuses is our fault and not the device's: it is tried again.
        _ => Err(Refused::Later(retry_after(response), words)),
    }
}

/// Seconds, as push services send them; a date is left to the usual pause.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
