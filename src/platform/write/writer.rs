//! The extractor through which handlers write.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};

use super::answer::Answer;
use super::group::Grouped;
use super::idempotency::{self, Key};
use super::run_as::{fingerprint, run, run_grouped};
use super::tx::Tx;
use crate::kernel::{Code, Error, Result, UserId};
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
        let outcome = run(&self.ctx, key.as_ref(), action).await?;
        Ok(Self::respond(outcome))
    }

    /// Has `write` done for `actor`, together with others of its kind that come meanwhile.
    pub async fn run_grouped<W: Grouped>(
        self,
        actor: UserId,
        write: W,
    ) -> HttpResult<HttpResponse> {
        let key = self.idempotency_key(actor)?;
        let outcome = run_grouped(&self.ctx, key, write).await?;
        Ok(Self::respond(outcome))
    }

    fn respond((answer, replayed): (Answer, bool)) -> HttpResponse {
        let mut response = HttpResponse::from(answer);
        if replayed {
            let headers = response.headers_mut();
            headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }

    fn idempotency_key(&self, user_id: UserId) -> Result<Option<Key>> {
        let mut values = self.request.headers().get_all(IDEMPOTENCY_KEY);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if self.request.method() != Method::POST {
            return Ok(None);
        }
        if values.next().is_some() {
            let detail = "The header Idempotency-Key stands more than once.";
            return Err(Error::new(Code::MalformedRequest, detail));
        }
        let text = idempotency::parse_key(&String::from_utf8_lossy(value.as_bytes()))?;
        let body = self
            .request
            .extensions()
            .get::<BodyDigest>()
            .map(|digest| digest.0);
        let pattern = self.request.match_pattern().unwrap_or_default();
        Ok(Some(Key {
            user_id,
            route: pattern,
            text,
            fingerprint: fingerprint(self.request.path(), body),
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
