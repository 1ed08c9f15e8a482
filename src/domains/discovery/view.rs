//! What search suggests.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::users::Person;

/// Something that what is being typed may mean. Clients skip kinds that they do not know.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SearchSuggestion {
    /// A person.
    User {
        /// Who it is.
        user: Person,
    },
}
