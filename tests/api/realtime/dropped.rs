//! What a reader who is too slow is not sent: each of it is counted by its class, and none of it is durable.

use kith::platform::realtime::{Channel, Class, Signal, tell};
use serde_json::{Value, json};

use super::client::Socket;
use super::closes::figure;
use super::{QUIET, post_of, subscribe};
use crate::support::TestApp;

/// How many of each class are told.
const TOLD: usize = 500;
/// Comments of 16 KB each: of what waits many have to make room for one.
const COMMENTS: usize = 16;

/// Tells so many signals of this class, each with a number and some ballast.
fn tell_many(app: &TestApp, channel: &str, class: Class) {
    let channel: Channel = channel.parse().expect("a channel");
    for number in 0..TOLD {
        let d = json!({"class": class.as_str(), "number": number, "words": "x".repeat(1_200)});
        let mut signal = Signal::state(channel.clone(), "test.event", d);
        signal.class = class;
        tell(&app.ctx, signal);
    }
}

/// How much was dropped so far of a class.
async fn dropped(app: &TestApp, class: &str) -> f64 {
    figure(
        app,
        &format!(r#"kith_live_dropped_total{{class="{class}"}}"#),
    )
    .await
}

#[tokio::test]
async fn whatever_is_not_sent_is_counted_by_its_class_and_nothing_of_it_is_durable() {
    // Whoever takes nothing is not cut off while this is going on.
    let app = TestApp::start_with(&[("KITH_LIVE_BEAT", "120s")]).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (post, channel) = post_of(&ada).await;
    let mut slow = Socket::of(&bob, &app.url).await;
    let at = subscribe(&mut slow, &channel).await;
    tell_many(&app, &channel, Class::Ephemeral);
    let words = "\u{1d11e}".repeat(4_000);
    for _ in 0..COMMENTS {
        ada.comment_on(&post, &words).await;
    }
    tell_many(&app, &channel, Class::State);
    let last = ada.comment_on(&post, "the last").await;
    let mut heard: Vec<Value> = Vec::new();
    loop {
        let frame = slow.next().await.expect("it stays open");
        let is_last = frame["d"]["comment"]["id"] == last;
        heard.push(frame);
        if is_last {
            break;
        }
    }
    // States may be overtaken by what is durable.
    heard.extend(slow.rest(QUIET * 3).await);
    let places: Vec<i64> = heard
        .iter()
        .filter_map(|frame| frame["o"].as_i64())
        .collect();
    let first = at["o"].as_i64().expect("a place") + 1;
    let wanted = (first..).take(COMMENTS + 1);
    assert_eq!(places, wanted.collect::<Vec<_>>(), "all that is durable");
    for class in ["ephemeral", "state"] {
        let of_class: Vec<&Value> = heard
            .iter()
            .filter(|frame| frame["d"]["class"] == class)
            .map(|frame| &frame["d"]["number"])
            .collect();
        let missing = TOLD - of_class.len();
        assert!(missing > 0, "there was room for all that is {class}");
        let counted = dropped(&app, class).await;
        let missing = f64::from(u32::try_from(missing).expect("few"));
        if class == "ephemeral" {
            assert!(counted >= missing, "{class}: {counted} of {missing}");
        } else {
            // Of states that come together no more than the latest may reach the reader's queue.
            assert!(counted >= 1.0, "{class}: {counted}");
            assert_eq!(
                of_class.last(),
                Some(&&json!(TOLD - 1)),
                "the latest is told"
            );
        }
    }
    slow.ask("ping", json!({})).await;
}
