//! Members of a JSON Merge Patch (RFC 7396): absent keeps, `null` clears, a value sets.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::kernel::text::Refusal;

/// What a patch says about one member. The field needs `#[serde(default)]`, so that an absent
/// member is `Keep`. A member that cannot be null is read with [`not_null`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The member is absent: leave it as it is.
    #[default]
    Keep,
    /// The member is `null`: remove the value.
    Clear,
    /// The member has a new value.
    Set(T),
}

impl<T> Patch<T> {
    /// The same patch by reference.
    pub fn as_ref(&self) -> Patch<&T> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(value),
        }
    }

    /// The same patch with its new value changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(change(value)),
        }
    }

    /// The member after the patch, when it was `current` before.
    pub fn set_or(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::deserialize(deserializer)?;
        Ok(value.map_or(Self::Clear, Self::Set))
    }
}

/// Reads a member that cannot be without a value: absent is `None`, `null` is refused. For fields
/// with `#[serde(default, deserialize_with = "not_null")]`.
pub fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let given = Option::deserialize(deserializer)?;
    let refusal = || Refusal::new("not_nullable", "This member cannot be null.");
    given.map(Some).ok_or_else(|| D::Error::custom(refusal()))
}

/// Described as a value that may be null.
impl<T: ComposeSchema> ComposeSchema for Patch<T> {
    fn compose(schemas: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        Option::<T>::compose(schemas)
    }
}

impl<T: ToSchema + ComposeSchema> ToSchema for Patch<T> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct Change {
        #[serde(default)]
        #[schema(inline)]
        bio: Patch<String>,
        #[schema(value_type = String, required = false)]
        #[serde(default, deserialize_with = "not_null")]
        name: Option<String>,
    }

    fn bio(text: &str) -> Patch<String> {
        serde_json::from_str::<Change>(text).expect("reads").bio
    }

    #[test]
    fn absent_keeps_null_clears_and_a_value_sets() {
        assert_eq!(bio("{}"), Patch::Keep);
        assert_eq!(bio(r#"{"bio":null}"#), Patch::Clear);
        assert_eq!(bio(r#"{"bio":"x"}"#), Patch::Set("x".to_owned()));
        assert_eq!(Patch::Keep.set_or(Some(1)), Some(1));
        assert_eq!(Patch::Clear.set_or(Some(1)), None);
        assert_eq!(Patch::Set(2).set_or(Some(1)), Some(2));
    }

    #[test]
    fn a_member_that_cannot_be_null_is_absent_or_a_value() {
        let name = |text: &str| serde_json::from_str::<Change>(text).map(|change| change.name);
        assert_eq!(name("{}").expect("absent"), None);
        assert_eq!(name(r#"{"name":"x"}"#).expect("read"), Some("x".to_owned()));
        let refused = name(r#"{"name":null}"#).expect_err("refused").to_string();
        assert!(refused.contains("not_nullable"), "{refused}");
    }

    #[test]
    fn the_schema_is_a_value_or_null_and_not_required() {
        let schema =
            serde_json::to_value(<Change as utoipa::PartialSchema>::schema()).expect("JSON");
        let kinds = schema["properties"]["bio"].to_string();
        assert!(
            kinds.contains("null") && kinds.contains("string"),
            "{kinds}"
        );
        assert!(schema.get("required").is_none());
    }
}
