//! Friends and suggestions.

use actix_web::{HttpResponse, delete, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions;
use super::super::view::{self, ListedPerson, Relationship, Suggestion};
use super::lists::{ByName, Expanded, people};
use super::towards;
use crate::domains::users;
use crate::kernel::page::{NameKey, RankKey};
use crate::platform::http::{HttpResult, ListOf, Listing, NoFilter, PageParams, PathOf, UserRef};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Reads, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_suggestions)
        .service(dismiss_suggestion)
        .service(list_friends)
        .service(unfriend);
}

/// Your friends
///
/// By name.
#[utoipa::path(tag = "Relations", responses((status = 200, body = ListOf<ListedPerson>)),
    params(PageParams,
        ("q" = Option<String>, Query, description = "Part of a name; blank, it is left out", max_length = 100), Expanded),
    security(("bearer" = [])))]
#[get("/friends")]
async fn list_friends(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<ByName>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let (q, slice) = (listing.filter.folded(), listing.slice::<NameKey>()?);
    let page = view::friends(reads, me.id, me.id, &q, &slice).await?;
    people(reads, me, &listing, page, ctx.now()).await
}

/// End a friendship
///
/// Each leaves the other's circles. Answers the same when you are not friends.
#[utoipa::path(tag = "Relations", responses((status = 200, body = Relationship)),
    params(("user_id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[delete("/friends/{user_id}")]
async fn unfriend(
    writer: Writer,
    me: CurrentUser,
    user: PathOf<UserRef>,
) -> HttpResult<HttpResponse> {
    towards(writer, me, user, actions::unfriend).await
}

/// People you may know
///
/// Friends of friends, those with the most friends in common first.
#[utoipa::path(tag = "Relations", responses((status = 200, body = ListOf<Suggestion>)),
    params(PageParams), security(("bearer" = [])))]
#[get("/friends/suggestions")]
async fn list_suggestions(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<NoFilter>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let slice = listing.slice::<RankKey>()?;
    Ok(listing.respond(view::suggestions(reads, me.id, &slice).await?))
}

/// Do not suggest somebody again
///
/// They are not suggested to you any more. Again, it changes nothing.
#[utoipa::path(tag = "Relations", responses((status = 204)),
    params(("user_id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[delete("/friends/suggestions/{user_id}")]
async fn dismiss_suggestion(
    writer: Writer,
    me: CurrentUser,
    user: PathOf<UserRef>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            users::act_on(tx, &user, async |tx, user_id| {
                actions::dismiss_suggestion(tx, me.id, user_id).await
            })
            .await?;
            Ok(Answer::nothing())
        })
        .await
}
