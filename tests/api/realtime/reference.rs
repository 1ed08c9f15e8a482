//! The client that people are told to copy, from `examples/live`.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Socket, upgrade, with};
use super::follower::{Act, Follower, Next};
use super::{post_of, publish};
use crate::support::{Session, TestApp};

/// Long enough for all of the connections that come at once, beside other tests.
const QUIET: Duration = Duration::from_secs(1);

/// A run of the client, connection after connection.
struct Run<'a> {
    app: &'a TestApp,
    person: &'a Session,
    follower: Follower,
    socket: Option<Socket>,
    reconnects: u32,
    /// The numbers of the events that were shown.
    shown: Vec<i64>,
    /// Channels that were fetched, and such as were given up.
    fetched: Vec<String>,
    lost: Vec<String>,
}

impl<'a> Run<'a> {
    fn new(app: &'a TestApp, person: &'a Session, wanted: &[&str], kept: &str) -> Self {
        let wanted = wanted.iter().map(|ch| (*ch).to_owned());
        Self {
            app,
            person,
            follower: Follower::new(wanted, kept),
            socket: None,
            reconnects: 0,
            shown: Vec::new(),
            fetched: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// Runs until it has been quiet.
    async fn go_on(&mut self) {
        loop {
            let mut socket = match self.socket.take() {
                Some(socket) => socket,
                None => self.connect().await,
            };
            let code = match tokio::time::timeout(QUIET, socket.next()).await {
                Err(_quiet) => {
                    self.socket = Some(socket);
                    return;
                }
                Ok(Ok(frame)) => self.obey(&frame, &mut socket).await,
                Ok(Err(code)) => Some(code),
            };
            let Some(code) = code else {
                self.socket = Some(socket);
                continue;
            };
            let next = self.follower.closed(code, 0.0);
            assert!(matches!(next, Next::Connect(_)), "it gave up after {code}");
            self.reconnects += 1;
            assert!(
                self.reconnects <= 2,
                "it comes back again and again: {code}"
            );
        }
    }

    async fn connect(&mut self) -> Socket {
        let bearer = format!("Bearer {}", self.person.access_token);
        let request = with(upgrade(&self.app.url, ""), "authorization", &bearer);
        let mut socket = Socket::open(request).await.expect("a socket");
        let hello = self.follower.hello();
        socket.send(Message::text(hello.to_string())).await;
        socket
    }

    /// Does what is to be done about a frame; gives the code if that ends the connection.
    async fn obey(&mut self, frame: &Value, socket: &mut Socket) -> Option<u16> {
        for act in self.follower.heard(&frame.to_string()) {
            match act {
                Act::Show(event) if event.t == "test.event" => {
                    self.shown.extend(event.d["number"].as_i64());
                }
                Act::Show(_) | Act::Done(..) | Act::Refused(..) => {}
                Act::Fetch(ch) => self.fetched.push(ch),
                Act::Lost(ch, _why) => self.lost.push(ch),
                Act::Send(frame) => socket.send(Message::text(frame.to_string())).await,
                Act::Refresh => {
                    let frame = self.follower.refresh(&self.person.access_token);
                    socket.send(Message::text(frame.to_string())).await;
                }
                Act::ComeBack => return Some(4999),
            }
        }
        None
    }
}

/// What a client may have kept that was at `at` in `channel`, and is wrong.
fn corrupted(channel: &str, at: &Value, own: &str, foreign: (&str, &str)) -> Vec<String> {
    let (e, o) = (at["e"].as_str().expect("an epoch"), at["o"].clone());
    let (his_session, his_inbox) = foreign;
    let pos = |e: Value, o: Value| json!({"pos": {channel: {"e": e, "o": o}}}).to_string();
    let session = |name: &str| json!({"session": name, "pos": {channel: at}}).to_string();
    let beside = |name: &str, place: Value| {
        json!({"session": null, "pos": {channel: at, name: place}}).to_string()
    };
    let good = json!({"e": e, "o": o});
    let many = (0..300).map(|number| (format!("post:{number}"), good.clone()));
    vec![
        // What cannot be read.
        String::new(),
        "\u{0}\u{1}not JSON".to_owned(),
        "null".to_owned(),
        r#"{"session":"s_"#.to_owned(),
        json!({"session": 7, "pos": {}}).to_string(),
        json!({"session": null, "pos": [channel]}).to_string(),
        json!({"session": null, "pos": {channel: {"o": o}}}).to_string(),
        pos(json!(e), json!("7")),
        pos(json!(e), json!(1e300)),
        // Names of connections.
        session(""),
        session("s_00000000000000000000000000000000"),
        session("s_\u{0}"),
        session(&"s".repeat(40_000)),
        session(his_session),
        // Places.
        json!({"session": null, "pos": {channel: {"e": "another", "o": o}}}).to_string(),
        json!({"session": null, "pos": {channel: {"e": "", "o": o}}}).to_string(),
        json!({"session": null, "pos": {channel: {"e": "x".repeat(40_000), "o": o}}}).to_string(),
        json!({"session": null, "pos": {channel: {"e": e, "o": -1}}}).to_string(),
        json!({"session": null, "pos": {channel: {"e": e, "o": 1_000_000}}}).to_string(),
        json!({"session": null, "pos": {channel: {"e": e, "o": i64::MAX}}}).to_string(),
        json!({"session": null, "pos": {channel: {"e": e, "o": i64::MIN}}}).to_string(),
        json!({"session": null, "pos": {channel: {"e": e, "o": 0}}}).to_string(),
        // Other channels.
        beside("conv:nothing", good.clone()),
        beside("", good.clone()),
        beside(his_inbox, good.clone()),
        beside(own, json!({"e": "another", "o": 3})),
        beside(own, json!({"e": e, "o": 1_000_000})),
        json!({"session": null, "pos": many.collect::<serde_json::Map<_, _>>()}).to_string(),
    ]
}

#[tokio::test]
async fn the_reference_client_leaves_every_corrupted_state_within_two_reconnects() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let his = Socket::of(&bob, &app.url).await;
    let foreign = (
        his.hello["session"].as_str().expect("a name"),
        &*format!("user:{}", bob.id),
    );
    let own = format!("user:{}", ada.id);
    let mut socket = Socket::of(&ada, &app.url).await;
    let (_post, channel) = post_of(&ada).await;
    publish(&app, &channel, 0).await;
    let at = super::subscribe(&mut socket, &channel).await;
    socket.goodbye().await;
    let at = super::client::position(&at);
    let states = corrupted(&channel, &at, &own, foreign);
    assert!(states.len() >= 20);
    let mut missed = 1;
    // A person has at most ten connections.
    for states in states.chunks(7) {
        publish(&app, &channel, missed).await;
        let run = |kept: &String| Run::new(&app, &ada, &[&channel], kept);
        let mut runs: Vec<Run> = states.iter().map(run).collect();
        join_all(runs.iter_mut().map(Run::go_on)).await;
        publish(&app, &channel, missed + 1).await;
        join_all(runs.iter_mut().map(Run::go_on)).await;
        for (run, kept) in runs.iter_mut().zip(states) {
            let kept: String = kept.chars().take(80).collect();
            let count = |number| run.shown.iter().filter(|shown| **shown == number).count();
            assert_eq!(count(missed + 1), 1, "{kept}: {:?}", run.shown);
            let is_known = count(missed) == 1 || run.fetched.contains(&channel);
            assert!(is_known, "{kept} hides what was missed");
            // And what is kept now is good.
            let kept = run.follower.kept();
            *run = Run::new(&app, &ada, &[&channel], &kept);
        }
        join_all(runs.iter_mut().map(Run::go_on)).await;
        for (run, kept) in runs.iter().zip(states) {
            assert!(run.shown.is_empty() && run.fetched.is_empty(), "{kept}");
            assert_eq!(run.reconnects, 0, "{kept}");
        }
        missed += 2;
    }
}

#[tokio::test]
async fn the_reference_client_gives_up_what_it_may_not_follow_and_keeps_the_rest() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (_post, channel) = post_of(&ada).await;
    let nobodys = "conv:01938b2f-5a00-7000-8000-000000000001";
    let mut run = Run::new(&app, &ada, &["nonsense", nobodys, &channel], "");
    run.go_on().await;
    run.lost.sort_unstable();
    assert_eq!(run.lost, [nobodys, "nonsense"]);
    publish(&app, &channel, 1).await;
    run.go_on().await;
    assert_eq!((run.shown, run.reconnects), (vec![1], 0));
}

#[test]
fn the_reference_client_asks_for_many_channels_with_few_frames() {
    let wanted: Vec<String> = (0..128).map(|number| format!("post:{number}")).collect();
    let mut follower = Follower::new(wanted.clone(), "");
    let hello = follower.hello();
    let reply = json!({"re": hello["id"], "ok": true, "d": {"session": "s_1", "subs": {}}});
    let acts = follower.heard(&reply.to_string());
    let named = |frame: &Value| frame["d"]["chs"].as_array().map_or(0, Vec::len);
    let sent = |acts: &[Act]| -> Vec<Value> {
        let frames = acts.iter().filter_map(|act| match act {
            Act::Send(frame) => Some(frame.clone()),
            _ => None,
        });
        frames.collect()
    };
    let frames = sent(&acts);
    assert_eq!(frames.iter().map(named).collect::<Vec<_>>(), [64, 64]);
    // Where a frame is refused for one name, its halves are asked for.
    let refused = json!({"re": frames[0]["id"], "ok": false, "err": {"code": "not_found"}});
    let acts = follower.heard(&refused.to_string());
    assert_eq!(sent(&acts).iter().map(named).collect::<Vec<_>>(), [32, 32]);
}

#[test]
fn the_reference_client_shows_each_event_once_and_fetches_what_it_cannot_know() {
    let mut follower = Follower::new(["post:1".to_owned()], "");
    let hello = follower.hello();
    let subs = json!({"post:1": {"e": "a", "o": 4}});
    let reply = json!({"re": hello["id"], "ok": true, "d": {"session": "s_1", "subs": subs}});
    let fetch = || Act::Fetch("post:1".to_owned());
    assert_eq!(follower.heard(&reply.to_string()), [fetch()]);
    let event = |e: &str, o: i64| json!({"ch": "post:1", "e": e, "o": o, "t": "x", "d": {}});
    let mut shown = |message: Value| follower.heard(&message.to_string());
    let is_shown = |acts: &[Act]| matches!(acts, [Act::Show(_)]);
    assert!(is_shown(&shown(event("a", 5))));
    assert!(shown(event("a", 5)).is_empty() && shown(event("a", 4)).is_empty());
    // Of what one may not see there is no number.
    assert!(is_shown(&shown(event("a", 9))));
    assert!(shown(json!({"op": "pos", "d": {"post:1": {"e": "a", "o": 12}}})).is_empty());
    assert!(shown(event("a", 12)).is_empty());
    assert_eq!(shown(event("b", 1)), [fetch()]);
    assert!(is_shown(&shown(event("b", 2))));
    assert!(follower.kept().contains(r#""post:1":{"e":"b","o":2}"#));
}

#[test]
fn the_reference_client_comes_back_as_the_code_says_and_never_in_step() {
    let mut follower = Follower::new([], "");
    follower.hello();
    follower.heard(r#"{"op":"bye","code":4201,"after_ms":321}"#);
    let wait = Duration::from_millis;
    assert_eq!(follower.closed(4201, 0.5), Next::Connect(wait(321)));
    let waits: Vec<Next> = (0..8).map(|_| follower.closed(1006, 0.5)).collect();
    assert!(waits.is_sorted_by_key(|next| match next {
        Next::Connect(wait) => *wait,
        Next::Stop => Duration::ZERO,
    }));
    assert_eq!(waits.last(), Some(&Next::Connect(wait(22_500))));
    assert_ne!(follower.closed(1006, 0.1), follower.closed(1006, 0.9));
    assert_eq!(follower.closed(4009, 0.5), Next::Stop);
    assert!(matches!(follower.closed(4001, 0.5), Next::Connect(_)));
    assert_eq!(follower.closed(4001, 0.5), Next::Stop, "the second time");
}
