//! The extractor through which handlers write.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::idempotency::{self, Key};
use super::tx::{Tx, transaction};
use crate::kernel::{Result, UserId};
use crate::platform::Ctx;
use crate::platform::http::{BodyDigest, HttpResult, Problem};

/// Header of a request's idempotency key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks an answer that was given before.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Runs a handler's action as the one way to write prescribes.
pub struct Writer {
    ctx: Ctx,
    request: HttpRequest,
}

impl Writer {
    /// Runs `action` for `actor` and answers with what it rendered. A `POST` honours
    /// `Idempotency-Key`.
    pub async fn run(
        self,
        actor: UserId,
        action: impl AsyncFn(&mut Tx) -> Result<Answer>,
    ) -> HttpResult<HttpResponse> {
        let key = self.idempotency_key(actor)?;
        let (answer, replayed) = transaction(&self.ctx, async |tx: &mut Tx| {
            let Some(key) = &key else {
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
        .await?;
        let mut response = HttpResponse::from(answer);
        if replayed {
            let headers = response.headers_mut();
            headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    }

    fn idempotency_key(&self, user_id: UserId) -> Result<Option<Key>> {
        let Some(value) = self.request.headers().get(IDEMPOTENCY_KEY) else {
            return Ok(None);
        };
        if self.request.method() != Method::POST {
            return Ok(None);
        }
        let text = idempotency::parse_key(&String::from_utf8_lossy(value.as_bytes()))?;
        let body = self
            .request
            .extensions()
            .get::<BodyDigest>()
            .map(|digest| digest.0);
        let mut hash = Sha256::new();
        hash.update(self.request.path().as_bytes());
        hash.update(body.unwrap_or_default());
        let pattern = self.request.match_pattern().unwrap_or_default();
        Ok(Some(Key {
            user_id,
            route: pattern,
            text,
            fingerprint: hash.finalize().into(),
        }))
    }
}

impl FromRequest for Writer {
    type Error = Problem;
    type Future = Ready<std::result::Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ctx::of(request).map_err(Problem::from).map(|ctx| Self {
            ctx,
            request: request.clone(),
        }))
    }
}
