//! Lists of people: what they can be asked for, and how they are answered.

use actix_web::HttpResponse;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use super::super::model::SearchText;
use super::super::view::{self, PersonExpansion, visible_person};
use crate::domains::users::Person;
use crate::kernel::page::{Page, SortKey};
use crate::kernel::{Result, Timestamp, UserId};
use crate::platform::http::{HttpResult, Listing, UserRef};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Ctx, Reads};

/// What people are shown with, for lists that have no other parameter.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Expanded {
    /// What to show with each person.
    #[param(inline)]
    expand: Option<PersonExpansion>,
}

/// Narrows a list of people to some names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByName {
    #[serde(default, deserialize_with = "some_name")]
    q: Option<SearchText>,
    expand: Option<PersonExpansion>,
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

/// What says with what people are to be shown.
pub(super) trait Expands {
    /// With what.
    fn expand(&self) -> Option<PersonExpansion>;
}

impl Expands for Expanded {
    fn expand(&self) -> Option<PersonExpansion> {
        self.expand
    }
}

impl Expands for ByName {
    fn expand(&self) -> Option<PersonExpansion> {
        self.expand
    }
}

/// Answers with a page of people, shown with what was asked for.
pub(super) async fn people<K: SortKey>(
    reads: &mut Reads<'_>,
    me: CurrentUser,
    listing: &Listing<impl Expands>,
    page: Page<K, Person>,
    now: Timestamp,
) -> HttpResult<HttpResponse> {
    let wanted = listing.filter.expand();
    Ok(listing.respond(view::listed(reads, me.id, page, wanted, now).await?))
}

/// Answers with a page of those who are something to a person whom the caller may see.
pub(super) async fn people_of<K: SortKey>(
    ctx: &Ctx,
    me: CurrentUser,
    user: &UserRef,
    listing: &Listing<impl Expands>,
    list: impl AsyncFnOnce(&mut Reads<'_>, UserId) -> Result<Page<K, Person>>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(ctx);
    let user_id = visible_person(reads, me.viewer(), user).await?;
    let page = list(reads, user_id).await?;
    people(reads, me, listing, page, ctx.now()).await
}
