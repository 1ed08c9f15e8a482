//! What a client keeps of the channels that it follows, and what it does about what it hears.
//!
//! There is no IO in here: whoever owns the connection sends [`Follower::hello`], hands over what comes,
//! does what is answered, and asks [`Follower::closed`] what next. Take it as it is, or write it anew in
//! your language: these are all the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answers::{Frame, Refusal, Sub};
use super::outbox::{Outbox, Said};

/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(30);

/// How many channels one frame may name.
const AT_ONCE: usize = 64;

/// A place in a channel: `(channel, e, o)` names an event for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The epoch.
    pub e: String,
    /// The offset.
    pub o: i64,
}

/// What outlives a connection, and may outlive the program.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The name under which the connection is resumed.
    session: Option<String>,
    /// Up to where each channel is known.
    pos: BTreeMap<String, Position>,
    /// What was said and not answered yet.
    #[serde(default)]
    said: Outbox,
}

/// An event, or a state or hint if it has no `o`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its channel.
    pub ch: String,
    /// Its offset.
    pub o: Option<i64>,
    /// Its kind.
    pub t: String,
    /// Its content.
    pub d: Value,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// This is new: show it.
    Show(Event),
    /// This client has said that, and it is done: show what the reply holds. Its event is not shown again; if that came
    /// first, there is no such act.
    Done(Said, Value),
    /// This client has said that, and it is refused for the reason given.
    Refused(Said, String),
    /// What happened in this channel is not known: fetch what is shown of it by the routes.
    Fetch(String),
    /// This channel is not listened to any more, for the reason given.
    Lost(String, String),
    /// Send this frame.
    Send(Value),
    /// Refresh the access token, and send [`Follower::refresh`] with it.
    Refresh,
    /// Cut this connection, and ask [`Follower::closed`] with 4999.
    ComeBack,
}

/// What follows the end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Connect again, after this time.
    Connect(Duration),
    /// It makes no sense.
    Stop,
}

/// Follows channels over one connection after the other.
#[derive(Debug)]
pub struct Follower {
    wanted: BTreeSet<String>,
    kept: Kept,
    /// Frames that wait for their reply.
    asked: BTreeMap<i64, Asked>,
    /// Whether this connection has said hello and was answered.
    is_greeted: bool,
    last_id: i64,
    /// When the server wants this client back, if it said so.
    after: Option<Duration>,
    /// Connections that came to nothing, one after the other.
    failed: u32,
    /// What was kept was thrown away, and that has not helped yet.
    forgot: bool,
}

/// What a frame asked for.
#[derive(Debug)]
enum Asked {
    /// To be known, and what was missed.
    Hello,
    /// To listen to these channels.
    Channels(Vec<String>),
    /// To do what has this name.
    Said(String),
}

impl Follower {
    /// Follows these channels, and one's inbox. `kept` is what [`Self::kept`] gave once; whatever cannot
    /// be read is as good as nothing.
    pub fn new(wanted: impl IntoIterator<Item = String>, kept: &str) -> Self {
        Self {
            wanted: wanted.into_iter().collect(),
            kept: serde_json::from_str(kept).unwrap_or_default(),
            asked: BTreeMap::new(),
            is_greeted: false,
            last_id: 0,
            after: None,
            failed: 0,
            forgot: false,
        }
    }

    /// What is worth keeping.
    pub fn kept(&self) -> String {
        json!(self.kept).to_string()
    }

    /// The first frame of every connection.
    pub fn hello(&mut self) -> Value {
        self.asked.clear();
        self.is_greeted = false;
        self.after = None;
        // Only what is wanted; one's inbox and announcements come by themselves.
        let is_own = |ch: &str| ch.starts_with("user:") || ch.starts_with("all:");
        let wanted = &self.wanted;
        let keep = |ch: &String, _: &mut Position| wanted.contains(ch) || is_own(ch);
        self.kept.pos.retain(keep);
        let resume = json!({"session": self.kept.session, "pos": self.kept.pos});
        let hello = self.frame("hello", &json!({"v": 1, "resume": resume}));
        self.asked.insert(self.last_id, Asked::Hello);
        hello
    }

    /// Has something done, and gives what is to be sent now: nothing without a connection. Until it is answered it is
    /// sent again on every connection; by its name the server knows what it has done already.
    pub fn say(&mut self, said: Said) -> Vec<Act> {
        let acts = self.is_greeted.then(|| self.tell(&said));
        self.kept.said.add(said);
        acts.into_iter().collect()
    }

    fn tell(&mut self, said: &Said) -> Act {
        self.last_id += 1;
        let frame = json!({"id": self.last_id, "op": said.op, "op_id": said.op_id, "d": said.d});
        let asked = Asked::Said(said.op_id.clone());
        self.asked.insert(self.last_id, asked);
        Act::Send(frame)
    }

    /// Tells the server of a fresh access token, on the open connection.
    pub fn refresh(&mut self, token: &str) -> Value {
        self.frame("refresh", &json!({ "token": token }))
    }

    /// Asks for channels, many with a frame: no more than 30 frames may come at once.
    fn subscribe(&mut self, channels: &[String], at_once: usize) -> Vec<Act> {
        let mut acts = Vec::new();
        for some in channels.chunks(at_once) {
            let chs: Vec<Value> = some.iter().map(|ch| json!({ "ch": ch })).collect();
            acts.push(Act::Send(self.frame("subscribe", &json!({ "chs": chs }))));
            let asked = Asked::Channels(some.to_vec());
            self.asked.insert(self.last_id, asked);
        }
        acts
    }

    fn frame(&mut self, op: &str, d: &Value) -> Value {
        self.last_id += 1;
        json!({"id": self.last_id, "op": op, "d": d})
    }

    /// What is to be done about a message of the server.
    pub fn heard(&mut self, message: &str) -> Vec<Act> {
        let frames = match serde_json::from_str(message) {
            Ok(Value::Array(frames)) => frames,
            Ok(frame) => vec![frame],
            Err(_) => return vec![Act::ComeBack],
        };
        let frames = frames.into_iter().map(serde_json::from_value::<Frame>);
        frames
            .flatten()
            .flat_map(|frame| self.take(frame))
            .collect()
    }

    fn take(&mut self, frame: Frame) -> Vec<Act> {
        match (frame.re, frame.op.as_str()) {
            _ if frame.t.is_some() => self.event(frame),
            (Some(re), _) => self.reply(re, &frame),
            // A frame that could not be read at all: the one that holds what was kept.
            (None, "") if !frame.err.code.is_empty() => self.refused(Asked::Hello, &frame.err),
            (_, "token_expiring") => vec![Act::Refresh],
            (_, "unsubscribed") => self.lose(frame.ch, frame.reason),
            (_, "bye") => {
                self.after = frame.after_ms.map(Duration::from_millis);
                Vec::new()
            }
            (_, "pos") => {
                let told: BTreeMap<String, Position> =
                    serde_json::from_value(frame.d).unwrap_or_default();
                let moved = told.into_iter();
                moved
                    .filter_map(|(ch, at)| self.advance(ch, at).1)
                    .collect()
            }
            (_, "replayed") => self.replayed(frame.d),
            // Pings of the WebSocket are answered by its library. What is not known is ignored.
            _ => Vec::new(),
        }
    }

    /// What was missed has come, also where some or all of it was not for this person.
    fn replayed(&mut self, d: Value) -> Vec<Act> {
        let told: BTreeMap<String, i64> = serde_json::from_value(d).unwrap_or_default();
        for (ch, o) in told {
            if let Some(known) = self.kept.pos.get_mut(&ch) {
                known.o = known.o.max(o);
            }
        }
        Vec::new()
    }

    fn event(&mut self, frame: Frame) -> Vec<Act> {
        let (ch, o, t) = (frame.ch.clone(), frame.o, frame.t.unwrap_or_default());
        let event = Event {
            ch,
            o,
            t,
            d: frame.d,
        };
        let (Some(e), Some(o)) = (frame.e, o) else {
            return vec![Act::Show(event)];
        };
        let own = frame.op_id;
        match self.advance(frame.ch, Position { e, o }) {
            (true, None) if own.is_none_or(|op_id| self.kept.said.told(&op_id)) => {
                vec![Act::Show(event)]
            }
            (_, fetch) => fetch.into_iter().collect(),
        }
    }

    /// Moves a position on; says whether it did, and what to fetch if the old one counts no more.
    fn advance(&mut self, ch: String, at: Position) -> (bool, Option<Act>) {
        match self.kept.pos.get_mut(&ch) {
            Some(known) if known.e == at.e => {
                let is_news = at.o > known.o;
                known.o = known.o.max(at.o);
                (is_news, None)
            }
            Some(known) => {
                *known = at;
                (true, Some(Act::Fetch(ch)))
            }
            None => {
                self.kept.pos.insert(ch, at);
                (true, None)
            }
        }
    }

    fn lose(&mut self, ch: String, why: String) -> Vec<Act> {
        self.wanted.remove(&ch);
        self.kept.pos.remove(&ch);
        vec![Act::Lost(ch, why)]
    }

    fn reply(&mut self, re: i64, frame: &Frame) -> Vec<Act> {
        let Some(asked) = self.asked.remove(&re) else {
            return Vec::new();
        };
        if !frame.ok {
            return self.refused(asked, &frame.err);
        }
        if let Asked::Said(op_id) = &asked {
            let done = self.kept.said.done(op_id);
            let done = done.map(|said| Act::Done(said, frame.d.clone()));
            return done.into_iter().collect();
        }
        let subs = frame.d.get("subs").cloned().unwrap_or_default();
        let subs: BTreeMap<String, Sub> = serde_json::from_value(subs).unwrap_or_default();
        let settled = subs.into_iter().flat_map(|(ch, sub)| self.settle(ch, sub));
        let mut acts: Vec<Act> = settled.collect();
        if matches!(asked, Asked::Hello) {
            (self.failed, self.forgot) = (0, false);
            self.is_greeted = true;
            let session = frame.d.get("session").and_then(Value::as_str);
            self.kept.session = session.map(str::to_owned);
            // What there was no position of was not spoken of yet.
            let known = &self.kept.pos;
            let rest = self.wanted.iter().filter(|ch| !known.contains_key(*ch));
            let rest: Vec<String> = rest.cloned().collect();
            acts.extend(self.subscribe(&rest, AT_ONCE));
            let waiting = self.kept.said.waiting().to_vec();
            acts.extend(waiting.iter().map(|said| self.tell(said)));
        }
        acts
    }

    /// Takes over what the server says of a channel.
    fn settle(&mut self, ch: String, sub: Sub) -> Vec<Act> {
        match (sub.e, sub.o, sub.err) {
            // What was missed follows.
            _ if sub.recovered == Some(true) => Vec::new(),
            (Some(e), Some(o), None) => {
                self.kept.pos.insert(ch.clone(), Position { e, o });
                vec![Act::Fetch(ch)]
            }
            (_, _, Some(err)) if err.retry => vec![Act::ComeBack],
            (_, _, Some(err)) => self.lose(ch, err.code),
            // The position counts no more: it is asked for anew.
            (_, _, None) => {
                self.kept.pos.remove(&ch);
                Vec::new()
            }
        }
    }

    fn refused(&mut self, asked: Asked, err: &Refusal) -> Vec<Act> {
        match asked {
            _ if err.action == "refresh" => vec![Act::Refresh],
            // One name that is no channel refuses the whole frame: the halves tell which it is.
            Asked::Channels(chs) if !err.retry && chs.len() > 1 => {
                self.subscribe(&chs, chs.len().div_ceil(2))
            }
            Asked::Channels(chs) if !err.retry => {
                let lost = chs.into_iter();
                lost.flat_map(|ch| self.lose(ch, err.code.clone()))
                    .collect()
            }
            // What was kept makes no sense to the server: begin anew, once.
            Asked::Hello if !err.retry && !self.forgot => {
                self.forget();
                vec![Act::Send(self.hello())]
            }
            Asked::Said(op_id) if !err.retry => {
                let said = self.kept.said.answered(&op_id);
                let refused = said.map(|said| Act::Refused(said, err.code.clone()));
                refused.into_iter().collect()
            }
            _ => vec![Act::ComeBack],
        }
    }

    /// What follows a close; 1006 stands for a line that broke, and for a connection that could not be
    /// made. `chance` is a random number from 0 to 1, so that not all clients come back together.
    pub fn closed(&mut self, code: u16, chance: f64) -> Next {
        let back_off = LONGEST.min(Duration::from_millis(500) * 2_u32.pow(self.failed.min(6)));
        let wait = back_off.mul_f64(0.5 + chance / 2.0);
        self.failed += 1;
        match code {
            4200..4999 if self.failed == 1 => {
                let at_once = Duration::from_millis(100).mul_f64(chance);
                Next::Connect(self.after.unwrap_or(at_once))
            }
            4100.. | 1001 | 1006 | 1011..=1013 => Next::Connect(wait),
            // Suspended, signed out, too many connections, replaced by a newer one of ours.
            1000 | 4003 | 4004 | 4006..=4009 => Next::Stop,
            // Not unchanged: with nothing kept, once.
            _ if !self.forgot => {
                self.forget();
                Next::Connect(wait)
            }
            _ => Next::Stop,
        }
    }

    /// Begins anew, but for what was said.
    fn forget(&mut self) {
        self.kept.session = None;
        self.kept.pos.clear();
        self.forgot = true;
    }
}
