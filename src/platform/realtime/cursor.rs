//! Where a client stands in everything that it listens to, as one opaque word: for transports that
//! name their place with every request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::replay::Position;
use super::{Channel, Offset};
use crate::kernel::mac::hmac_sha256;
use crate::kernel::{Code, Error, Result, UserId};
use crate::platform::Ctx;

/// Most channels in a cursor: it travels in headers and addresses.
pub const MOST_CHANNELS: usize = 32;
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
}

impl Cursor {
    /// A cursor that knows no channel yet.
    pub(super) fn new(user_id: UserId, live: String, epoch: String) -> Self {
        Self {
            user_id,
            live,
            epoch,
            places: Vec::new(),
        }
    }

    /// Notes a place.
    pub(super) fn note(&mut self, channel: &Channel, offset: Offset) {
        let known = self
            .places
            .iter_mut()
            .find(|(topic, id, _)| *id == channel.id && **topic == *channel.topic);
        match known {
            Some((_, _, place)) => *place = offset,
            None => self
                .places
                .push((channel.topic.to_string(), channel.id, offset)),
        }
    }

    /// Adds a channel that it does not know.
    pub(super) fn add(&mut self, channel: &Channel, position: &Position) {
        let knows = self.positions().any(|(known, _)| known == *channel);
        if !knows && position.e == self.epoch && self.places.len() < MOST_CHANNELS + 2 {
            self.note(channel, position.o);
        }
    }

    /// Forgets a channel.
    pub(super) fn forget(&mut self, channel: &Channel) {
        self.places
            .retain(|(topic, id, _)| *id != channel.id || **topic != *channel.topic);
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

fn macs(ctx: &Ctx, words: &[u8]) -> Vec<[u8; 32]> {
    let keys = ctx.config().secret_key.derive("live-cursor");
    keys.iter().map(|key| hmac_sha256(key, &[words])).collect()
}
