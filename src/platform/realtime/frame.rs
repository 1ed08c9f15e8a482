//! What is sent: encoded once, as a whole WebSocket message, and shared by all who are sent it.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Channel, Class, Offset, Signal, Told};
use crate::infra::cache::KnownVoids;
use crate::kernel::ids::Id as _;
use crate::kernel::{Error, Result, Timestamp, UserId};

/// A text as a WebSocket message. Other transports take the text out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    message: Bytes,
    head: usize,
}

impl Text {
    /// Frames a text. Messages of a server are not masked, so the same bytes do for everybody.
    pub fn new(json: &[u8]) -> Self {
        let mut message = BytesMut::with_capacity(json.len() + 10);
        message.put_u8(0x81);
        match u16::try_from(json.len()) {
            Ok(short @ 0..=125) => message.put_u8(u8::try_from(short).unwrap_or_default()),
            Ok(long) => {
                message.put_u8(126);
                message.put_u16(long);
            }
            Err(_longer) => {
                message.put_u8(127);
                message.put_u64(u64::try_from(json.len()).unwrap_or_default());
            }
        }
        let head = message.len();
        message.put_slice(json);
        Self {
            message: message.freeze(),
            head,
        }
    }

    /// The answer to a ping of the WebSocket, whose content is at most 125 bytes.
    pub fn pong(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..125).unwrap_or(bytes);
        let mut message = BytesMut::with_capacity(bytes.len() + 2);
        message.put_u8(0x8a);
        message.put_u8(u8::try_from(bytes.len()).unwrap_or_default());
        message.put_slice(bytes);
        Self {
            message: message.freeze(),
            head: 2,
        }
    }

    /// A ping of the WebSocket, for proxies on the way.
    pub fn ping() -> Self {
        Self {
            message: Bytes::from_static(&[0x89, 0x00]),
            head: 2,
        }
    }

    /// Any value as JSON.
    pub fn json_of(value: &Value) -> Self {
        Self::new(value.to_string().as_bytes())
    }

    /// The WebSocket message.
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// The same, where the text is needed no more.
    pub fn into_message(self) -> Bytes {
        self.message
    }

    /// The text alone.
    pub fn json(&self) -> Bytes {
        self.message.slice(self.head..)
    }
}

/// An event or a signal on its way to those who listen.
#[derive(Debug)]
pub struct Frame {
    /// Where it goes.
    pub channel: Channel,
    /// Its place in the stream; 0 is none.
    pub offset: Offset,
    /// What a slow reader may do without.
    pub class: Class,
    /// What it tells, as `comment.created`; empty where another version did not say.
    pub kind: String,
    /// Who did it.
    pub actor: Option<UserId>,
    /// Whose subscription it ends.
    pub removed: Vec<UserId>,
    /// Of which thing a state is the latest.
    pub key: Option<String>,
    /// What is sent; `None` where nothing is left to tell and only the position moves.
    pub text: Option<Text>,
    /// The same for the actor's own devices, with the `op_id`.
    pub own: Option<Text>,
    /// The voids that were known where it was told: of what they have ended for somebody it must not tell them.
    pub voids: Option<KnownVoids>,
}

/// The envelope around an event, in the order of the contract.
#[derive(Serialize)]
struct Envelope<'a> {
    ch: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    o: Option<Offset>,
    t: &'a str,
    ts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    op_id: Option<&'a str>,
    d: &'a Value,
}

impl Envelope<'_> {
    fn text(&self) -> Result<Text> {
        let json = serde_json::to_vec(self).map_err(Error::internal)?;
        Ok(Text::new(&json))
    }
}

impl Frame {
    /// An event, with what is to be told of it.
    pub fn event(epoch: &str, told: &Told, d: Option<&Value>) -> Result<Self> {
        let envelope = |op_id, d| Envelope {
            ch: told.channel.to_string(),
            e: Some(epoch),
            o: Some(told.offset),
            t: &told.kind,
            ts: told.at.micros() / 1_000,
            by: told.actor,
            op_id,
            d,
        };
        let op_id = told.op_id.as_deref();
        let text = d.map(|d| envelope(None, d).text()).transpose()?;
        let own = match (d, op_id) {
            (Some(d), Some(op_id)) => Some(envelope(Some(op_id), d).text()?),
            _ => None,
        };
        Ok(Self {
            channel: told.channel.clone(),
            offset: told.offset,
            class: Class::Durable,
            kind: told.kind.clone(),
            actor: told.actor,
            removed: removed(&told.detail),
            key: None,
            text,
            own,
            voids: None,
        })
    }

    /// A signal.
    pub fn signal(signal: &Signal, now: Timestamp) -> Result<Self> {
        let envelope = Envelope {
            ch: signal.channel.to_string(),
            e: None,
            o: None,
            t: signal.kind,
            ts: now.micros() / 1_000,
            by: signal.actor,
            op_id: None,
            d: &signal.d,
        };
        let key = signal.key.as_deref().unwrap_or_default();
        let is_state = signal.class == Class::State;
        Ok(Self {
            channel: signal.channel.clone(),
            offset: 0,
            class: signal.class,
            kind: signal.kind.to_owned(),
            actor: signal.actor,
            removed: Vec::new(),
            key: is_state.then(|| format!("{} {} {key}", signal.channel, signal.kind)),
            text: Some(envelope.text()?),
            own: None,
            voids: None,
        })
    }

    /// What this person is sent of it.
    pub fn text_for(&self, user_id: UserId) -> Option<&Text> {
        match &self.own {
            Some(own) if self.actor == Some(user_id) => Some(own),
            _ => self.text.as_ref(),
        }
    }

    /// How it travels between instances, from one that knows these voids: a line of facts, then the texts.
    pub fn to_wire(&self, voids: Option<KnownVoids>) -> Result<Vec<u8>> {
        let json = |text: &Option<Text>| text.as_ref().map(Text::json).unwrap_or_default();
        let (text, own) = (json(&self.text), json(&self.own));
        let facts = Facts {
            o: self.offset,
            c: self.class,
            t: self.kind.clone(),
            a: self.actor,
            r: self.removed.clone(),
            k: self.key.clone(),
            v: voids,
            n: text.len(),
        };
        let mut wire = serde_json::to_vec(&facts).map_err(Error::internal)?;
        wire.push(b'\n');
        wire.extend_from_slice(&text);
        wire.extend_from_slice(&own);
        Ok(wire)
    }

    /// What came over the wire; `None` for what another version may have meant.
    pub fn from_wire(channel: Channel, wire: &[u8]) -> Option<Self> {
        let line = wire.iter().position(|byte| *byte == b'\n')?;
        let (facts, rest) = wire.split_at_checked(line)?;
        let facts: Facts = serde_json::from_slice(facts).ok()?;
        let (text, own) = rest.get(1..)?.split_at_checked(facts.n)?;
        let some = |json: &[u8]| (!json.is_empty()).then(|| Text::new(json));
        Some(Self {
            channel,
            offset: facts.o,
            class: facts.c,
            kind: facts.t,
            actor: facts.a,
            removed: facts.r,
            key: facts.k,
            text: some(text),
            own: some(own),
            voids: facts.v,
        })
    }
}

/// What instances tell each other of a frame.
#[derive(Serialize, Deserialize)]
struct Facts {
    o: Offset,
    c: Class,
    #[serde(default)]
    t: String,
    a: Option<UserId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    r: Vec<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    v: Option<KnownVoids>,
    n: usize,
}

/// Whose subscription an event ends.
fn removed(detail: &Value) -> Vec<UserId> {
    let id = |value: &Value| value.as_str()?.parse().ok().map(UserId::from_uuid);
    match detail.get("removed") {
        Some(Value::Array(ids)) => ids.iter().filter_map(id).collect(),
        Some(one) => id(one).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn told() -> Told {
        let actor = UserId::from_uuid(Uuid::from_u128(7));
        Told {
            channel: Channel::new("conv", Uuid::nil()),
            offset: 42,
            kind: "message.created".to_owned(),
            object_id: None,
            actor: Some(actor),
            detail: json!({"removed": actor}),
            op_id: Some("op-1".to_owned()),
            at: Timestamp::from_micros(1_763_660_000_123_456).expect("an instant"),
        }
    }

    #[test]
    fn a_frame_survives_the_wire_and_only_the_actor_reads_the_op_id() {
        let told = told();
        let frame = Frame::event("k3f9", &told, Some(&json!({"a": 1}))).expect("a frame");
        let wire = frame.to_wire(None).expect("a wire");
        let read = Frame::from_wire(told.channel.clone(), &wire).expect("read");
        assert_eq!((read.offset, read.actor), (42, told.actor));
        assert_eq!(read.kind, told.kind);
        assert_eq!((&read.text, &read.own), (&frame.text, &frame.own));
        assert_eq!(read.removed, vec![told.actor.expect("somebody")]);
        let other = UserId::from_uuid(Uuid::from_u128(8));
        let text = |user| read.text_for(user).expect("told").json();
        assert_eq!(
            text(other),
            r#"{"ch":"conv:00000000-0000-0000-0000-000000000000","e":"k3f9","o":42,"t":"message.created","ts":1763660000123,"by":"00000000-0000-0000-0000-000000000007","d":{"a":1}}"#
        );
        let own = String::from_utf8(text(told.actor.expect("somebody")).to_vec());
        assert!(own.expect("text").contains(r#""op_id":"op-1""#));
    }

    #[test]
    fn what_is_gone_moves_the_position_and_says_nothing() {
        let frame = Frame::event("e", &told(), None).expect("a frame");
        let wire = frame.to_wire(None).expect("a wire");
        let read = Frame::from_wire(frame.channel.clone(), &wire).expect("read");
        assert!(read.text.is_none() && read.own.is_none());
        assert_eq!(read.offset, 42);
    }

    #[test]
    fn messages_of_all_lengths_are_framed() {
        for (length, head) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let text = Text::new(&vec![b'x'; length]);
            assert_eq!(text.message().len(), length + head, "{length}");
            assert_eq!(text.json().len(), length);
        }
    }
}
