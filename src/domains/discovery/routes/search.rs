//! Routes of search.

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::model::Needle;
use super::super::view::{self, SearchSuggestion};
use crate::domains::relations::{ListedPerson, PersonExpansion, SearchText, listed};
use crate::kernel::page::RankKey;
use crate::platform::http::{HttpResult, ListOf, Listing, PageParams, Params, ok};
use crate::platform::limits::{RouteLimit, at_door, policies};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Ctx, Reads};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(search_users).service(search_suggestions);
}

/// What limits these routes beside the general limit.
pub const LIMITS: &[RouteLimit] = &[
    at_door("GET", "/v1/search/users", &policies::SEARCH),
    at_door("GET", "/v1/search/suggestions", &policies::SEARCH),
];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    q: SearchText,
}

/// Whom to find, and what to show with them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeopleWanted {
    q: SearchText,
    expand: Option<PersonExpansion>,
}

impl Wanted {
    fn needle(&self) -> Needle {
        Needle::new(&self.q.folded())
    }
}

/// Find people
///
/// Names that begin with the text come first, then names that are like it.
#[utoipa::path(tag = "Search", responses((status = 200, body = ListOf<ListedPerson>)),
    params(PageParams,
        ("q" = String, Query, description = "A name, or part of one", min_length = 1, max_length = 100),
        ("expand" = inline(Option<PersonExpansion>), Query, description = "What to show with each person")),
    security(("bearer" = [])))]
#[get("/search/users")]
async fn search_users(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<PeopleWanted>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let needle = Needle::new(&listing.filter.q.folded());
    let slice = listing.slice::<RankKey>()?;
    let page = view::search_people(reads, me.id, &needle, &slice).await?;
    let wanted = listing.filter.expand;
    Ok(listing.respond(listed(reads, me.id, page, wanted, ctx.now()).await?))
}

/// Suggestions while typing
///
/// At most 10: people whose name begins with the text, friends first, then hashtags that begin with
/// it. After `@` people alone, after `#` hashtags alone.
#[utoipa::path(tag = "Search", responses((status = 200, body = ListOf<SearchSuggestion>)),
    params(("q" = String, Query, description = "What has been typed", min_length = 1, max_length = 100)),
    security(("bearer" = [])))]
#[get("/search/suggestions")]
async fn search_suggestions(
    ctx: Ctx,
    me: CurrentUser,
    wanted: Params<Wanted>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let found = view::suggest(reads, me.id, &wanted.needle()).await?;
    Ok(ok(ListOf::whole(found)))
}
