//! Query parameters of one request.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use utoipa::__dev::ComposeSchema;
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use uuid::Uuid;

use super::problem::Problem;
use super::query::Query;
use crate::kernel::ids::Id;
use crate::kernel::text::Refusal;

/// The query parameters, each known to `T`. `T` is a plain struct; flattening does not work.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T> Params<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Params<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            Query::parse(req.query_string())
                .and_then(Query::read)
                .map(Self)
                .map_err(Problem),
        )
    }
}

/// The ids of a batch get, `?ids=a,b,c`: 1 to 100, each once, in the order given. What is no id
/// is left out, because it names nothing that anybody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdList<I>(pub Vec<I>);

impl<I: Id> IdList<I> {
    /// Most ids in one list.
    pub const MAX: usize = 100;

    /// Reads ids with commas between them.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let given = text.split(',').filter(|part| !part.is_empty());
        match given.clone().count() {
            0 => return Err(Refusal::new("too_few", "Name at least one id.")),
            1..=Self::MAX => {}
            count => {
                let detail = format!("At most {} ids are allowed; these are {count}.", Self::MAX);
                return Err(Refusal::new("too_many", detail));
            }
        }
        let mut ids = Vec::new();
        for id in given
            .filter_map(|part| Uuid::try_parse(part).ok())
            .map(I::from_uuid)
        {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(Self(ids))
    }
}

impl<'de, I: Id> Deserialize<'de> for IdList<I> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// Described as text, because that is what a query holds.
impl<I> ComposeSchema for IdList<I> {
    fn compose(_: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("1 to 100 ids with commas between them"))
            .into()
    }
}

impl<I> ToSchema for IdList<I> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::PostId;

    fn id(n: u128) -> PostId {
        PostId::from_uuid(Uuid::from_u128(n))
    }

    fn code(text: &str) -> Option<&'static str> {
        IdList::<PostId>::parse(text)
            .err()
            .map(|refusal| refusal.code)
    }

    #[test]
    fn ids_keep_their_order_and_stand_once() {
        let text = format!("{},nonsense,{},{}", id(2), id(1), id(2));
        assert_eq!(IdList::parse(&text), Ok(IdList(vec![id(2), id(1)])));
        assert_eq!(IdList::<PostId>::parse("nonsense"), Ok(IdList(vec![])));
    }

    #[test]
    fn a_list_has_one_to_a_hundred_ids() {
        assert_eq!(code(""), Some("too_few"));
        assert_eq!(code(&vec![id(1).to_string(); 100].join(",")), None);
        assert_eq!(
            code(&vec![id(1).to_string(); 101].join(",")),
            Some("too_many")
        );
    }
}
