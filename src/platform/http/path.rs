//! Values from the path. A malformed id names nothing, so it is 404 like an unknown one.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Problem;
use crate::kernel::{Error, UserId};

/// The path's values: one, a tuple in order, or a struct by name.
#[derive(Debug)]
pub struct PathOf<T>(pub T);

impl<T> PathOf<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for PathOf<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for PathOf<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = req.match_info().load().map(Self);
        ready(read.map_err(|_names_nothing| Problem(Error::not_found())))
    }
}

/// Longest username that is looked up; a longer one names nobody.
const NAME_MAX: usize = 64;

/// A person as a path names them: by id, or by `@username`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    /// Their id.
    Id(UserId),
    /// Their username as it was written, without the `@`.
    Name(String),
}

impl FromStr for UserRef {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let Some(name) = text.strip_prefix('@') else {
            return text
                .parse()
                .map(Self::Id)
                .map_err(|_no_id| Error::not_found());
        };
        if name.is_empty() || name.len() > NAME_MAX || name.chars().any(char::is_control) {
            return Err(Error::not_found());
        }
        Ok(Self::Name(name.to_owned()))
    }
}

impl<'de> Deserialize<'de> for UserRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl PartialSchema for UserRef {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A person's id, or `@username`"))
            .examples(["@anna"])
            .into()
    }
}

impl ToSchema for UserRef {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_named_by_id_or_by_username() {
        let id = "01938b2f-5a00-7000-8000-000000000001";
        assert_eq!(UserRef::from_str(id).ok(), id.parse().map(UserRef::Id).ok());
        assert_eq!(
            UserRef::from_str("@anna").ok(),
            Some(UserRef::Name("anna".to_owned()))
        );
        for nobody in [
            "",
            "anna",
            "@",
            "12",
            "@a\0b",
            &format!("@{}", "x".repeat(65)),
        ] {
            assert!(UserRef::from_str(nobody).is_err(), "{nobody}");
        }
    }
}
