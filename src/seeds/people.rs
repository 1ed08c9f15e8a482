//! What all seeded people have in common: one password, a time when they joined, a way to be made.

use anyhow::Context as _;
use argon2::{Argon2, PasswordHash, PasswordHasher as _};
use chrono::{DateTime, Utc};

use super::dataset::{Account, Settings, State};
use super::draw::{Draw, Thing, between, weighted};
use super::words::{LANGUAGES, Name, Words};
use crate::domains::users::FriendListAudience;
use crate::kernel::Timestamp;
use crate::platform::sessions::Role;

/// The password of everybody who is seeded.
pub const DEMO_PASSWORD: &str = "demo-password";

/// The same salt each time, so that two loads are equal; the password is public anyway.
const SALT: &[u8] = b"kith demo seeds!";

/// Generated people joined between these two instants. They are fixed, so that the ids of people
/// follow from the seed number alone and a second load on another day recognises the first.
const JOINED: (i64, i64) = (1_609_459_200_000_000, 1_735_689_600_000_000);

/// Hashes the shared password.
pub fn password_hash() -> anyhow::Result<String> {
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(DEMO_PASSWORD.as_bytes(), SALT)
        .map_err(|fault| anyhow::anyhow!("the password could not be hashed: {fault}"))?;
    Ok(hash.to_string())
}

/// The instant after which everybody has joined: the earliest that a load may take for the present.
pub fn everybody_is_here() -> anyhow::Result<Timestamp> {
    Timestamp::from_micros(JOINED.1).context("an instant of this century")
}

/// Checks the instant that a load takes for the present.
pub fn present(at: DateTime<Utc>) -> anyhow::Result<Timestamp> {
    let at = Timestamp::new(at);
    let earliest = everybody_is_here()? + chrono::TimeDelta::days(90);
    anyhow::ensure!(
        at >= earliest,
        "--at must not be before {earliest}: generated people joined until shortly before that"
    );
    Ok(at)
}

/// Makes people of names, places and languages.
pub struct Maker<'a> {
    /// Where chance comes from.
    pub draw: &'a Draw,
    /// Where words come from.
    pub words: &'a Words,
}

impl Maker<'_> {
    /// The `index`th person; `handle` makes the username of their name.
    pub fn person(
        &self,
        index: u64,
        email: String,
        handle: impl FnOnce(&Name) -> String,
    ) -> anyhow::Result<Account> {
        let mut rng = self.draw.rng(Thing::Person, index);
        let from = Timestamp::from_micros(JOINED.0).context("an instant of this century")?;
        let created_at = between(&mut rng, from, everybody_is_here()?);
        let name = self.words.name(&mut rng);
        let language = weighted(&mut rng, LANGUAGES, "en");
        let who_sees_friends = weighted(
            &mut rng,
            &[
                (FriendListAudience::Public, 30),
                (FriendListAudience::Friends, 60),
                (FriendListAudience::OnlyMe, 10),
            ],
            FriendListAudience::Friends,
        );
        Ok(Account {
            id: self.draw.id(Thing::Person, index, created_at),
            username: handle(&name),
            display_name: name.display,
            bio: self.words.bio(&mut rng),
            location: self.words.location(&mut rng),
            website: None,
            email,
            role: Role::User,
            state: State::Active,
            settings: Settings {
                language,
                who_sees_friends,
                ..Settings::default()
            },
            created_at,
        })
    }
}

/// A number of people, things or places as an index of ids.
pub fn index(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::PasswordVerifier as _;

    #[test]
    fn the_shared_password_verifies_and_its_hash_repeats() {
        let hash = password_hash().expect("hashed");
        assert_eq!(hash, password_hash().expect("hashed"));
        // By this salt a database with seeds is recognised, in the store and in an index.
        assert!(hash.contains("$a2l0aCBkZW1vIHNlZWRzIQ$"), "{hash}");
        let parsed = PasswordHash::new(&hash).expect("a hash");
        assert!(
            Argon2::default()
                .verify_password(DEMO_PASSWORD.as_bytes(), &parsed)
                .is_ok()
        );
    }
}
