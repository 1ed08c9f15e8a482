//! Follows, and relationships by id.

use actix_web::{HttpResponse, delete, get, put};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions;
use super::super::view::{self, ListedPerson, Relationship};
use super::lists::{Expanded, people_of};
use super::towards;
use crate::kernel::UserId;
use crate::platform::http::{
    HttpResult, IdList, ListOf, Listing, PageParams, Params, PathOf, UserRef, ok,
};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Ctx, Reads, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(follow_user)
        .service(unfollow_user)
        .service(list_followers)
        .service(list_following)
        .service(list_relationships);
}

/// Follow somebody
///
/// Their public posts are in your home feed from then on. Friends need no follow. Again, it changes nothing.
#[utoipa::path(tag = "Relations", responses((status = 200, body = Relationship)),
    params(("id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[put("/users/{id}/follow")]
async fn follow_user(
    writer: Writer,
    me: CurrentUser,
    user: PathOf<UserRef>,
) -> HttpResult<HttpResponse> {
    towards(writer, me, user, actions::follow).await
}

/// Follow somebody no longer
///
/// They are not told. Again, it changes nothing.
#[utoipa::path(tag = "Relations", responses((status = 200, body = Relationship)),
    params(("id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[delete("/users/{id}/follow")]
async fn unfollow_user(
    writer: Writer,
    me: CurrentUser,
    user: PathOf<UserRef>,
) -> HttpResult<HttpResponse> {
    towards(writer, me, user, actions::unfollow).await
}

/// Those who follow a person
///
/// Newest first.
#[utoipa::path(tag = "Relations", responses((status = 200, body = ListOf<ListedPerson>)),
    params(("id" = UserRef, Path, description = "Their id or `@username`"), PageParams, Expanded),
    security(("bearer" = [])))]
#[get("/users/{id}/followers")]
async fn list_followers(
    ctx: Ctx,
    me: CurrentUser,
    user: PathOf<UserRef>,
    listing: Listing<Expanded>,
) -> HttpResult<HttpResponse> {
    people_of(&ctx, me, &user, &listing, async |reads, user_id| {
        view::followers(reads, me.id, user_id, &listing.slice()?).await
    })
    .await
}

/// Those whom a person follows
///
/// Newest first.
#[utoipa::path(tag = "Relations", responses((status = 200, body = ListOf<ListedPerson>)),
    params(("id" = UserRef, Path, description = "Their id or `@username`"), PageParams, Expanded),
    security(("bearer" = [])))]
#[get("/users/{id}/following")]
async fn list_following(
    ctx: Ctx,
    me: CurrentUser,
    user: PathOf<UserRef>,
    listing: Listing<Expanded>,
) -> HttpResult<HttpResponse> {
    people_of(&ctx, me, &user, &listing, async |reads, user_id| {
        view::following(reads, me.id, user_id, &listing.slice()?).await
    })
    .await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RelationshipsWanted {
    ids: IdList<UserId>,
}

/// Relationships by id
///
/// In the order of the ids, without yourself and people whom you may not see, but with those whom
/// you have blocked.
#[utoipa::path(tag = "Relations", responses((status = 200, body = ListOf<Relationship>)),
    params(("ids" = String, Query, description = "1 to 100 ids with commas between them")),
    security(("bearer" = [])))]
#[get("/relationships")]
async fn list_relationships(
    ctx: Ctx,
    me: CurrentUser,
    wanted: Params<RelationshipsWanted>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let found = view::relationships(reads, me.id, &wanted.ids.0, ctx.now()).await?;
    Ok(ok(ListOf::whole(found)))
}
