//! The one way to write, for what is no request: frames of sockets.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::answer::Answer;
use super::group::{Group, Grouped};
use super::idempotency::{self, Key};
use super::tx::{Tx, transaction};
use crate::infra::db;
use crate::kernel::{Error, Result, UserId};
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
    /// The key of an operation that a request of `path` with this body would do; `route` is the template
    /// of that path.
    pub fn new(op_id: &str, route: &'static str, path: &str, body: &Value) -> Result<Self> {
        Ok(Self {
            route,
            text: idempotency::parse_key(op_id)?,
            fingerprint: fingerprint(path, Some(digest_of(body))),
        })
    }

    fn of(self, user_id: UserId) -> Key {
        Key {
            user_id,
            route: self.route.to_owned(),
            text: self.text,
            fingerprint: self.fingerprint,
        }
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
    let key = key.map(|key| key.of(actor));
    run(ctx, key.as_ref(), action).await
}

/// The same for a write that is done together with others of its kind.
pub async fn run_grouped_as<W: Grouped>(
    ctx: &Ctx,
    actor: UserId,
    key: Option<OpKey>,
    write: W,
) -> Result<(Answer, bool)> {
    run_grouped(ctx, key.map(|key| key.of(actor)), write).await
}

/// [`run_grouped_as`] for a key that is made already.
pub(super) async fn run_grouped<W: Grouped>(
    ctx: &Ctx,
    key: Option<Key>,
    write: W,
) -> Result<(Answer, bool)> {
    db::admit().await?;
    let group = ctx.part::<Group<W>>();
    let group = group.ok_or_else(|| Error::internal(anyhow::anyhow!("there is no such group")))?;
    group.done(ctx, key, write).await
}

/// [`run_as`] for a key that is made already.
pub(super) async fn run(
    ctx: &Ctx,
    key: Option<&Key>,
    action: impl AsyncFn(&mut Tx) -> Result<Answer>,
) -> Result<(Answer, bool)> {
    transaction(ctx, async |tx: &mut Tx| {
        let claim = idempotency::claim(tx.conn(), &[key]).await?.pop();
        if let Some(answer) = claim.transpose()?.flatten() {
            return Ok((answer, true));
        }
        tx.set_op_id(key.map(|key| key.text.as_str()));
        let answer = action(tx).await?;
        let now = tx.now();
        let given = key.map(|key| (key, &answer));
        idempotency::store(tx.conn(), given.as_slice(), now).await?;
        Ok((answer, false))
    })
    .await
}
