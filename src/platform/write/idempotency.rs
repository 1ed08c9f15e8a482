//! Idempotency keys: one key, one outcome, stored by the transaction that did the work.

use std::collections::{HashMap, HashSet};

use super::answer::Answer;
use crate::infra::db::Conn;
use crate::kernel::{Code, Error, Result, Timestamp, UserId};

/// Most characters in a key.
const MAX_KEY: usize = 255;

/// A key with everything that it is bound to.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) user_id: UserId,
    /// Route pattern, without its method: requests have keys on `POST` only, and a frame has the pattern of
    /// the route that it is a twin of.
    pub(super) route: String,
    pub(super) text: String,
    /// Hash of path and canonical body.
    pub(super) fingerprint: [u8; 32],
}

/// Reads the header's value, which clients send quoted or bare.
pub(super) fn parse_key(value: &str) -> Result<String> {
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    let fits = (1..=MAX_KEY).contains(&bare.len());
    if fits && bare.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
        return Ok(bare.to_owned());
    }
    Err(Error::new(
        Code::MalformedRequest,
        "Idempotency-Key must be 1 to 255 visible ASCII characters, quoted or bare. A UUID is a good key.",
    ))
}

/// Takes keys for this transaction, of writes that may have none. Each write is to be done (`None`), was
/// done and gets the answer that was given, or is refused.
pub(super) async fn claim(
    conn: &mut Conn,
    keys: &[Option<&Key>],
) -> Result<Vec<Result<Option<Answer>>>> {
    let named: Vec<&Key> = keys.iter().copied().flatten().collect();
    if named.is_empty() {
        return Ok(keys.iter().map(|_| Ok(None)).collect());
    }
    let locked = try_lock(conn, &named).await?;
    // Read when they are locked: what somebody else has stored until then is seen.
    let mut found = find(conn, &named).await?;
    let mut claims = (1..)
        .zip(named.iter().zip(locked))
        .map(|(nth, (key, is_locked))| judge(key, is_locked, found.remove(&nth)));
    let claims = keys.iter().map(|key| match key {
        Some(_) => claims.next().unwrap_or_else(|| Err(in_progress())),
        None => Ok(None),
    });
    Ok(claims.collect())
}

/// What became of one key.
fn judge(key: &Key, is_locked: bool, found: Option<(Vec<u8>, Answer)>) -> Result<Option<Answer>> {
    if !is_locked {
        return Err(in_progress());
    }
    match found {
        Some((fingerprint, _)) if fingerprint != key.fingerprint => Err(Error::new(
            Code::IdempotencyConflict,
            "This key was used for a request with another payload. Use a new key for a new request.",
        )),
        found => Ok(found.map(|(_, answer)| answer)),
    }
}

fn in_progress() -> Error {
    let words = "The first request with this key is still running. Repeat it in a moment.";
    Error::new(Code::IdempotencyInProgress, words).with_retry_after(1)
}

/// Which of the keys nobody else works with, in their order.
async fn try_lock(conn: &mut Conn, keys: &[&Key]) -> Result<Vec<bool>> {
    let name = |key: &&Key| format!("idempotency {} {} {}", key.user_id, key.route, key.text);
    let names: Vec<String> = keys.iter().map(name).collect();
    let mut locked = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended(name, 0)) as "locked!"
           from unnest((select $1::text[])) with ordinality as asked (name, nth) order by nth"#,
        &names
    )
    .fetch_all(conn)
    .await?;
    // A transaction gets its own lock again: that of a key which is named twice is for the first.
    let mut taken = HashSet::new();
    for (is_locked, name) in locked.iter_mut().zip(&names) {
        *is_locked = *is_locked && taken.insert(name);
    }
    Ok(locked)
}

/// What is stored under the keys, with its fingerprint, by the number of the key, from one.
async fn find(conn: &mut Conn, keys: &[&Key]) -> Result<HashMap<i64, (Vec<u8>, Answer)>> {
    let people: Vec<UserId> = keys.iter().map(|key| key.user_id).collect();
    let routes: Vec<&str> = keys.iter().map(|key| key.route.as_str()).collect();
    let texts: Vec<&str> = keys.iter().map(|key| key.text.as_str()).collect();
    let rows = sqlx::query!(
        r#"select asked.nth as "nth!", fingerprint, status, location, etag, body
           from unnest((select $1::uuid[]), (select $2::text[]), (select $3::text[]))
                with ordinality as asked (user_id, route, key, nth)
           join idempotency using (user_id, route, key)"#,
        &people as _,
        &routes as _,
        &texts as _
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().map(|row| {
        let answer = Answer {
            status: u16::try_from(row.status).unwrap_or(200),
            location: row.location,
            etag: row.etag,
            body: row.body,
        };
        (row.nth, (row.fingerprint, answer))
    });
    Ok(found.collect())
}

/// Stores answers, to be replayed for as long as retention keeps them.
pub(super) async fn store(
    conn: &mut Conn,
    given: &[(&Key, &Answer)],
    now: Timestamp,
) -> Result<()> {
    if given.is_empty() {
        return Ok(());
    }
    let people: Vec<UserId> = given.iter().map(|(key, _)| key.user_id).collect();
    let routes: Vec<&str> = given.iter().map(|(key, _)| key.route.as_str()).collect();
    let texts: Vec<&str> = given.iter().map(|(key, _)| key.text.as_str()).collect();
    let prints: Vec<&[u8]> = (given.iter().map(|(key, _)| &key.fingerprint[..])).collect();
    let status = |(_, answer): &(&Key, &Answer)| i16::try_from(answer.status).unwrap_or_default();
    let statuses: Vec<i16> = given.iter().map(status).collect();
    let locations: Vec<Option<&str>> = (given.iter())
        .map(|(_, answer)| answer.location.as_deref())
        .collect();
    let etags: Vec<Option<&str>> = given
        .iter()
        .map(|(_, given)| given.etag.as_deref())
        .collect();
    let bodies: Vec<&[u8]> = given.iter().map(|(_, answer)| &answer.body[..]).collect();
    sqlx::query!(
        "insert into idempotency
                (user_id, route, key, fingerprint, status, location, etag, body, created_at)
         select user_id, route, key, fingerprint, status, location, etag, body, $9
         from unnest((select $1::uuid[]), (select $2::text[]), (select $3::text[]),
                     (select $4::bytea[]), (select $5::smallint[]), (select $6::text[]),
                     (select $7::text[]), (select $8::bytea[]))
              as given (user_id, route, key, fingerprint, status, location, etag, body)",
        &people as _,
        &routes as _,
        &texts as _,
        &prints as _,
        &statuses,
        &locations as _,
        &etags as _,
        &bodies as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets some of the answers given before `before`; says how many.
pub async fn forget(conn: &mut Conn, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "delete from idempotency where (user_id, route, key) in (
             select user_id, route, key from idempotency
             where created_at < $1 order by created_at limit $2)",
        before as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::parse_key;

    #[test]
    fn keys_come_quoted_or_bare_up_to_255_characters() {
        let uuid = "01938b2f-5a00-7000-8000-000000000001";
        assert_eq!(parse_key(uuid).expect("bare"), uuid);
        assert_eq!(parse_key(&format!("\"{uuid}\"")).expect("quoted"), uuid);
        assert!(parse_key(&"k".repeat(255)).is_ok());
        for bad in ["", "\"\"", "two words", "é"] {
            assert!(parse_key(bad).is_err(), "{bad:?}");
        }
        assert!(parse_key(&"k".repeat(256)).is_err());
    }
}
