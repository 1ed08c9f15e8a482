//! Idempotency keys: one key, one outcome, stored by the transaction that did the work.

use super::answer::Answer;
use crate::infra::db::Conn;
use crate::kernel::{Code, Error, Result, Timestamp, UserId};

/// Most characters in a key.
const MAX_KEY: usize = 255;

/// A key with everything that it is bound to.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) user_id: UserId,
    /// Route pattern; the method is always `POST`.
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

/// Takes the key for this transaction. `Some` is the answer that was given before.
pub(super) async fn claim(conn: &mut Conn, key: &Key) -> Result<Option<Answer>> {
    if !try_lock(conn, key).await? {
        return Err(Error::new(
            Code::IdempotencyInProgress,
            "The first request with this key is still running. Repeat it in a moment.",
        )
        .with_retry_after(1));
    }
    let Some((fingerprint, answer)) = find(conn, key).await? else {
        return Ok(None);
    };
    if fingerprint != key.fingerprint {
        return Err(Error::new(
            Code::IdempotencyConflict,
            "This key was used for a request with another payload. Use a new key for a new request.",
        ));
    }
    Ok(Some(answer))
}

async fn try_lock(conn: &mut Conn, key: &Key) -> Result<bool> {
    let name = format!("idempotency {} {} {}", key.user_id, key.route, key.text);
    let locked = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "locked!""#,
        name
    )
    .fetch_one(conn)
    .await?;
    Ok(locked)
}

async fn find(conn: &mut Conn, key: &Key) -> Result<Option<(Vec<u8>, Answer)>> {
    let row = sqlx::query!(
        "select fingerprint, status, location, etag, body from idempotency
         where user_id = $1 and route = $2 and key = $3",
        key.user_id as _,
        key.route,
        key.text
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let answer = Answer {
            status: u16::try_from(row.status).unwrap_or(200),
            location: row.location,
            etag: row.etag,
            body: row.body,
        };
        (row.fingerprint, answer)
    }))
}

/// Stores the answer, to be replayed for as long as retention keeps it.
pub(super) async fn store(
    conn: &mut Conn,
    key: &Key,
    answer: &Answer,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into idempotency (user_id, route, key, fingerprint, status, location, etag, body, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        key.user_id as _,
        key.route,
        key.text,
        key.fingerprint.as_slice(),
        i16::try_from(answer.status).unwrap_or_default(),
        answer.location,
        answer.etag,
        answer.body,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets answers given before `before`.
pub async fn forget(conn: &mut Conn, before: Timestamp) -> Result<()> {
    sqlx::query!("delete from idempotency where created_at < $1", before as _)
        .execute(conn)
        .await?;
    Ok(())
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
