//! Blocks and mutes.

use actix_web::{HttpResponse, delete, get, put};
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions::{self, Mute};
use super::super::view::{self, MutedPerson, Relationship};
use super::towards;
use crate::domains::users::Person;
use crate::kernel::page::TimeKey;
use crate::platform::http::{
    HttpResult, ListOf, Listing, NoFilter, OptionalBody, PageParams, PathOf, UserRef,
};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Ctx, Reads, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(block_user)
        .service(unblock_user)
        .service(list_blocks)
        .service(mute_user)
        .service(unmute_user)
        .service(list_mutes);
}

/// Block somebody
///
/// You are hidden from each other everywhere. Friendship, follows and open requests end for good.
#[utoipa::path(tag = "Relations", responses((status = 200, body = Relationship)),
    params(("id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[put("/users/{id}/block")]
async fn block_user(
    writer: Writer,
    me: CurrentUser,
    user: PathOf<UserRef>,
) -> HttpResult<HttpResponse> {
    towards(writer, me, user, actions::block).await
}

/// Lift a block
///
/// What the block ended stays ended.
#[utoipa::path(tag = "Relations", responses((status = 200, body = Relationship)),
    params(("id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[delete("/users/{id}/block")]
async fn unblock_user(
    writer: Writer,
    me: CurrentUser,
    user: PathOf<UserRef>,
) -> HttpResult<HttpResponse> {
    towards(writer, me, user, actions::unblock).await
}

/// People whom you have blocked
///
/// Newest first.
#[utoipa::path(tag = "Relations", responses((status = 200, body = ListOf<Person>)),
    params(PageParams), security(("bearer" = [])))]
#[get("/blocks")]
async fn list_blocks(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<NoFilter>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let slice = listing.slice::<TimeKey>()?;
    Ok(listing.respond(view::blocked(reads, me.id, &slice).await?))
}

/// Mute somebody
///
/// Their posts leave your feed, and they cause you no notifications. They are not told.
#[utoipa::path(tag = "Relations", request_body = Option<Mute>,
    responses((status = 200, body = Relationship)),
    params(("id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[put("/users/{id}/mute")]
async fn mute_user(
    writer: Writer,
    me: CurrentUser,
    user: PathOf<UserRef>,
    body: OptionalBody<Mute>,
) -> HttpResult<HttpResponse> {
    towards(writer, me, user, async move |tx, me, other| {
        actions::mute(tx, me, other, &body.0).await
    })
    .await
}

/// Lift a mute
///
/// They are back in your feed and your notifications. Again, it changes nothing.
#[utoipa::path(tag = "Relations", responses((status = 200, body = Relationship)),
    params(("id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[delete("/users/{id}/mute")]
async fn unmute_user(
    writer: Writer,
    me: CurrentUser,
    user: PathOf<UserRef>,
) -> HttpResult<HttpResponse> {
    towards(writer, me, user, actions::unmute).await
}

/// People whom you have muted
///
/// Newest first.
#[utoipa::path(tag = "Relations", responses((status = 200, body = ListOf<MutedPerson>)),
    params(PageParams), security(("bearer" = [])))]
#[get("/mutes")]
async fn list_mutes(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<NoFilter>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let (now, slice) = (ctx.now(), listing.slice::<TimeKey>()?);
    Ok(listing.respond(view::muted(reads, me.id, now, &slice).await?))
}
