//! Cursors: opaque to clients. Version, direction, the list it belongs to, what it remembers, and a MAC
//! over all of it, in base64url.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::{Code, Error, Result};
use super::mac::hmac_sha256;
use super::page::{Direction, Late, Slice, SortKey};

const VERSION: u8 = 1;
/// That of cursors that remember what was given out.
const VERSION_LATE: u8 = 2;
const MAC_BYTES: usize = 16;
const FILTER_BYTES: usize = 8;

/// Seals and opens cursors. The first key seals, all of them open.
#[derive(Clone)]
pub struct CursorCodec {
    keys: Vec<[u8; 32]>,
}

impl CursorCodec {
    /// `keys`: newest first; without any, no cursor opens.
    pub fn new(keys: Vec<[u8; 32]>) -> Self {
        Self { keys }
    }

    /// The cursor that goes from `key` in `direction` through the list that `filter` names.
    pub fn seal<K: SortKey>(&self, key: Option<&K>, direction: Direction, filter: &str) -> String {
        self.seal_bytes(VERSION, direction, filter, &key)
    }

    /// The cursor to what is newer in the list that `filter` names, after a page that ends at `key` and
    /// remembers `late`.
    pub fn seal_newer<K: SortKey>(
        &self,
        key: Option<&K>,
        late: Option<&Late<K>>,
        filter: &str,
    ) -> String {
        match late {
            Some(late) => self.seal_bytes(VERSION_LATE, Direction::Prev, filter, late),
            None => self.seal(key, Direction::Prev, filter),
        }
    }

    fn seal_bytes(
        &self,
        version: u8,
        direction: Direction,
        filter: &str,
        content: &impl Serialize,
    ) -> String {
        let mut bytes = vec![version, u8::from(direction == Direction::Prev)];
        bytes.extend_from_slice(&filter_hash(filter));
        bytes.extend(serde_json::to_vec(content).unwrap_or_default());
        let mac = self
            .keys
            .first()
            .map(|key| mac(key, &bytes))
            .unwrap_or_default();
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The stretch of `limit` rows that a cursor leads to. `invalid_cursor` when it is not ours, `cursor_mismatch` when it
    /// belongs to another list or other filters.
    pub fn open<K: SortKey>(&self, text: &str, filter: &str, limit: u16) -> Result<Slice<K>> {
        let invalid = || {
            Error::new(
                Code::InvalidCursor,
                "The cursor is not one that this server gave. Start again without a cursor.",
            )
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_not_base64| invalid())?;
        let cut = bytes.len().checked_sub(MAC_BYTES).ok_or_else(invalid)?;
        let (body, tag) = bytes.split_at_checked(cut).ok_or_else(invalid)?;
        let ours = self
            .keys
            .iter()
            .any(|key| bool::from(mac(key, body).ct_eq(tag)));
        let (head, key) = body
            .split_at_checked(2 + FILTER_BYTES)
            .ok_or_else(invalid)?;
        let version = head.first().copied().filter(|_| ours);
        if !matches!(version, Some(VERSION | VERSION_LATE)) {
            return Err(invalid());
        }
        if head.get(2..) != Some(filter_hash(filter).as_slice()) {
            return Err(Error::new(
                Code::CursorMismatch,
                "The cursor belongs to another list or to other filters. Start again without a cursor.",
            ));
        }
        if version == Some(VERSION_LATE) {
            let late = serde_json::from_slice(key).map_err(|_other_key| invalid())?;
            return Ok(Slice::newer(None, Some(late), limit));
        }
        let direction = match head.get(1) {
            Some(0) => Direction::Next,
            _ => Direction::Prev,
        };
        Ok(Slice {
            from: serde_json::from_slice(key).map_err(|_other_key| invalid())?,
            direction,
            ..Slice::first(limit)
        })
    }
}

fn filter_hash(filter: &str) -> [u8; FILTER_BYTES] {
    truncated(&Sha256::digest(filter.as_bytes()))
}

fn mac(key: &[u8; 32], bytes: &[u8]) -> [u8; MAC_BYTES] {
    truncated(&hmac_sha256(key, &[bytes]))
}

fn truncated<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(digest) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::kernel::page::TimeKey;

    fn key(n: u128) -> TimeKey {
        TimeKey(TimeKey::lowest().0, Uuid::from_u128(n))
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_sealed() {
        let codec = CursorCodec::new(vec![[7; 32]]);
        let cursor = codec.seal(Some(&key(3)), Direction::Prev, "/v1/feed");
        let slice = codec.open::<TimeKey>(&cursor, "/v1/feed", 20);
        let slice = slice.expect("opens");
        assert_eq!(
            (slice.from, slice.direction),
            (Some(key(3)), Direction::Prev)
        );
    }

    #[test]
    fn a_cursor_of_another_list_or_server_is_refused() {
        let codec = CursorCodec::new(vec![[7; 32]]);
        let cursor = codec.seal(Some(&key(3)), Direction::Next, "/v1/feed");
        let code = |codec: &CursorCodec, cursor: &str, filter| {
            codec
                .open::<TimeKey>(cursor, filter, 20)
                .map_err(|e| e.code())
                .err()
        };
        assert_eq!(
            code(&codec, &cursor, "/v1/friends"),
            Some(Code::CursorMismatch)
        );
        let other = CursorCodec::new(vec![[8; 32]]);
        assert_eq!(code(&other, &cursor, "/v1/feed"), Some(Code::InvalidCursor));
        assert_eq!(code(&codec, "AAAA", "/v1/feed"), Some(Code::InvalidCursor));
    }
}
