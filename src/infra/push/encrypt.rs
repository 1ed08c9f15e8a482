//! Message encryption for Web Push: RFC 8291 over the `aes128gcm` coding of RFC 8188, one record.

use anyhow::{Context as _, anyhow, ensure};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};

use crate::kernel::mac::hmac_sha256;

/// Most bytes of a message: what every push service takes, less what encryption adds.
pub const MAX_PAYLOAD: usize = 3_993;
/// Bytes of an uncompressed point on P-256.
const POINT: usize = 65;
/// Bytes of an authentication secret.
const SECRET: usize = 16;
/// The record size that is announced; the one record is shorter.
const RECORD: u32 = 4_096;

/// What a device's browser made for whoever pushes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    p256dh: Vec<u8>,
    auth: Vec<u8>,
}

impl Keys {
    /// Checks the keys of a subscription: a point on the curve, and a secret.
    pub fn new(p256dh: Vec<u8>, auth: Vec<u8>) -> anyhow::Result<Self> {
        ensure!(p256dh.len() == POINT, "the public key has {POINT} bytes");
        ensure!(auth.len() == SECRET, "the secret has {SECRET} bytes");
        let keys = Self { p256dh, auth };
        // Whether it is a point on the curve, only an agreement tells.
        let trial = PrivateKey::generate(&ECDH_P256).context("no key")?;
        keys.agree_with(&trial)?;
        Ok(keys)
    }

    fn agree_with(&self, own: &PrivateKey) -> anyhow::Result<[u8; 32]> {
        let theirs = UnparsedPublicKey::new(&ECDH_P256, &self.p256dh);
        let refused = anyhow!("the public key is no point on the curve");
        agree(own, theirs, refused, |secret| {
            <[u8; 32]>::try_from(secret).map_err(|_other_length| anyhow!("no secret"))
        })
    }

    /// The body of a request that carries `text`.
    pub fn encrypt(&self, text: &[u8], salt: [u8; 16]) -> anyhow::Result<Vec<u8>> {
        let own = PrivateKey::generate(&ECDH_P256).context("no key")?;
        self.encrypt_as(&own, text, salt)
    }

    fn encrypt_as(&self, own: &PrivateKey, text: &[u8], salt: [u8; 16]) -> anyhow::Result<Vec<u8>> {
        ensure!(text.len() <= MAX_PAYLOAD, "the message is too long");
        let own_public = own.compute_public_key().context("no public key")?;
        let own_public = own_public.as_ref();
        let secret = self.agree_with(own)?;
        // RFC 8291, section 3.4. HMAC pads a key with zeros, so 16 bytes of it are as good as 32.
        let pre_key = hmac_sha256(&padded(&self.auth), &[&secret]);
        let info: [&[u8]; 4] = [b"WebPush: info\0", &self.p256dh, own_public, &[1]];
        let input = hmac_sha256(&pre_key, &info);
        let key = hmac_sha256(&padded(&salt), &[&input]);
        let content_key = hmac_sha256(&key, &[b"Content-Encoding: aes128gcm\0", &[1]]);
        let nonce = hmac_sha256(&key, &[b"Content-Encoding: nonce\0", &[1]]);

        let mut record = text.to_vec();
        // The delimiter of the last record.
        record.push(2);
        seal(&content_key, &nonce, &mut record)?;
        let mut body = Vec::with_capacity(record.len() + 86);
        body.extend_from_slice(&salt);
        body.extend_from_slice(&RECORD.to_be_bytes());
        body.push(u8::try_from(own_public.len()).context("the key is too long")?);
        body.extend_from_slice(own_public);
        body.extend_from_slice(&record);
        Ok(body)
    }
}

fn padded(key: &[u8]) -> [u8; 32] {
    let mut block = [0; 32];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    block
}

fn seal(key: &[u8; 32], nonce: &[u8; 32], record: &mut Vec<u8>) -> anyhow::Result<()> {
    let key = key.first_chunk::<16>().context("a short key")?;
    let nonce = nonce.first_chunk::<12>().context("a short nonce")?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).context("no key")?);
    let nonce = Nonce::assume_unique_for_key(*nonce);
    key.seal_in_place_append_tag(nonce, Aad::empty(), record)
        .context("the message could not be sealed")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    }

    /// The example of RFC 8291, section 5 and appendix A.
    #[test]
    fn a_message_is_encrypted_as_the_standard_shows() {
        let keys = Keys::new(
            bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
            bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        )
        .expect("keys");
        let own = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let own = PrivateKey::from_private_key(&ECDH_P256, &own).expect("a key");
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw")
            .try_into()
            .expect("16 bytes");
        let text = b"When I grow up, I want to be a watermelon";
        let body = keys.encrypt_as(&own, text, salt).expect("encrypted");
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(body), expected);
    }

    #[test]
    fn keys_that_are_none_are_refused_and_so_is_a_text_that_no_service_takes() {
        let point = bytes(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        );
        let mut beside = point.clone();
        beside[64] ^= 1;
        assert!(Keys::new(beside, vec![0; 16]).is_err());
        assert!(Keys::new(point[..64].to_vec(), vec![0; 16]).is_err());
        assert!(Keys::new(point.clone(), vec![0; 15]).is_err());
        let keys = Keys::new(point, vec![7; 16]).expect("keys");
        assert!(keys.encrypt(&[0; MAX_PAYLOAD], [0; 16]).is_ok());
        assert!(keys.encrypt(&[0; MAX_PAYLOAD + 1], [0; 16]).is_err());
    }
}
