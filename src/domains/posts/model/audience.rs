//! Whom a post is for, as a client says it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, IntoDeserializer as _, MapAccess, Visitor};
use utoipa::openapi::schema::{Object, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::domains::users::{SimpleAudience, Tally};
use crate::kernel::FieldError;
use crate::kernel::text::Refusal;
use crate::words;

/// Most people and circles in one list.
pub const MAX_LIST: usize = 100;

words! {
    /// The sort of an audience.
    pub enum AudienceKind {
        /// Everybody.
        Public = "public",
        /// Friends.
        Friends = "friends",
        /// Nobody else.
        OnlyMe = "only_me",
        /// Some friends: those allowed, less those denied.
        Custom = "custom",
    }
}

impl AudienceKind {
    /// Whether others than the author may pass a post on.
    pub fn may_be_shared_by_others(self) -> bool {
        matches!(self, Self::Public | Self::Friends)
    }

    /// Adds `change` posts of this audience to the counters of their author.
    pub fn count_in(self, tally: &mut Tally, change: i32) {
        match self {
            Self::Public => tally.posts_public += change,
            Self::Friends => tally.posts_friends += change,
            Self::OnlyMe | Self::Custom => tally.posts_private += change,
        }
    }
}

impl From<SimpleAudience> for AudienceKind {
    fn from(simple: SimpleAudience) -> Self {
        match simple {
            SimpleAudience::Public => Self::Public,
            SimpleAudience::Friends => Self::Friends,
            SimpleAudience::OnlyMe => Self::OnlyMe,
        }
    }
}

/// Whom a post is for.
// Described as an audience with lists: `Bare` is one without.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AudienceLists)]
pub struct Wanted {
    /// The sort.
    #[schema(schema_with = custom_alone)]
    pub kind: AudienceKind,
    /// Only with `custom`: ids of people and of your circles, 1 to 100; without it, all friends.
    #[schema(min_items = 1, max_items = 100)]
    pub allow: Option<Vec<Uuid>>,
    /// Only with `custom`: ids of people and of your circles, to 100; these win over `allow`.
    #[schema(max_items = 100)]
    pub deny: Option<Vec<Uuid>>,
}

/// Only a custom audience has lists.
fn custom_alone() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The sort."))
        .enum_values(Some([AudienceKind::Custom.as_str()]))
        .build()
}

/// An audience without lists, as an object.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BareAudience)]
#[expect(dead_code, reason = "it is only described: `Wanted` is what is read")]
struct Bare {
    /// The sort.
    kind: SimpleAudience,
}

/// An audience in a request, read from its word or its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudienceInput(pub Wanted);

impl PartialSchema for AudienceInput {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .description(Some(
                "One of the words `public`, `friends`, `only_me`, or an object",
            ))
            .item(Ref::from_schema_name(SimpleAudience::name()))
            .item(Ref::from_schema_name(Bare::name()))
            .item(Ref::from_schema_name(Wanted::name()))
            .into()
    }
}

impl ToSchema for AudienceInput {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((SimpleAudience::name().into(), SimpleAudience::schema()));
        schemas.push((Bare::name().into(), Bare::schema()));
        schemas.push((Wanted::name().into(), Wanted::schema()));
        Wanted::schemas(schemas);
    }
}

impl<'de> Deserialize<'de> for AudienceInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrObject).map(Self)
    }
}

struct WordOrObject;

impl<'de> Visitor<'de> for WordOrObject {
    type Value = Wanted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`public`, `friends`, `only_me` or an object with `kind`")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Wanted, E> {
        let word: StrDeserializer<'_, E> = word.into_deserializer();
        SimpleAudience::deserialize(word).map(|simple| Wanted::bare(simple.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Wanted, A::Error> {
        Wanted::deserialize(MapAccessDeserializer::new(map))
    }
}

/// An audience whose lists have the right shape; who is in them is not yet known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lists {
    /// Allowed; `None` stands for all friends.
    pub allow: Option<BTreeSet<Uuid>>,
    /// Denied.
    pub deny: BTreeSet<Uuid>,
}

impl Wanted {
    /// An audience without lists.
    pub fn bare(kind: AudienceKind) -> Self {
        Self {
            kind,
            allow: None,
            deny: None,
        }
    }

    /// The lists, each id once, or what is wrong with them.
    pub fn lists(&self) -> Result<Lists, Vec<FieldError>> {
        let mut faults = Vec::new();
        for (name, list) in [("allow", &self.allow), ("deny", &self.deny)] {
            let refusal = list.as_ref().and_then(|list| self.refuse(name, list));
            faults.extend(refusal.map(|refusal| refusal.at(format!("/audience/{name}"))));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let once = |list: &Vec<Uuid>| list.iter().copied().collect();
        Ok(Lists {
            allow: self.allow.as_ref().map(once),
            deny: self.deny.as_ref().map(once).unwrap_or_default(),
        })
    }

    fn refuse(&self, name: &str, list: &[Uuid]) -> Option<Refusal> {
        if self.kind != AudienceKind::Custom {
            let detail = "Only a custom audience has lists.";
            return Some(Refusal::new("not_custom", detail));
        }
        if list.is_empty() && name == "allow" {
            let detail = "An empty list allows nobody. Use `only_me`, or leave the list out for all friends.";
            return Some(Refusal::new("too_few", detail));
        }
        (list.len() > MAX_LIST).then(|| {
            let detail = format!("At most {MAX_LIST} are allowed; these are {}.", list.len());
            Refusal::new("too_many", detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "01938b2f-5a00-7000-8000-000000000001";

    fn read(value: Value) -> Result<Wanted, String> {
        serde_json::from_value::<AudienceInput>(value)
            .map(|input| input.0)
            .map_err(|error| error.to_string())
    }

    fn faults(value: Value) -> Vec<(String, String)> {
        let faults = read(value).expect("reads").lists().expect_err("refused");
        faults
            .into_iter()
            .map(|fault| (fault.pointer, fault.code.into_owned()))
            .collect()
    }

    #[test]
    fn an_audience_is_a_word_or_an_object() {
        let friends = Wanted::bare(AudienceKind::Friends);
        assert_eq!(read(json!("friends")), Ok(friends.clone()));
        assert_eq!(read(json!({"kind": "friends"})), Ok(friends));
        let custom = read(json!({"kind": "custom", "deny": [ID, ID]})).expect("reads");
        let lists = custom.lists().expect("fits");
        assert_eq!((lists.allow, lists.deny.len()), (None, 1));
        for bad in [
            json!("custom"),
            json!("everyone"),
            json!(1),
            json!([]),
            json!({}),
            json!({"kind": "custom", "alow": []}),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_belong_to_custom_audiences_and_have_bounds() {
        let own = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(
            faults(json!({"kind": "public", "allow": [ID]})),
            own("/audience/allow", "not_custom")
        );
        assert_eq!(
            faults(json!({"kind": "custom", "allow": []})),
            own("/audience/allow", "too_few")
        );
        assert_eq!(
            faults(json!({"kind": "custom", "deny": vec![ID; 101]})),
            own("/audience/deny", "too_many")
        );
    }
}
