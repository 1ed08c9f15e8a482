//! Opaque tokens: 256 random bits that clients hold as text, and of which a hash is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A secret that proves a right by itself.
#[derive(Clone, Copy)]
pub struct OpaqueToken([u8; 32]);

impl OpaqueToken {
    /// The token with this secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// Reads what a client holds; `None` if it is no token.
    pub fn parse(text: &str) -> Option<Self> {
        let secret = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Self(secret))
    }

    /// The token as clients hold it. There is no `Display`, so that none is written down by mistake.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored of it. A fast hash is enough for 256 random bits.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// The secret itself, to make others of it.
    pub fn secret(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::OpaqueToken;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is_one() {
        let token = OpaqueToken::new([7; 32]);
        let text = token.reveal();
        let read = OpaqueToken::parse(&text).expect("a token");
        assert_eq!(read.hash(), token.hash());
        assert_ne!(read.hash(), OpaqueToken::new([8; 32]).hash());
        for wrong in [
            "",
            "no token",
            "AAAA",
            &format!("{text}A"),
            &format!("{text}="),
        ] {
            assert!(OpaqueToken::parse(wrong).is_none(), "{wrong}");
        }
    }
}
