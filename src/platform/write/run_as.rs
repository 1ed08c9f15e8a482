//! The one way to write, for what is no request: frames of sockets.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::answer::Answer;
use super::idempotency::{self, Key};
use super::tx::{Tx, transaction};
use crate::kernel::{Result, UserId};
use crate::platform::Ctx;
use crate::platform::http::digest_of;

/// What makes a frame one operation, however often it is sent: the `op_id`, under the route that does
/// the same. So a frame and a request with that `Idempotency-Key` are one operation too.
#[derive(Debug, Clone)]
pub struct OpKey {
    route: &'static str,
    text: String,
    fingerprint: [u8; 32],
}

impl OpKey {
    /// The key of an operation that `POST path` with this body would do; `route` is the template of
    /// that path.
    pub fn new(op_id: &str, route: &'static str, path: &str, body: &Value) -> Result<Self> {
        Ok(Self {
            route,
            text: idempotency::parse_key(op_id)?,
            fingerprint: fingerprint(path, Some(digest_of(body))),
        })
    }
}

/// The hash of path and canonical body.
pub(super) fn fingerprint(path: &str, body: Option<[u8; 32]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(path.as_bytes());
    hash.update(body.unwrap_or_default());
    hash.finalize().into()
}

/// Runs `action` for `actor` as [`Writer::run`](super::Writer) does, without a request. Also says whether
/// the answer was given before.
pub async fn run_as(
    ctx: &Ctx,
    actor: UserId,
    key: Option<OpKey>,
    action: impl AsyncFn(&mut Tx) -> Result<Answer>,
) -> Result<(Answer, bool)> {
    let key = key.map(|key| Key {
        user_id: actor,
        route: key.route.to_owned(),
        text: key.text,
        fingerprint: key.fingerprint,
    });
    run(ctx, key.as_ref(), action).await
}

/// The same for a key that is made already.
pub(super) async fn run(
    ctx: &Ctx,
    key: Option<&Key>,
    action: impl AsyncFn(&mut Tx) -> Result<Answer>,
) -> Result<(Answer, bool)> {
    transaction(ctx, async |tx: &mut Tx| {
        let Some(key) = key else {
            return Ok((action(tx).await?, false));
        };
        if let Some(answer) = idempotency::claim(tx.conn(), key).await? {
            return Ok((answer, true));
        }
        tx.set_op_id(Some(key.text.clone()));
        let answer = action(tx).await?;
        let now = tx.now();
        idempotency::store(tx.conn(), key, &answer, now).await?;
        Ok((answer, false))
    })
    .await
}
