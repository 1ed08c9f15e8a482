//! Keys derived from the server's root: the one it pushes under, and the one of links that end mail.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::infra::push::Vapid;
use crate::kernel::UserId;
use crate::kernel::ids::Id as _;
use crate::kernel::mac::hmac_sha256;
use crate::platform::config::SecretKey;

const PUSH: &str = "push.vapid";
const UNSUBSCRIBE: &str = "notifications.unsubscribe";

/// The keys under which this server pushes: the newest first, which new devices are shown, then the
/// one that devices were shown before the root was changed.
pub fn vapid_keys(root: &SecretKey, subject: &str) -> Vec<Vapid> {
    // Of four billion derived secrets one is no key: then the next one is.
    let tries = ["", ".2", ".3"].map(|suffix| root.derive(&format!("{PUSH}{suffix}")));
    let [first, ..] = &tries;
    let places = 0..first.len();
    let key = |place: usize| {
        let mut secrets = tries.iter().filter_map(|secrets| secrets.get(place));
        secrets.find_map(|secret| Vapid::new(secret, subject).ok())
    };
    places.filter_map(key).collect()
}

/// What ends all mail to a person about notifications, in a link. It does nothing else, so it does not
/// run out.
pub fn unsubscribe_token(root: &SecretKey, user_id: UserId) -> String {
    let id = *user_id.uuid().as_bytes();
    let key = root
        .derive(UNSUBSCRIBE)
        .first()
        .copied()
        .unwrap_or_default();
    URL_SAFE_NO_PAD.encode([id, mac(&key, &id)].concat())
}

/// Whose mail such a token ends; `None` for any other text.
pub fn read_unsubscribe_token(root: &SecretKey, token: &str) -> Option<UserId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, tag) = bytes.split_first_chunk::<16>()?;
    let keys = root.derive(UNSUBSCRIBE);
    let is_ours = |key: &[u8; 32]| bool::from(mac(key, id).as_slice().ct_eq(tag));
    let is_ours = keys.iter().any(is_ours);
    is_ours.then(|| UserId::from_uuid(Uuid::from_bytes(*id)))
}

fn mac(key: &[u8; 32], id: &[u8; 16]) -> [u8; 16] {
    let whole = hmac_sha256(key, &[id]);
    whole.first_chunk::<16>().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_root_and_stay_while_it_is_changed() {
        let (old, both) = (
            SecretKey::parse("old").expect("a root"),
            SecretKey::parse("new,old").expect("roots"),
        );
        let public = |root: &SecretKey| -> Vec<String> {
            let keys = vapid_keys(root, "https://example.org").into_iter();
            keys.map(|key| key.public_key().to_owned()).collect()
        };
        assert_eq!(public(&both)[1..], public(&old));
        assert_ne!(public(&both)[0], public(&old)[0]);
        let user_id = UserId::from_uuid(Uuid::from_u128(7));
        let token = unsubscribe_token(&old, user_id);
        assert_eq!(read_unsubscribe_token(&both, &token), Some(user_id));
    }

    #[test]
    fn a_token_that_was_changed_ends_nobodys_mail() {
        let root = SecretKey::parse("root").expect("a root");
        let of = |n: u128| unsubscribe_token(&root, UserId::from_uuid(Uuid::from_u128(n << 120)));
        let (token, other) = (of(7), of(8));
        let mixed: String = token
            .chars()
            .take(20)
            .chain(other.chars().skip(20))
            .collect();
        let short: String = token.chars().take(40).collect();
        for bad in ["", "x", "AAAA", &short, &mixed] {
            assert_eq!(read_unsubscribe_token(&root, bad), None, "{bad}");
        }
        let stranger = SecretKey::parse("another").expect("a root");
        assert_eq!(read_unsubscribe_token(&stranger, &token), None);
    }
}
