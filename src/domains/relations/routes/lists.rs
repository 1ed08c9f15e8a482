//! What lists of people can be asked for.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
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
    #[serde(default, deserialize_with = "some_name")]
    q: Option<SearchText>,
    /// What people are shown with.
    pub expand: Option<PersonExpansion>,
}

/// A field that nothing was typed into narrows nothing.
fn some_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SearchText>, D::Error> {
    let typed = Option::<String>::deserialize(deserializer)?;
    let typed = typed.filter(|typed| !typed.trim().is_empty());
    let text = typed.map(SearchText::parse).transpose();
    text.map_err(D::Error::custom)
}

impl ByName {
    /// What to look for; empty for everybody.
    pub(super) fn folded(&self) -> String {
        self.q.as_ref().map(SearchText::folded).unwrap_or_default()
    }
}
