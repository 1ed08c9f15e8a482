//! JSON bodies, read strictly: what cannot be read is 400, what does not fit is 422 with every
//! member at fault.

use std::ops::Deref;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::{Method, header};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::problem::Problem;
use super::{fit::fit, json};
use crate::infra::db;
use crate::kernel::{Code, Error, Result};

/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest body that is read, in bytes; a resource may set its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

impl Default for BodyLimit {
    fn default() -> Self {
        Self(64 * 1_024)
    }
}

/// The SHA-256 of the request's JSON value, whatever its spelling: repeated requests are
/// recognised by it. [`Body`] leaves it in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyDigest(pub [u8; 32]);

/// A JSON body. `T` denies unknown fields, so that a misspelt member is told and not ignored.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T> Body<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Body<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, std::result::Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let value = read(&req, payload).await?.ok_or_else(|| {
                let detail = "The body is empty. Send a JSON object.";
                Problem(Error::new(Code::MalformedRequest, detail))
            })?;
            Ok(Self(fit(value)?))
        })
    }
}

/// A JSON body that may be left out; it then has its default value.
#[derive(Debug)]
pub struct OptionalBody<T>(pub T);

impl<T> OptionalBody<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for OptionalBody<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, std::result::Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            match read(&req, payload).await? {
                Some(value) => Ok(Self(fit(value)?)),
                None => Ok(Self(T::default())),
            }
        })
    }
}

/// Any JSON value, read as strictly; what it has to be is the handler's business.
#[derive(Debug)]
pub struct AnyJson(pub Value);

impl FromRequest for AnyJson {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, std::result::Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let value = read(&req, payload).await?;
            let detail = "The body is empty. Send JSON.";
            let empty = || Problem(Error::new(Code::MalformedRequest, detail));
            Ok(Self(value.ok_or_else(empty)?))
        })
    }
}

/// The body's JSON value; `None` when the body is empty.
async fn read(req: &HttpRequest, payload: Payload) -> Result<Option<Value>> {
    check_media_type(req)?;
    let bytes = collect(req, payload).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if !req.headers().contains_key(header::CONTENT_TYPE) {
        return Err(not_json("The Content-Type header is missing."));
    }
    let value = json::parse(&bytes)?;
    req.extensions_mut()
        .insert(BodyDigest(json::digest(&value)));
    Ok(Some(value))
}

/// An absent `Content-Type` passes here, because an empty body deserves its own words.
fn check_media_type(req: &HttpRequest) -> Result<()> {
    let encoded = req.headers().get(header::CONTENT_ENCODING);
    if encoded.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(not_json("A body with a Content-Encoding is not read."));
    }
    let Some(given) = req.headers().get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let given = given.to_str().unwrap_or_default();
    if is_json(given, req.method() == Method::PATCH) {
        return Ok(());
    }
    Err(not_json("Another media type was sent."))
}

fn not_json(why: &str) -> Error {
    Error::new(
        Code::UnsupportedMediaType,
        format!("{why} Send the body as UTF-8 with Content-Type: application/json."),
    )
}

/// Whether a `Content-Type` stands for JSON in UTF-8. A PATCH may name its own media type
/// (RFC 7396), which is read alike.
fn is_json(content_type: &str, patch: bool) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let known = essence.eq_ignore_ascii_case("application/json")
        || (patch && essence.eq_ignore_ascii_case("application/merge-patch+json"));
    known
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                let charset = value.trim().trim_matches('"');
                charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
            }
            _ => true,
        })
}

async fn collect(req: &HttpRequest, payload: Payload) -> Result<BytesMut> {
    let BodyLimit(limit) = req.app_data().copied().unwrap_or_default();
    let length = req
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let announced = length
        .and_then(|value| value.parse::<usize>().ok())
        .unwrap_or(0);
    if announced > limit {
        return Err(too_large(limit));
    }
    let bytes = BytesMut::with_capacity(announced);
    let collected = timeout(PATIENCE, append(bytes, payload, limit)).await;
    collected.map_err(|_late| {
        let seconds = PATIENCE.as_secs();
        let detail = format!("The body did not come within {seconds} seconds.");
        Error::new(Code::MalformedRequest, detail)
    })?
}

async fn append(mut bytes: BytesMut, mut payload: Payload, limit: usize) -> Result<BytesMut> {
    while let Some(chunk) = next_chunk(&mut payload).await {
        let chunk = chunk.map_err(|_broken_off| {
            Error::new(Code::MalformedRequest, "The body broke off before its end.")
        })?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What comes next of a body. Whoever has to wait for it keeps nobody from the database meanwhile.
async fn next_chunk(payload: &mut Payload) -> Option<std::result::Result<Bytes, PayloadError>> {
    if let Some(there) = payload.next().now_or_never() {
        return there;
    }
    db::stand_back().await;
    payload.next().await
}

fn too_large(limit: usize) -> Error {
    let detail = format!("A body may have at most {limit} bytes.");
    Error::new(Code::PayloadTooLarge, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_in_utf8_is_json() {
        for good in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(is_json(good, false), "{good}");
        }
        for bad in [
            "",
            "text/json",
            "application/json; charset=latin1",
            "application/jsonp",
        ] {
            assert!(!is_json(bad, false), "{bad}");
        }
        assert!(is_json("application/merge-patch+json", true));
        assert!(!is_json("application/merge-patch+json", false));
    }
}
