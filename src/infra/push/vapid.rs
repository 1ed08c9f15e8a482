//! Who sends: a key of our own, and tokens signed with it for each push service (RFC 8292).

use anyhow::Context as _;
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::kernel::Timestamp;

/// How long a token holds; services take a day at the most.
const HOLDS_SECONDS: i64 = 12 * 60 * 60;
/// A private key on P-256 with its public key, as PKCS #8 (RFC 5208, RFC 5915) writes it before and
/// between the two.
const BEFORE: &[u8] = &[
    0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02,
    0x01, 0x01, 0x04, 0x20,
];
const BETWEEN: &[u8] = &[0xa1, 0x44, 0x03, 0x42, 0x00];

/// The key under which a server pushes.
#[derive(Clone)]
pub struct Vapid {
    key: EncodingKey,
    public: String,
    subject: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    sub: &'a str,
}

impl Vapid {
    /// The key with this secret; `subject` is where a push service reaches whoever runs the server.
    pub fn new(secret: &[u8; 32], subject: &str) -> anyhow::Result<Self> {
        let private = PrivateKey::from_private_key(&ECDH_P256, secret)
            .context("the secret is no key on the curve")?;
        let public = private.compute_public_key().context("no public key")?;
        let der = [BEFORE, secret, BETWEEN, public.as_ref()].concat();
        Ok(Self {
            key: EncodingKey::from_ec_der(&der),
            public: URL_SAFE_NO_PAD.encode(public.as_ref()),
            subject: subject.to_owned(),
        })
    }

    /// The public key, as browsers want it for a subscription: base64url without padding.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The `Authorization` of a request to the push service at `origin`.
    pub fn authorization(&self, origin: &str, now: Timestamp) -> anyhow::Result<String> {
        let claims = Claims {
            aud: origin,
            exp: now.micros() / 1_000_000 + HOLDS_SECONDS,
            sub: &self.subject,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key)?;
        Ok(format!("vapid t={token}, k={}", self.public))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_token_is_signed_with_the_key_that_is_shown_and_is_for_one_service() {
        let vapid = Vapid::new(&[7; 32], "mailto:ops@example.org").expect("a key");
        let now = Timestamp::from_micros(1_700_000_000_000_000).expect("an instant");
        let header = vapid
            .authorization("https://push.example.org", now)
            .expect("signed");
        let (token, key) = header
            .strip_prefix("vapid t=")
            .and_then(|rest| rest.split_once(", k="))
            .expect("two parts");
        assert_eq!(key, vapid.public_key());
        let public = URL_SAFE_NO_PAD.decode(key).expect("base64url");
        let (signed, signature) = token.rsplit_once('.').expect("a signature");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public)
            .verify(signed.as_bytes(), &signature)
            .expect("the signature holds");
        let claims = signed.split('.').nth(1).expect("claims");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["aud"], "https://push.example.org");
        assert_eq!(claims["exp"], 1_700_000_000 + 43_200);
        assert_eq!(claims["sub"], "mailto:ops@example.org");
    }
}
