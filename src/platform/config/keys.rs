//! Secrets: the keys of access tokens, and the root from which all other keys are derived.

use secrecy::{ExposeSecret, SecretString};

use super::problem::Fault;
use crate::kernel::mac::hmac_sha256;

const ENOUGH_BYTES: usize = 32;
const HOW: &str = "Make one with `openssl rand -base64 32`.";

/// A key of access tokens.
#[derive(Debug, Clone)]
pub struct JwtKey {
    /// Its name, which tokens carry.
    pub kid: String,
    /// The secret; its bytes are the key.
    pub secret: SecretString,
}

impl JwtKey {
    /// The key itself.
    pub fn bytes(&self) -> &[u8] {
        self.secret.expose_secret().as_bytes()
    }
}

/// The keys of access tokens: the first signs, all verify.
#[derive(Debug, Clone)]
pub struct JwtKeys {
    first: JwtKey,
    others: Vec<JwtKey>,
}

impl JwtKeys {
    /// Reads a list of `kid:secret`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut keys: Vec<JwtKey> = Vec::new();
        for part in parts(text) {
            let key = parse_key(part)?;
            if keys.iter().any(|other| other.kid == key.kid) {
                let what = format!("names the key `{}` twice", key.kid);
                return Err(Fault::new(what, "Give every key a name of its own."));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or_else(|| Fault::new("holds no key", HOW))?;
        Ok(Self {
            first,
            others: keys.collect(),
        })
    }

    pub(super) fn only(kid: &str, secret: SecretString) -> Self {
        let kid = kid.to_owned();
        Self {
            first: JwtKey { kid, secret },
            others: Vec::new(),
        }
    }

    /// The list as it is written in settings.
    pub(super) fn expose(&self) -> String {
        let texts: Vec<String> = self
            .all()
            .map(|key| format!("{}:{}", key.kid, key.secret.expose_secret()))
            .collect();
        texts.join(",")
    }

    /// The key that signs.
    pub fn signing(&self) -> &JwtKey {
        &self.first
    }

    /// All keys, the signing one first.
    pub fn all(&self) -> impl Iterator<Item = &JwtKey> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The key that a token says it was signed with.
    pub fn find(&self, kid: &str) -> Option<&JwtKey> {
        self.all().find(|key| key.kid == kid)
    }

    /// What makes these keys unfit for production.
    pub fn weakness(&self) -> Option<Fault> {
        self.all()
            .find_map(|key| weakness(key.secret.expose_secret()))
    }
}

fn parse_key(part: &str) -> Result<JwtKey, Fault> {
    let shape = || {
        Fault::new(
            "is not a list of `kid:secret`",
            "Separate keys by commas; a kid has up to 64 letters, digits, `-` and `_`.",
        )
    };
    let (kid, secret) = part.split_once(':').ok_or_else(shape)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if kid.is_empty() || kid.len() > 64 || !kid.chars().all(is_name) || secret.is_empty() {
        return Err(shape());
    }
    Ok(JwtKey {
        kid: kid.to_owned(),
        secret: secret.into(),
    })
}

/// The root of derived keys: the newest first, while it is being changed.
#[derive(Debug, Clone)]
pub struct SecretKey {
    roots: Vec<SecretString>,
}

impl SecretKey {
    /// Reads a root, or `new,old`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let roots: Vec<SecretString> = parts(text).map(Into::into).collect();
        if roots.is_empty() {
            return Err(Fault::new("holds no key", HOW));
        }
        Ok(Self { roots })
    }

    pub(super) fn only(root: SecretString) -> Self {
        Self { roots: vec![root] }
    }

    /// The list as it is written in settings.
    pub(super) fn expose(&self) -> String {
        let texts: Vec<&str> = self.roots.iter().map(ExposeSecret::expose_secret).collect();
        texts.join(",")
    }

    /// The keys for one purpose, the newest first: HKDF-SHA-256 (RFC 5869) without salt, with the
    /// purpose as its info. The first makes what is new, all of them accept what exists.
    pub fn derive(&self, purpose: &str) -> Vec<[u8; 32]> {
        let derived = |root: &SecretString| {
            let extracted = hmac_sha256(&[0; 32], &[root.expose_secret().as_bytes()]);
            hmac_sha256(&extracted, &[purpose.as_bytes(), &[1]])
        };
        self.roots.iter().map(derived).collect()
    }

    /// What makes these roots unfit for production.
    pub fn weakness(&self) -> Option<Fault> {
        self.roots
            .iter()
            .find_map(|root| weakness(root.expose_secret()))
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// Finds secrets that are too short, that repeat a few characters, or that stand in for a real one.
fn weakness(secret: &str) -> Option<Fault> {
    if secret.len() < ENOUGH_BYTES {
        return Some(Fault::new("has a secret shorter than 32 bytes", HOW));
    }
    let distinct: std::collections::BTreeSet<u8> = secret.bytes().collect();
    let lower = secret.to_lowercase();
    let stands_in = ["change", "example", "password", "openssl"];
    if distinct.len() < 8 || stands_in.iter().any(|word| lower.contains(word)) {
        return Some(Fault::new("has a secret that can be guessed", HOW));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_keys_are_stable_and_differ_by_purpose_and_root() {
        let key = SecretKey::parse("new-root,old-root").expect("parses");
        let [new, old] = key.derive("cursor")[..] else {
            panic!("a key for each root")
        };
        assert_eq!(
            new,
            SecretKey::parse("new-root")
                .expect("parses")
                .derive("cursor")[0]
        );
        assert_ne!(new, old);
        assert_ne!(new, key.derive("refresh")[0]);
        // The figure of an independent HKDF: a change here would void all that was ever derived.
        assert_eq!(new[..4], [0x6e, 0x57, 0xd2, 0x9a]);
    }

    #[test]
    fn the_first_key_signs_and_all_are_found_by_name() {
        let keys = JwtKeys::parse("b:two:with:colons, a:one").expect("parses");
        assert_eq!(keys.signing().kid, "b");
        assert_eq!(keys.signing().secret.expose_secret(), "two:with:colons");
        assert!(keys.find("a").is_some() && keys.find("c").is_none());
        for bad in ["", "nocolon", "a:", ":secret", "a b:secret", "a:x,a:y"] {
            assert!(JwtKeys::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn weak_secrets_are_told_from_random_ones() {
        assert!(weakness("short").is_some());
        assert!(weakness(&"ab".repeat(32)).is_some());
        assert!(weakness("please-change-me-please-change-me").is_some());
        assert_eq!(
            weakness("q0Zl7e2yRr1mXW3mXkz6o0dJmT1c0M9o5n4q8bq3b1E="),
            None
        );
    }
}
