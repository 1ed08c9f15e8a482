//! HMAC-SHA-256 (RFC 2104), from which cursors, refresh tokens and derived keys are made.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The HMAC of all `parts` one after the other, under `key`.
pub fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a short key with zeros to the block size of the hash, which is 64 bytes here.
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::hmac_sha256;

    #[test]
    fn the_mac_depends_on_the_key_and_on_all_parts_joined() {
        // Splitting the input changes nothing, and another key changes everything.
        let whole = hmac_sha256(&[1; 32], &[b"hello world"]);
        assert_eq!(whole, hmac_sha256(&[1; 32], &[b"hello ", b"world"]));
        assert_ne!(whole, hmac_sha256(&[2; 32], &[b"hello world"]));
    }
}
