//! Access tokens whose signature this process has verified already.
//!
//! A client sends the same token with every request of a quarter of an hour. Only tokens with a good
//! signature come in here, under their whole text; whether one has expired, and whether its session
//! lives, is asked at every use.

use quick_cache::sync::Cache;

use super::access::Bearer;

/// Tokens that are kept, some 400 bytes each.
const MOST: usize = 16_384;

/// The tokens of a process.
pub struct VerifiedTokens(Cache<Box<str>, Bearer>);

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl VerifiedTokens {
    pub(super) fn find(&self, token: &str) -> Option<Bearer> {
        self.0.get(token)
    }

    pub(super) fn keep(&self, token: &str, bearer: Bearer) {
        self.0.insert(token.into(), bearer);
    }
}
