//! A snapshot and what is told after it leave nothing out, however writes and the subscription mingle.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Socket;
use super::{QUICK, QUIET, beside, id_of, pair, post_of, second};
use crate::support::{Session, TestApp};

/// Another seed makes another run.
const SEED: u64 = 20_261_130;
const ROUNDS: usize = 16;
const WRITES: u64 = 12;

/// Numbers by chance, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    async fn pause(&mut self, most: u64) {
        tokio::time::sleep(Duration::from_millis(self.below(most))).await;
    }
}

/// Writes at moments by chance; gives the ids.
async fn write(by: Session, path: String, seed: u64) -> Vec<String> {
    let mut chance = Chance(seed);
    let mut ids = Vec::new();
    for number in 0..WRITES {
        chance.pause(12).await;
        let content = format!("{seed} {number}");
        let written = by.post(&path, &json!({"content": content})).await;
        ids.push(written.expect_status(201).id());
    }
    ids
}

fn ids(things: &Value) -> Vec<String> {
    let things = things.as_array().expect("a list").iter();
    let id = |thing: &Value| thing["id"].as_str().expect("an id").to_owned();
    things.map(id).collect()
}

#[tokio::test]
async fn a_snapshot_and_what_follows_it_are_all_that_there_is() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let mut chance = Chance(SEED);
    for round in 0..ROUNDS {
        let is_talk = round % 2 == 1;
        let (channel, path, kind, list, one) = if is_talk {
            let channel = pair(&bob, &ada).await;
            let path = format!("/v1/conversations/{}/messages", id_of(&channel));
            (channel, path, "message.created", "messages", "message")
        } else {
            let (post, channel) = post_of(&bob).await;
            let path = format!("/v1/posts/{post}/comments");
            (channel, path, "comment.created", "comments", "comment")
        };
        let urls = [app.url.as_str(), beside(&app, &other)];
        let writers = urls.map(|url| {
            let seed = chance.below(1 << 40) + 1;
            tokio::spawn(write(bob.at(url), path.clone(), seed))
        });
        chance.pause(80).await;
        let mut socket = Socket::of(&ada, &app.url).await;
        let asked = json!({"chs": [{"ch": channel}], "snapshot": 100});
        let said = socket.ask("subscribe", asked).await["d"]["subs"][&channel].clone();
        let mut written = BTreeSet::new();
        for writer in writers {
            written.extend(writer.await.expect("it writes"));
        }
        let mut seen: BTreeSet<String> = ids(&said["snapshot"][list]).into_iter().collect();
        let events = socket.rest(QUIET).await;
        let told = events.iter().filter(|event| event["t"] == kind);
        seen.extend(told.map(|event| {
            let id = event["d"][one]["id"].as_str();
            id.expect("an id").to_owned()
        }));
        let missing: Vec<_> = written.difference(&seen).collect();
        assert!(missing.is_empty(), "{SEED}, round {round}: {missing:?}");
    }
}
