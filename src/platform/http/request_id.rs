//! What ties a request to its log lines: its id, and the trace it belongs to.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::kernel::{IdFactory, hex};

/// The request's id: the client's own, if it sent a fit one, or a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id of a request with these headers; `ids` makes a new one where it is needed.
    pub(super) fn of(headers: &HeaderMap, ids: Option<&IdFactory>) -> Self {
        let given = headers
            .get("x-request-id")
            .and_then(|given| given.to_str().ok());
        let new = || ids.map(|ids| hex(&ids.bytes::<16>())).unwrap_or_default();
        Self(
            given
                .filter(|given| is_fit(given))
                .map_or_else(new, ToOwned::to_owned),
        )
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Empty where there is no envelope.
impl FromRequest for RequestId {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = req.extensions().get::<Self>().cloned();
        ready(Ok(id.unwrap_or_else(|| Self(String::new()))))
    }
}

fn is_fit(id: &str) -> bool {
    let fit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=128).contains(&id.len()) && id.bytes().all(fit)
}

/// The caller's place in a distributed trace (W3C `traceparent`). The envelope leaves it in the
/// request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The whole trace, 32 hexadecimal digits.
    pub trace_id: String,
    /// The caller's span, 16 hexadecimal digits.
    pub parent_id: String,
    /// Whether the caller records the trace.
    pub sampled: bool,
}

impl TraceContext {
    /// Reads the `traceparent` header; what is not valid counts as absent, as the standard says.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get("traceparent")?.to_str().ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = parts
            .next()
            .filter(|part| is_hex(part, 2) && *part != "ff")?;
        let id = |part: &str, len| is_hex(part, len) && part.bytes().any(|b| b != b'0');
        let trace_id = parts.next().filter(|part| id(part, 32))?.to_owned();
        let parent_id = parts.next().filter(|part| id(part, 16))?.to_owned();
        let flags = parts.next().filter(|part| is_hex(part, 2))?;
        // Later versions may add parts; the first has exactly four.
        if version == "00" && parts.next().is_some() {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        Some(Self {
            trace_id,
            parent_id,
            sampled,
        })
    }
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn id(given: &str) -> String {
        let req = TestRequest::get()
            .insert_header(("x-request-id", given))
            .to_http_request();
        RequestId::of(req.headers(), Some(&IdFactory::seeded(1))).0
    }

    #[test]
    fn a_fit_id_is_kept_and_any_other_replaced() {
        assert_eq!(id("Abc-1_2.3"), "Abc-1_2.3");
        for unfit in ["", "a b", "a\"b", &"x".repeat(129)] {
            let new = id(unfit);
            assert!(is_hex(&new, 32), "{new}");
        }
    }

    #[test]
    fn a_trace_is_read_or_counts_as_absent() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = TraceContext::parse(good).expect("valid");
        assert_eq!(trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert!(trace.sampled);
        for bad in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }
}
