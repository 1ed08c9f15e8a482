//! A person is what the most present of their devices is, wherever those are connected.

use std::time::Duration;

use serde_json::json;

use super::client::Socket;
use super::presence::{state_of, wait_for};
use super::{QUICK, beside, second};
use crate::support::{Session, TestApp};

async fn device(person: &Session, url: &str, state: &str) -> Option<Socket> {
    if state == "offline" {
        return None;
    }
    let mut socket = Socket::of(person, url).await;
    socket.ask("presence.set", json!({"state": state})).await;
    Some(socket)
}

#[tokio::test]
async fn whoever_has_several_devices_is_what_the_most_present_of_them_is() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    // From the least to the most.
    let states = ["offline", "away", "online"];
    for one in states {
        for two in states {
            let devices = [
                device(&bob, &app.url, one).await,
                device(&bob, beside(&app, &other), two).await,
            ];
            let rank = |state: &str| states.iter().position(|known| *known == state);
            let most = if rank(one) > rank(two) { one } else { two };
            wait_for(&ada, &bob, most).await;
            // And it stays so.
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert_eq!(state_of(&ada, &bob).await, most, "{one} and {two}");
            for device in devices.into_iter().flatten() {
                device.goodbye().await;
            }
            wait_for(&ada, &bob, "offline").await;
        }
    }
}
