//! Friends and suggestions.

use serde::Deserialize;

use super::super::model::SearchText;

/// Narrows a list of people to some names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByName {
    q: Option<SearchText>,
}

impl ByName {
    /// What to look for; empty for everybody.
    pub(super) fn folded(&self) -> String {
        self.q.as_ref().map(SearchText::folded).unwrap_or_default()
    }
}
