//! One delivery: judged once more, carried, and its end written down.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::model::{Channel, DeliveryState, Lane};
use super::super::store::{self, Taken};
use super::super::view::{self, Notification};
use super::mail;
use crate::infra::db::Conn;
use crate::infra::metrics::declared::DELIVERIES;
use crate::infra::push::{Keys, Push, Refused, Sender, Urgency};
use crate::kernel::{Code, Error, Result};
use crate::platform::{Ctx, Reads};

/// How often a delivery is tried.
const ATTEMPTS: i32 = 8;
/// The pause after the first attempt; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// No pause is longer, whatever a push service asks for.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What could not even be tried for so many seconds is told no more.
const LONGEST_WAIT: i64 = 24 * 60 * 60;

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Sent,
    /// Nothing is left to tell, or nobody there to tell it to.
    Cancelled,
    /// It may be tried again, after the pause that the service asked for.
    Later(Option<Duration>, String),
    /// It was not tried, and may be after that: that is no attempt.
    Busy(Duration),
    /// It will never go.
    Dead(String),
}

/// Carries a delivery and writes down what came of it. When that cannot be written, the lease runs
/// out and the delivery is carried again, on the same topic.
pub async fn deliver(ctx: Ctx, sender: Option<Sender>, taken: Taken) {
    let end = match carry(&ctx, sender.as_ref(), &taken).await {
        Ok(end) => end,
        Err(error) if error.code() == Code::Internal => End::Dead(described(&error)),
        Err(error) => End::Later(None, described(&error)),
    };
    if let Err(error) = settle(&ctx, &taken, end).await {
        tracing::warn!(?error, "the end of a delivery was not written");
    }
}

fn described(error: &Error) -> String {
    let cause = error.cause().map(|cause| format!("{cause:#}"));
    let text = cause.unwrap_or_else(|| error.to_string());
    text.chars().take(300).collect()
}

async fn carry(ctx: &Ctx, sender: Option<&Sender>, taken: &Taken) -> Result<End> {
    // What is judged here must be no older than what a request would be judged by.
    ctx.cache().step().await;
    let reads = &mut Reads::cached(ctx);
    let (user_id, id) = (taken.user_id, taken.notification_id);
    let Some(notification) = view::one(ctx, reads, user_id, id, taken.channel).await? else {
        return Ok(End::Cancelled);
    };
    // Whoever has seen it in the list on another device knows.
    if notification.seen || notification.read {
        return Ok(End::Cancelled);
    }
    match (taken.channel, sender) {
        (Channel::Email, _) => mailed(ctx, taken, &notification).await,
        (_, Some(sender)) => pushed(ctx, sender, taken, &notification).await,
        (_, None) => Ok(End::Later(None, "this process cannot push".to_owned())),
    }
}

async fn mailed(ctx: &Ctx, taken: &Taken, notification: &Notification) -> Result<End> {
    let mailbox = store::find_mailbox(&mut *ctx.conn().await?, taken.user_id).await?;
    let Some(mailbox) = mailbox else {
        return Ok(End::Cancelled);
    };
    let message = mail::compose(ctx, taken.user_id, &mailbox, notification);
    ctx.mailer().send(&message).await?;
    Ok(End::Sent)
}

async fn pushed(
    ctx: &Ctx,
    sender: &Sender,
    taken: &Taken,
    notification: &Notification,
) -> Result<End> {
    let now = ctx.now();
    let found = {
        let conn = &mut *ctx.conn().await?;
        store::find_subscription(conn, taken.user_id, &taken.device_id, now).await?
    };
    let Some(device) = found else {
        return Ok(End::Cancelled);
    };
    let keys = match Keys::new(device.p256dh, device.auth) {
        Ok(keys) => keys,
        Err(error) => return Ok(End::Dead(error.to_string())),
    };
    let topic = topic_of(&notification.group_key);
    let text = json!({
        "id": notification.id,
        "kind": notification.kind,
        "group_key": notification.group_key,
        // What shows it replaces one with the same tag.
        "tag": topic,
    })
    .to_string();
    let push = Push {
        endpoint: &device.endpoint,
        keys: &keys,
        server_key: &device.server_key,
        text: text.as_bytes(),
        topic: &topic,
        urgency: match taken.lane {
            Lane::High => Urgency::High,
            Lane::Normal => Urgency::Normal,
        },
    };
    match sender.send(&push, now).await {
        Ok(()) => Ok(End::Sent),
        Err(Refused::Later(pause, why)) => Ok(End::Later(pause, why)),
        Err(Refused::Busy(_)) if now.seconds_since(taken.created_at) > LONGEST_WAIT => {
            let why = "its push service could not be asked for a day";
            Ok(End::Dead(why.to_owned()))
        }
        Err(Refused::Busy(pause)) => Ok(End::Busy(pause)),
        Err(Refused::Never(why)) => Ok(End::Dead(why)),
        Err(Refused::Gone) => {
            let conn = &mut *ctx.conn().await?;
            store::delete_endpoint(conn, taken.user_id, &taken.device_id, &device.endpoint).await?;
            Ok(End::Cancelled)
        }
    }
}

/// What a later message replaces an earlier one by: 32 characters that say nothing of the group.
fn topic_of(group_key: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(group_key.as_bytes()).into();
    let short = digest.first_chunk::<24>().copied().unwrap_or_default();
    URL_SAFE_NO_PAD.encode(short)
}

/// Takes a handle for every way in which a delivery ends, so that each shows from the beginning.
pub(super) fn show_counters() {
    for channel in [Channel::Push, Channel::Email] {
        for outcome in ["sent", "cancelled", "later", "dead"] {
            drop(DELIVERIES.counter(&[channel.as_str(), outcome]));
        }
    }
}

async fn settle(ctx: &Ctx, taken: &Taken, end: End) -> Result<()> {
    let now = ctx.now();
    let conn = &mut *ctx.conn().await?;
    let count = |outcome| {
        DELIVERIES
            .counter(&[taken.channel.as_str(), outcome])
            .increment(1);
    };
    match end {
        End::Sent => {
            count("sent");
            store::settle_delivery(conn, taken, DeliveryState::Sent, None, now).await
        }
        End::Cancelled => {
            count("cancelled");
            store::settle_delivery(conn, taken, DeliveryState::Cancelled, None, now).await
        }
        End::Later(pause, why) if taken.attempts < ATTEMPTS => {
            count("later");
            let pause = pause_after(taken.attempts, pause, jitter(ctx));
            let due = now + TimeDelta::from_std(pause).unwrap_or_default();
            store::postpone_delivery(conn, taken, due, &why).await
        }
        End::Busy(pause) => put_back(ctx, conn, taken, pause).await,
        End::Later(_, why) | End::Dead(why) => {
            count("dead");
            tracing::warn!(
                channel = taken.channel.as_str(),
                why,
                "a delivery failed for good"
            );
            store::settle_delivery(conn, taken, DeliveryState::Dead, Some(&why), now).await
        }
    }
}

/// Has a delivery that was not tried taken again, after a pause at the least: those that wait for the same do not
/// come back at once.
pub(super) async fn put_back(
    ctx: &Ctx,
    conn: &mut Conn,
    taken: &Taken,
    pause: Duration,
) -> Result<()> {
    let pause = pause.mul_f64(1.0 + jitter(ctx));
    let due = ctx.now() + TimeDelta::from_std(pause).unwrap_or_default();
    store::put_back_delivery(conn, taken, due).await
}

fn jitter(ctx: &Ctx) -> f64 {
    f64::from(u16::from_le_bytes(ctx.ids().bytes())) / f64::from(u16::MAX)
}

/// How long to wait after so many attempts: as long as the service asks, and no shorter than the
/// growing pause, of which `fraction` (0 to 1) takes off up to a quarter.
fn pause_after(attempts: i32, asked: Option<Duration>, fraction: f64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    let own = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(LONGEST_PAUSE)
        .mul_f64(1.0 - fraction / 4.0);
    asked.unwrap_or_default().min(LONGEST_PAUSE).max(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_as_long_as_a_service_asks_within_an_hour() {
        let seconds = |attempts, asked: Option<u64>| {
            pause_after(attempts, asked.map(Duration::from_secs), 0.0).as_secs()
        };
        assert_eq!([1, 2, 3].map(|n| seconds(n, None)), [10, 20, 40]);
        assert_eq!(seconds(20, None), 3_600);
        assert_eq!(seconds(1, Some(100)), 100);
        assert_eq!(seconds(5, Some(1)), 160);
        assert_eq!(seconds(1, Some(1_000_000)), 3_600);
        assert_eq!(pause_after(1, None, 1.0), Duration::from_millis(7_500));
    }

    #[test]
    fn a_topic_is_one_that_push_services_take_and_tells_nothing() {
        let topic = topic_of("reaction:post:01938b2f-5a00-7000-8000-000000000001");
        assert_eq!(topic.len(), 32);
        assert!(
            topic
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
        assert_ne!(topic, topic_of("reaction:post:another"));
    }
}
