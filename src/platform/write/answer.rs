//! The answer of a write, rendered inside its transaction so that it can be stored with it.

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

fn render<T: Serialize>(body: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(Error::internal)
}
