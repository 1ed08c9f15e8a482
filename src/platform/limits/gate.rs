//! The limiter as an action asks it, so that what it says is told in the headers of the answer.

use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use super::headers::Told;
use crate::infra::ratelimit::{Check, Limiter, Verdict};
use crate::kernel::Result;
use crate::platform::Ctx;
use crate::platform::http::Problem;

/// What was said to a request so far.
#[derive(Debug, Clone, Default)]
pub struct Noted(Arc<Mutex<Vec<Verdict>>>);

impl Noted {
    fn add(&self, verdicts: &[Verdict]) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend_from_slice(verdicts);
    }

    /// All of it, once.
    pub fn take(&self) -> Vec<Verdict> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The limiter, for the action of one request.
#[derive(Debug, Clone)]
pub struct Gate {
    limiter: Limiter,
    noted: Noted,
}

/// A call that was charged, and may be taken back.
#[derive(Debug)]
#[must_use]
pub struct Passed(Vec<Verdict>);

impl Gate {
    /// The limiter for what is no request: nobody reads headers.
    pub fn unheard(ctx: &Ctx) -> Self {
        Self {
            limiter: ctx.limiter().clone(),
            noted: Noted::default(),
        }
    }

    /// Charges a call to all of `checks`, or refuses it and charges none.
    pub async fn pass(&self, checks: Vec<Check>) -> Result<Passed> {
        let verdicts = self.limiter.take(checks).await;
        self.noted.add(&verdicts);
        Told(&verdicts).refusal().map_or(Ok(Passed(verdicts)), Err)
    }

    /// Takes back what a call was charged, and what was noted of it.
    pub async fn give_back(&self, passed: &Passed) {
        self.noted.take();
        self.limiter.give_back(&passed.0).await;
    }

    /// Forgets what was charged before.
    pub async fn forget(&self, check: &Check) {
        if !self.limiter.forget(check).await {
            tracing::debug!("what was counted stays counted: Redis is away");
        }
    }
}

impl FromRequest for Gate {
    type Error = Problem;
    type Future = Ready<std::result::Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let noted = request.extensions().get::<Noted>().cloned();
        let gate = Ctx::of(request).map(|ctx| Self {
            limiter: ctx.limiter().clone(),
            noted: noted.unwrap_or_default(),
        });
        ready(gate.map_err(Problem::from))
    }
}
