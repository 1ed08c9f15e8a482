//! Entity tags: `"{version}-{start of the body's SHA-256}"`.
//!
//! A cached copy is current only if version and content agree, because counts and visibility move
//! while the text does not. An edit asks for less: `If-Match` compares the version alone, so that
//! somebody's like between reading and saving does not make an edit stale.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::kernel::{Code, Error, Result, hex};

const HASH_BYTES: usize = 8;

/// The strong entity tag of `body` at `version`, in its quotes.
pub fn entity_tag(version: i64, body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    let start = hash
        .split_at_checked(HASH_BYTES)
        .map_or([].as_slice(), |(start, _)| start);
    format!("\"{version}-{}\"", hex(start))
}

/// 200 with `body` and its entity tag, or 304 without a body when the client has just that.
pub fn json_with_etag(req: &HttpRequest, version: i64, body: &impl Serialize) -> HttpResponse {
    let bytes = match serde_json::to_vec(body) {
        Ok(bytes) => bytes,
        Err(fault) => return HttpResponse::from_error(Problem(Error::internal(fault))),
    };
    let tag = entity_tag(version, &bytes);
    let known = tags(req, &header::IF_NONE_MATCH);
    let current = known.iter().any(|known| known == "*" || bare(known) == tag);
    let mut response = if current {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if current {
        return response.finish();
    }
    response.content_type("application/json").body(bytes)
}

/// `If-Match`: the version that an edit was made from; `None` when the client asked for no check
/// (no header, or `*`). What is not one of our strong tags is 412, as it can match nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

impl IfMatch {
    /// Refuses when `current` is another version than the edit was made from.
    pub fn check(self, current: i64) -> Result<()> {
        if self.0.is_none_or(|version| version == current) {
            return Ok(());
        }
        Err(stale())
    }

    fn parse(tags: &[String]) -> Result<Self> {
        if tags.is_empty() || tags.iter().any(|tag| tag == "*") {
            return Ok(Self(None));
        }
        // Versions only grow, so of several the greatest is the only one that can be current.
        let newest = tags.iter().filter_map(|tag| version_of(tag)).max();
        newest.map(|version| Self(Some(version))).ok_or_else(stale)
    }
}

fn stale() -> Error {
    Error::new(
        Code::PreconditionFailed,
        "If-Match does not name the current version. Fetch it anew and repeat the edit.",
    )
}

fn version_of(tag: &str) -> Option<i64> {
    let inside = tag.strip_prefix('"')?.strip_suffix('"')?;
    let (version, hash) = inside.rsplit_once('-')?;
    let is_hash = hash.len() == 2 * HASH_BYTES && hash.bytes().all(|b| b.is_ascii_hexdigit());
    version.parse().ok().filter(|_| is_hash)
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<std::result::Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(&tags(req, &header::IF_MATCH)).map_err(Problem))
    }
}

/// All tags of a header. Our tags hold no comma, so a list is split at each.
fn tags(req: &HttpRequest, name: &HeaderName) -> Vec<String> {
    req.headers()
        .get_all(name)
        .flat_map(|line| line.to_str().unwrap_or_default().split(','))
        .map(|tag| tag.trim().to_owned())
        .collect()
}

/// A tag without its mark of weakness: reads compare weakly (RFC 9110, 13.1.2).
fn bare(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;

    use super::*;

    fn answer(if_none_match: &str) -> StatusCode {
        let req = TestRequest::get().insert_header(("if-none-match", if_none_match));
        json_with_etag(&req.to_http_request(), 5, &"body").status()
    }

    #[test]
    fn a_copy_that_is_current_is_not_sent_again() {
        let tag = entity_tag(5, b"\"body\"");
        for current in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"x\", {tag}"),
            "*".to_owned(),
        ] {
            assert_eq!(answer(&current), StatusCode::NOT_MODIFIED, "{current}");
        }
        for other in [
            entity_tag(6, b"\"body\""),
            entity_tag(5, b"\"other\""),
            "x".to_owned(),
        ] {
            assert_eq!(answer(&other), StatusCode::OK, "{other}");
        }
    }

    #[test]
    fn an_edit_is_checked_by_version_alone() {
        let parse = |tags: &[String]| IfMatch::parse(tags).map_err(|error| error.code());
        let newer = entity_tag(7, b"other counts");
        assert_eq!(parse(std::slice::from_ref(&newer)), Ok(IfMatch(Some(7))));
        assert_eq!(
            parse(&[newer.clone(), entity_tag(3, b"")]),
            Ok(IfMatch(Some(7)))
        );
        assert_eq!(parse(&["*".to_owned()]), Ok(IfMatch(None)));
        assert_eq!(parse(&[]), Ok(IfMatch(None)));
        for foreign in [
            "7",
            "\"7\"",
            "\"x-0011223344556677\"",
            &format!("W/{newer}"),
            "",
        ] {
            assert_eq!(
                parse(&[foreign.to_owned()]),
                Err(Code::PreconditionFailed),
                "{foreign}"
            );
        }
        assert!(IfMatch(Some(7)).check(7).is_ok());
        assert!(IfMatch(None).check(9).is_ok());
        assert!(IfMatch(Some(7)).check(8).is_err());
    }
}
