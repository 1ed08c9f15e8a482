//! What a route wants from Redis before its handler runs, as data beside the route.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use redis::{Pipeline, Value};

use crate::kernel::UserId;
use crate::platform::Ctx;
use crate::platform::http::template_of;

/// The commands that a route wants sent along. They are made from the person and the request; their
/// replies reach the handler as [`Prefetched`].
#[derive(Clone, Copy)]
pub struct Prefetch {
    /// The path template; the method is `GET`.
    pub path: &'static str,
    /// Adds the commands to a pipeline.
    pub ask: fn(&Ctx, UserId, &HttpRequest, &mut Pipeline),
}

/// What all routes want, by path template.
#[derive(Clone)]
pub struct Prefetches(Arc<HashMap<&'static str, Prefetch>>);

impl Prefetches {
    /// The wishes of all domains.
    pub fn new(wishes: impl IntoIterator<Item = Prefetch>) -> Self {
        let wishes = wishes.into_iter();
        Self(Arc::new(
            wishes.map(|prefetch| (prefetch.path, prefetch)).collect(),
        ))
    }

    /// What the route of a request wants.
    pub(super) fn of(request: &HttpRequest) -> Option<Prefetch> {
        let all = request.app_data::<Self>()?;
        if all.0.is_empty() || request.method() != actix_web::http::Method::GET {
            return None;
        }
        all.0.get(template_of(request)?.as_str()).copied()
    }
}

/// The replies that a route asked for, in order; `None` without Redis.
#[derive(Clone, Default)]
pub struct Prefetched(Arc<Mutex<Option<Vec<Value>>>>);

impl Prefetched {
    pub(super) fn new(replies: Vec<Value>) -> Self {
        Self(Arc::new(Mutex::new(Some(replies))))
    }

    /// The replies, once.
    pub fn take(&self) -> Option<Vec<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl FromRequest for Prefetched {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Self>().cloned();
        ready(Ok(found.unwrap_or_default()))
    }
}
