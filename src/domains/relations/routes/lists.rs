//! What lists of people can be asked for.

use serde::Deserialize;
use utoipa::IntoParams;

use super::super::model::SearchText;
use super::super::view::PersonExpansion;

/// What people are shown with, for lists that have no other parameter.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Expanded {
    /// What to show with each person.
    #[param(inline)]
    pub expand: Option<PersonExpansion>,
}

/// Narrows a list of people to some names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByName {
    q: Option<SearchText>,
    /// What people are shown with.
    pub expand: Option<PersonExpansion>,
}

impl ByName {
    /// What to look for; empty for everybody.
    pub(super) fn folded(&self) -> String {
        self.q.as_ref().map(SearchText::folded).unwrap_or_default()
    }
}
