//! Hashing of passwords with argon2id, on a bounded number of threads.

use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};

use super::super::model::{ClaimedPassword, Password};
use crate::infra::db;
use crate::kernel::text::Refusal;
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;

/// OWASP's parameters: memory in KiB, passes, lanes.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How long a request waits for its turn before it is told to come back later.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// The hash of nobody's password, with today's parameters: verifying against it takes as long as
/// against a real one.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cyBzYWx0IQ$\
                       qzHRyMWHN9YeGLIYqkWq9LCXf6pYDmQVSkGLMhgZvVo";

/// Whether a password is the one that was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is another, or there was nothing to compare with.
    Wrong,
    /// It is.
    Right,
    /// It is, and its hash is weaker than those made today.
    RightButWeak,
}

/// Refuses a password at `pointer` that is easy to guess by somebody who knows `context`. Never call it inside
/// a transaction.
pub async fn require_strong(
    ctx: &Ctx,
    password: &Password,
    pointer: &'static str,
    context: [&str; 3],
) -> Result<()> {
    let (password, context) = (password.clone(), context.map(str::to_owned));
    in_turn(ctx, move || {
        let context = context.each_ref().map(String::as_str);
        let refused = |refusal: Refusal| Error::invalid(vec![refusal.at(pointer)]);
        password.check_strength(&context).map_err(refused)
    })
    .await
}

/// Hashes a password. Never call it inside a transaction: it takes long, and waits for its turn.
pub async fn hash_password(ctx: &Ctx, password: &Password) -> Result<String> {
    hash(ctx, password.expose()).await
}

/// Hashes again what was just verified, with today's parameters.
pub async fn hash_again(ctx: &Ctx, password: &ClaimedPassword) -> Result<String> {
    hash(ctx, password.expose()).await
}

async fn hash(ctx: &Ctx, password: &str) -> Result<String> {
    let password = secrecy::SecretString::from(password);
    let salt: [u8; 16] = ctx.ids().bytes();
    in_turn(ctx, move || hash_now(&password, &salt)).await
}

fn hash_now(password: &secrecy::SecretString, salt: &[u8]) -> Result<String> {
    let password = secrecy::ExposeSecret::expose_secret(password).as_bytes();
    let hash: PasswordHash = hasher()?
        .hash_password_with_salt(password, salt)
        .map_err(Error::internal)?;
    Ok(hash.to_string())
}

/// Compares a password with a stored hash. Without one it takes as long and is `Wrong`.
pub async fn verify(
    ctx: &Ctx,
    password: &ClaimedPassword,
    stored: Option<String>,
) -> Result<Verdict> {
    let password = password.clone();
    in_turn(ctx, move || Ok(verify_now(&password, stored.as_deref()))).await
}

fn verify_now(password: &ClaimedPassword, stored: Option<&str>) -> Verdict {
    // An account without a usable password takes as long as any other.
    let real = stored.and_then(|stored| PasswordHash::new(stored).ok());
    let Some(hash) = real.clone().or_else(|| PasswordHash::new(NOBODYS).ok()) else {
        return Verdict::Wrong;
    };
    // The parameters are those of the hash.
    let matches = Argon2::default()
        .verify_password(password.expose().as_bytes(), &hash)
        .is_ok();
    match real {
        Some(hash) if matches && is_weak(&hash) => Verdict::RightButWeak,
        Some(_) if matches => Verdict::Right,
        _ => Verdict::Wrong,
    }
}

fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn is_weak(hash: &PasswordHash) -> bool {
    let Ok(params) = Params::try_from(hash) else {
        return true;
    };
    hash.algorithm != Algorithm::Argon2id.ident()
        || params.m_cost() < MEMORY
        || params.t_cost() < PASSES
}

/// Runs `work` on a thread of its own when it is its turn, so that memory is bounded however many
/// people sign in at once.
async fn in_turn<T: Send + 'static>(
    ctx: &Ctx,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    // Meanwhile others may work with the database.
    db::stand_back().await;
    let turn = ctx.hashing().clone().acquire_owned();
    let Ok(turn) = tokio::time::timeout(LONGEST_WAIT, turn).await else {
        let detail = "Too many people are signing in just now. Try again shortly.";
        return Err(Error::new(Code::Unavailable, detail).with_retry_after(5));
    };
    let turn = turn.map_err(Error::internal)?;
    let done = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(turn);
        result
    });
    done.await.map_err(Error::internal)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(text: &str) -> ClaimedPassword {
        ClaimedPassword::try_from(text.to_owned()).expect("bounded")
    }

    #[test]
    fn a_password_is_verified_byte_for_byte() {
        let hash = hash_now(&"Pässword one ".into(), &[7; 16]).expect("hashed");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let verdict = |text| verify_now(&claimed(text), Some(&hash));
        assert_eq!(verdict("Pässword one "), Verdict::Right);
        for other in ["Pässword one", "pässword one ", "Passwörd one ", ""] {
            assert_eq!(verdict(other), Verdict::Wrong, "{other:?}");
        }
    }

    #[test]
    fn a_hash_with_lower_parameters_is_weak() {
        let params = Params::new(4_096, 1, 1, None).expect("valid");
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash: PasswordHash = weak
            .hash_password_with_salt(b"some password", &[7; 16])
            .expect("hashed");
        let verdict = verify_now(&claimed("some password"), Some(&hash.to_string()));
        assert_eq!(verdict, Verdict::RightButWeak);
    }

    #[test]
    fn without_a_usable_hash_every_password_is_wrong() {
        assert!(PasswordHash::new(NOBODYS).is_ok_and(|hash| !is_weak(&hash)));
        for stored in [None, Some("!"), Some("")] {
            assert_eq!(verify_now(&claimed(""), stored), Verdict::Wrong);
        }
    }
}
