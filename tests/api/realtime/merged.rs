//! What the client that people are told to copy has said itself is shown once, although it is answered and told, and
//! done once, although it is sent again.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::{PATIENCE, Socket, upgrade, with};
use super::follower::{Act, Follower};
use super::outbox::Said;
use super::{QUICK, beside, id_of, pair, second};
use crate::support::{Session, TestApp};

/// The client of somebody, with all that it has shown.
struct Client<'a> {
    person: &'a Session,
    url: String,
    follower: Follower,
    socket: Socket,
    /// What was shown: messages, by their content, in the order in which that happened.
    shown: Vec<String>,
    refused: Vec<String>,
}

async fn connect(person: &Session, url: &str, follower: &mut Follower) -> Socket {
    let bearer = format!("Bearer {}", person.access_token);
    let request = with(upgrade(url, ""), "authorization", &bearer);
    let mut socket = Socket::open(request).await.expect("a socket");
    let hello = follower.hello();
    socket.send(Message::text(hello.to_string())).await;
    socket
}

impl<'a> Client<'a> {
    /// One that goes on with what was kept.
    async fn start(person: &'a Session, url: &str, channel: &str, kept: &str) -> Self {
        let mut follower = Follower::new([channel.to_owned()], kept);
        let socket = connect(person, url, &mut follower).await;
        Self {
            person,
            url: url.to_owned(),
            follower,
            socket,
            shown: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Loses the line, and has another.
    async fn reconnect(&mut self, url: &str) {
        url.clone_into(&mut self.url);
        let socket = connect(self.person, url, &mut self.follower).await;
        std::mem::replace(&mut self.socket, socket).cut();
    }

    async fn say(&mut self, channel: &str, content: &str) {
        let said = Said {
            op_id: format!("op-{}", content.replace(' ', "-")),
            op: "message.send".to_owned(),
            d: json!({"conversation_id": id_of(channel), "content": content}),
        };
        let acts = self.follower.say(said);
        self.obey(acts).await;
    }

    /// Hears frames until so many messages were shown.
    async fn until(&mut self, count: usize) {
        let began = Instant::now();
        while self.shown.len() < count {
            assert!(began.elapsed() < PATIENCE, "{:?}", self.shown);
            self.hear().await;
        }
    }

    /// Hears frames for a while; pings come for ever.
    async fn rest(&mut self) {
        let began = Instant::now();
        while let Some(left) = Duration::from_secs(1).checked_sub(began.elapsed()) {
            // At the end nothing more may come.
            drop(tokio::time::timeout(left, self.hear()).await);
        }
    }

    async fn hear(&mut self) {
        let frame = self.socket.next().await.expect("it stays open");
        let acts = self.follower.heard(&frame.to_string());
        self.obey(acts).await;
    }

    async fn obey(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Show(event) if event.t == "message.created" => self.show(&event.d),
                Act::Done(said, d) => {
                    assert_eq!(said.op, "message.send");
                    self.show(&d);
                }
                Act::Refused(said, why) => self.refused.push(format!("{} {why}", said.op_id)),
                Act::Send(frame) => self.socket.send(Message::text(frame.to_string())).await,
                Act::Show(_) | Act::Fetch(_) => {}
                // What is sent again may still be under way where it was sent first.
                Act::ComeBack => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    self.reconnect(&self.url.clone()).await;
                }
                Act::Lost(..) | Act::Refresh => panic!("{act:?}"),
            }
        }
    }

    fn show(&mut self, d: &Value) {
        let content = d["message"]["content"].as_str().expect("words");
        self.shown.push(content.to_owned());
    }
}

/// What was said in a conversation, oldest first.
async fn said(person: &Session, channel: &str) -> Vec<String> {
    let path = format!("/v1/conversations/{}/messages?limit=100", id_of(channel));
    let page = person.get(&path).await.expect_status(200).json;
    let data = page["data"].as_array().expect("a list").iter().rev();
    data.map(|message| message["content"].as_str().expect("words").to_owned())
        .filter(|content| content != "first")
        .collect()
}

#[tokio::test]
async fn the_reference_client_shows_its_own_message_once_and_others_theirs() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let there = beside(&app, &other).to_owned();
    let mut hers = Client::start(&ada, &app.url, &channel, "").await;
    let mut tablet = Client::start(&ada, &there, &channel, "").await;
    let mut his = Client::start(&bob, &there, &channel, "").await;
    for client in [&mut hers, &mut tablet, &mut his] {
        client.rest().await;
    }
    let words: Vec<String> = (0..20).map(|number| format!("word {number}")).collect();
    for word in &words {
        hers.say(&channel, word).await;
    }
    for client in [&mut hers, &mut tablet, &mut his] {
        client.until(words.len()).await;
        client.rest().await;
        client
            .shown
            .sort_by_key(|shown| words.iter().position(|word| word == shown));
        assert_eq!(client.shown, words, "each once");
    }
    assert_eq!(said(&bob, &channel).await, words);
    // What is refused is said once, and is not tried again.
    hers.say(&channel, "").await;
    hers.rest().await;
    hers.reconnect(&app.url).await;
    hers.rest().await;
    assert_eq!(hers.refused, ["op- validation_failed"]);
}

#[tokio::test]
async fn what_the_reference_client_said_when_its_line_broke_is_done_and_shown_once() {
    let app = TestApp::start_with(QUICK).await;
    let other = app.start_beside(QUICK).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let mut hers = Client::start(&ada, &app.url, &channel, "").await;
    hers.rest().await;
    let mut words: Vec<String> = Vec::new();
    for round in 0..6 {
        for number in 0..3 {
            words.push(format!("round {round} word {number}"));
            hers.say(&channel, words.last().expect("one")).await;
        }
        // The answers are lost, or some of them; what was said waits on the next line, on either instance.
        if round % 2 == 0 {
            hers.until(words.len() - 2).await;
        }
        hers.reconnect(if round % 3 == 0 { &other.url } else { &app.url })
            .await;
        if round == 3 {
            // The program itself begins anew, before it has heard anything.
            let shown = std::mem::take(&mut hers.shown);
            let kept = hers.follower.kept();
            hers = Client::start(&ada, &other.url, &channel, &kept).await;
            hers.shown = shown;
        }
        hers.until(words.len()).await;
    }
    hers.rest().await;
    let mut shown = hers.shown.clone();
    shown.sort_unstable();
    words.sort_unstable();
    assert_eq!(shown, words, "each is shown once");
    let mut said = said(&bob, &channel).await;
    said.sort_unstable();
    assert_eq!(said, words, "and was said once");
}

#[test]
fn the_reference_client_shows_what_it_said_by_whichever_comes_first() {
    let mut follower = Follower::new(["conv:1".to_owned()], "");
    let hello = follower.hello();
    let say = |op_id: &str| Said {
        op_id: op_id.to_owned(),
        op: "message.send".to_owned(),
        d: json!({"content": op_id}),
    };
    assert!(
        follower.say(say("a")).is_empty(),
        "there is no connection yet"
    );
    let subs = json!({"conv:1": {"e": "x", "o": 4}});
    let reply = json!({"re": hello["id"], "ok": true, "d": {"session": "s_1", "subs": subs}});
    let acts = follower.heard(&reply.to_string());
    let [Act::Fetch(_), Act::Send(first)] = &acts[..] else {
        panic!("{acts:?}");
    };
    assert_eq!(first["op_id"], "a");
    let event = |o: i64, op_id: Option<&str>| {
        let mut event = json!({"ch": "conv:1", "e": "x", "o": o, "t": "message.created", "d": {}});
        if let Some(op_id) = op_id {
            event["op_id"] = json!(op_id);
        }
        event.to_string()
    };
    let answer = |frame: &Value| json!({"re": frame["id"], "ok": true, "d": {"n": 1}}).to_string();
    // The reply first.
    assert_eq!(
        follower.heard(&answer(first)),
        [Act::Done(say("a"), json!({"n": 1}))]
    );
    assert!(follower.heard(&event(5, Some("a"))).is_empty());
    // The event first.
    let acts = follower.say(say("b"));
    let [Act::Send(second)] = &acts[..] else {
        panic!("{acts:?}");
    };
    assert!(matches!(
        follower.heard(&event(6, Some("b")))[..],
        [Act::Show(_)]
    ));
    assert!(follower.heard(&answer(second)).is_empty());
    // What another device of this person did under the same name, or others, is theirs.
    assert!(matches!(
        follower.heard(&event(7, Some("a")))[..],
        [Act::Show(_)]
    ));
    assert!(matches!(
        follower.heard(&event(8, None))[..],
        [Act::Show(_)]
    ));
    // What was not answered is kept, and sent in its order on the next line.
    for op_id in ["c", "d"] {
        follower.say(say(op_id));
    }
    let mut follower = Follower::new(["conv:1".to_owned()], &follower.kept());
    let hello = follower.hello();
    assert!(hello["d"]["resume"].get("said").is_none(), "{hello}");
    let reply = json!({"re": hello["id"], "ok": true,
        "d": {"session": "s_1", "subs": {"conv:1": {"recovered": true}}}});
    let acts = follower.heard(&reply.to_string());
    let sent = acts.iter().map(|act| match act {
        Act::Send(frame) => frame["op_id"].clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(sent.collect::<Vec<_>>(), ["c", "d"]);
}
