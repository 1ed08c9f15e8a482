//! Where a client stands in everything that it listens to, as one opaque word: for transports that
//! name their place with every request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::joining::EVERYBODY;
use super::replay::Position;
use super::{Channel, Offset};
use crate::kernel::mac::hmac_sha256;
use crate::kernel::{Code, Error, Result, UserId};
use crate::platform::Ctx;

/// Most channels in a cursor, beside those of everybody: it travels in headers and addresses.
pub const MOST_CHANNELS: usize = 32;
/// Most channels that are remembered as left.
const MOST_LEFT: usize = 32;
/// Most states that are remembered as told.
const MOST_STATES: usize = 64;
const MAC_BYTES: usize = 16;

/// What a cursor says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// Whose it is.
    pub(super) user_id: UserId,
    /// The name of the connection.
    pub(super) live: String,
    /// The epoch of all places.
    pub(super) epoch: String,
    places: Vec<(String, Uuid, Offset)>,
    /// Channels that were left, a hash of each: an address that names them still has no say.
    left: Vec<u32>,
    /// What polls have told of things that have no place.
    pub(super) states: States,
}

impl Cursor {
    /// A cursor that knows no channel yet.
    pub(super) fn new(user_id: UserId, live: String, epoch: String) -> Self {
        Self {
            user_id,
            live,
            epoch,
            places: Vec::new(),
            left: Vec::new(),
            states: States::default(),
        }
    }

    /// The same of a connection that resumes this one, without places.
    pub(super) fn renewed(self, live: String, epoch: String) -> Self {
        Self {
            live,
            epoch,
            places: Vec::new(),
            ..self
        }
    }

    /// Notes a place, of a channel that it knows or not.
    pub(super) fn note(&mut self, channel: &Channel, offset: Offset) {
        if !self.advance(channel, offset) {
            let hash = hash_of(&channel.to_string());
            self.left.retain(|left| *left != hash);
            self.places
                .push((channel.topic.to_string(), channel.id, offset));
        }
    }

    /// Moves on in a channel; says whether it knows it. What was left may still be told of.
    pub(super) fn advance(&mut self, channel: &Channel, offset: Offset) -> bool {
        let known = self
            .places
            .iter_mut()
            .find(|(topic, id, _)| *id == channel.id && **topic == *channel.topic);
        let knows = known.is_some();
        if let Some((_, _, place)) = known {
            *place = offset;
        }
        knows
    }

    /// Moves on by a word that tells of positions, or up to where something was replayed; says whether that was
    /// further than it was.
    pub(super) fn heed(&mut self, word: &Value) -> bool {
        let told = word.get("d").and_then(Value::as_object);
        let told = told.into_iter().flatten();
        let epoch = self.epoch.clone();
        let is_its = |at: &Value| at.get("e").and_then(Value::as_str) == Some(epoch.as_str());
        let places: Vec<(&String, Offset)> = match word.get("op").and_then(Value::as_str) {
            Some("pos") => told
                .filter(|(_, at)| is_its(at))
                .filter_map(|(name, at)| Some((name, at.get("o")?.as_i64()?)))
                .collect(),
            Some("replayed") => told
                .filter_map(|(name, at)| Some((name, at.as_i64()?)))
                .collect(),
            _ => return false,
        };
        let mut has_moved = false;
        for (name, offset) in places {
            if let Ok(channel) = name.parse()
                && self.is_behind(&channel, offset)
            {
                has_moved |= self.advance(&channel, offset);
            }
        }
        has_moved
    }

    fn is_behind(&self, channel: &Channel, offset: Offset) -> bool {
        let mut places = self.places.iter();
        places.any(|(topic, id, place)| {
            *id == channel.id && **topic == *channel.topic && *place < offset
        })
    }

    /// Adds a channel that it does not know; says whether there is room. A place of another epoch is kept
    /// as one of its own, which is lost too then: whoever comes with it is told so.
    pub(super) fn add(&mut self, channel: &Channel, position: &Position) -> bool {
        let knows = self.positions().any(|(known, _)| known == *channel);
        if !knows {
            if self.channels().count() >= MOST_CHANNELS {
                return false;
            }
            self.note(channel, position.o);
        }
        true
    }

    /// Forgets a channel.
    pub(super) fn forget(&mut self, channel: &Channel) {
        self.places
            .retain(|(topic, id, _)| *id != channel.id || **topic != *channel.topic);
    }

    /// Forgets a channel, whatever the address names.
    pub(super) fn leave(&mut self, channel: &Channel) {
        self.forget(channel);
        let hash = hash_of(&channel.to_string());
        self.left.retain(|left| *left != hash);
        self.left.push(hash);
        if self.left.len() > MOST_LEFT {
            self.left.remove(0);
        }
    }

    /// Whether a channel was left.
    pub(super) fn has_left(&self, channel: &Channel) -> bool {
        self.left.contains(&hash_of(&channel.to_string()))
    }

    /// The channels, beside those that everybody listens to.
    pub(super) fn channels(&self) -> impl Iterator<Item = Channel> {
        self.positions()
            .map(|(channel, _)| channel)
            .filter(|channel| !channel.is_inbox() && *channel != EVERYBODY)
    }

    /// The places, by channel.
    pub(super) fn positions(&self) -> impl Iterator<Item = (Channel, Position)> {
        self.places.iter().map(|(topic, id, offset)| {
            let channel = Channel {
                topic: topic.clone().into(),
                id: *id,
            };
            let position = Position {
                e: self.epoch.clone(),
                o: *offset,
            };
            (channel, position)
        })
    }

    /// As it travels.
    pub(super) fn seal(&self, ctx: &Ctx) -> Result<String> {
        let mut words = postcard::to_stdvec(self).map_err(Error::internal)?;
        let mac = macs(ctx, &words).into_iter().next().unwrap_or_default();
        words.extend(mac.iter().take(MAC_BYTES));
        Ok(URL_SAFE_NO_PAD.encode(words))
    }

    /// Reads the cursor of this person.
    pub(super) fn open(ctx: &Ctx, text: &str, user_id: UserId) -> Result<Self> {
        let read = || {
            let words = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (words, given) = words.split_at_checked(words.len().checked_sub(MAC_BYTES)?)?;
            let is_ours = macs(ctx, words).iter().any(|mac| {
                mac.get(..MAC_BYTES)
                    .is_some_and(|mac| mac.ct_eq(given).into())
            });
            let cursor: Self = postcard::from_bytes(words).ok().filter(|_| is_ours)?;
            (cursor.user_id == user_id).then_some(cursor)
        };
        read().ok_or_else(|| {
            let words = "The cursor is not valid. Begin without one.";
            Error::new(Code::InvalidCursor, words)
        })
    }
}

/// States that polls have told, a hash of each by a hash of its thing, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct States {
    /// Up to when they were looked at, in microseconds since 1970; 0 is never.
    pub(super) until: i64,
    known: Vec<(u32, u32)>,
}

impl States {
    /// Notes how a thing is; says whether that is news.
    pub(super) fn note(&mut self, thing: &str, state: &Value) -> bool {
        let now = (hash_of(thing), hash_of(&state.to_string()));
        let is_news = !self.known.contains(&now);
        self.known.retain(|(thing, _)| *thing != now.0);
        self.known.push(now);
        if self.known.len() > MOST_STATES {
            self.known.remove(0);
        }
        is_news
    }
}

/// The same on every instance; a cursor has no room for names.
fn hash_of(text: &str) -> u32 {
    let mac = hmac_sha256(&[0; 32], &[text.as_bytes()]);
    mac.first_chunk()
        .map_or(0, |first| u32::from_be_bytes(*first))
}

fn macs(ctx: &Ctx, words: &[u8]) -> Vec<[u8; 32]> {
    let keys = ctx.config().secret_key.derive("live-cursor");
    keys.iter().map(|key| hmac_sha256(key, &[words])).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kernel::ids::Id as _;

    fn cursor() -> Cursor {
        let user_id = UserId::from_uuid(Uuid::from_u128(7));
        Cursor::new(user_id, "s".repeat(50), "epoch".to_owned())
    }

    fn channel(number: u128) -> Channel {
        Channel::new("presence", Uuid::from_u128(number))
    }

    fn at(o: Offset) -> Position {
        let e = "epoch".to_owned();
        Position { e, o }
    }

    #[test]
    fn a_channel_too_many_is_refused_and_a_full_cursor_is_small() {
        let mut cursor = cursor();
        cursor.note(&Channel::new("user", Uuid::from_u128(7)), 1 << 40);
        cursor.note(&EVERYBODY, 1 << 40);
        for number in 0..32 {
            assert!(cursor.add(&channel(number), &at(1 << 40)), "{number}");
            cursor.leave(&channel(number + 100));
        }
        assert!(cursor.add(&channel(5), &at(1)), "known");
        assert!(!cursor.add(&channel(32), &at(1)), "one too many");
        let words = postcard::to_stdvec(&cursor).expect("words");
        assert!((words.len() + MAC_BYTES) * 4 / 3 < 2_048, "{}", words.len());
    }

    #[test]
    fn what_was_left_is_not_told_of_as_known_and_counts_again_once_it_is_joined() {
        let mut cursor = cursor();
        cursor.note(&channel(1), 5);
        cursor.leave(&channel(1));
        assert!(!cursor.advance(&channel(1), 6), "it came too late");
        assert!(cursor.has_left(&channel(1)) && cursor.channels().next().is_none());
        cursor.note(&channel(1), 7);
        assert!(!cursor.has_left(&channel(1)));
        let word = json!({"op": "pos", "d": {channel(1).to_string(): {"e": "epoch", "o": 9}}});
        cursor.heed(&word);
        let places: Vec<_> = cursor.positions().collect();
        assert_eq!(places, [(channel(1), at(9))]);
    }

    #[test]
    fn a_replay_moves_the_cursor_on_although_all_of_it_was_left_out() {
        let mut cursor = cursor();
        cursor.note(&channel(1), 5);
        let word = |o: Offset| json!({"op": "replayed", "d": {channel(1).to_string(): o}});
        assert!(cursor.heed(&word(9)));
        assert!(!cursor.heed(&word(9)), "it is there");
        let places: Vec<_> = cursor.positions().collect();
        assert_eq!(places, [(channel(1), at(9))]);
    }

    #[test]
    fn a_state_is_news_once_and_again_after_another() {
        let mut states = States::default();
        let told = [("a", 1), ("a", 1), ("b", 1), ("a", 2), ("a", 1), ("b", 1)];
        let news = told.map(|(thing, state)| states.note(thing, &json!(state)));
        assert_eq!(news, [true, false, true, true, true, false]);
    }
}
