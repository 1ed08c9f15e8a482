//! The answer of a write, rendered inside its transaction so that it can be stored with it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, LOCATION};
use serde::Serialize;

use crate::kernel::{Error, Result};
use crate::platform::http::entity_tag;

/// Status, location, version tag and body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Location` of what was created.
    pub location: Option<String>,
    /// Strong `ETag` of the body.
    pub etag: Option<String>,
    /// JSON, or nothing.
    pub body: Vec<u8>,
}

impl Answer {
    /// 200 with a body.
    pub fn ok<T: Serialize>(body: &T) -> Result<Self> {
        Ok(Self {
            status: 200,
            location: None,
            etag: None,
            body: render(body)?,
        })
    }

    /// 200 with an object whose edits can race: `version` becomes part of its `ETag`.
    pub fn versioned<T: Serialize>(version: i64, body: &T) -> Result<Self> {
        let body = render(body)?;
        let etag = Some(entity_tag(version, &body));
        Ok(Self {
            status: 200,
            location: None,
            etag,
            body,
        })
    }

    /// 201 with the whole object and where it is.
    pub fn created<T: Serialize>(location: String, version: i64, body: &T) -> Result<Self> {
        Ok(Self::versioned(version, body)?.made_at(location))
    }

    /// The same answer as 201: what it shows is new, and stands at `location`.
    #[must_use]
    pub fn made_at(self, location: String) -> Self {
        Self {
            status: 201,
            location: Some(location),
            ..self
        }
    }

    /// 204.
    pub fn nothing() -> Self {
        Self {
            status: 204,
            location: None,
            etag: None,
            body: Vec::new(),
        }
    }
}

impl From<Answer> for HttpResponse {
    fn from(answer: Answer) -> Self {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        let mut response = Self::build(status);
        if let Some(location) = answer.location {
            response.insert_header((LOCATION, location));
        }
        if let Some(etag) = answer.etag {
            response.insert_header((ETAG, etag));
        }
        response.insert_header((CACHE_CONTROL, "private, no-cache"));
        if answer.body.is_empty() {
            return response.finish();
        }
        response.content_type("application/json").body(answer.body)
    }
}

fn render<T: Serialize>(body: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_a_create_says_where_the_object_is_and_which_version() {
        let answer = Answer::created("/v1/posts/1".to_owned(), 1, &1).expect("rendered");
        let made = HttpResponse::from(answer);
        assert_eq!(made.status(), 201);
        assert_eq!(made.headers().get("location").expect("said"), "/v1/posts/1");
        assert_eq!(
            made.headers().get("etag").expect("said"),
            entity_tag(1, b"1").as_str()
        );
    }
}
