//! Circles: private lists of friends.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions::{self, CircleChange, CircleNamed};
use super::super::view::{self, Circle, CircleWithMembers, ListedPerson};
use super::lists::{Expanded, people};
use crate::domains::users;
use crate::kernel::page::{NameKey, TimeKey};
use crate::kernel::{CircleId, Result, UserId};
use crate::platform::http::{
    Body, HttpResult, IfMatch, ListOf, Listing, NoFilter, PageParams, PathOf, UserRef,
    json_with_etag,
};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Reads, Tx, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_circles)
        .service(create_circle)
        .service(get_circle)
        .service(rename_circle)
        .service(delete_circle)
        .service(list_circle_members)
        .service(add_circle_member)
        .service(remove_circle_member);
}

async fn circle_now(tx: &mut Tx, me: UserId, circle_id: CircleId) -> Result<Answer> {
    let body = view::circle(&mut tx.reads(), me, circle_id).await?;
    Answer::versioned(body.circle.version, &body)
}

/// Your circles
///
/// Newest first, without their members.
#[utoipa::path(tag = "Circles", responses((status = 200, body = ListOf<Circle>)),
    params(PageParams), security(("bearer" = [])))]
#[get("/circles")]
async fn list_circles(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<NoFilter>,
) -> HttpResult<HttpResponse> {
    let slice = listing.slice::<TimeKey>()?;
    let page = view::circles(&mut Reads::cached(&ctx), me.id, &slice).await?;
    Ok(listing.respond(page))
}

/// Make a circle
///
/// A private list of friends, of which nobody else learns: a name of one's own, to 100 circles. Answers with
/// the circle, which is empty.
#[utoipa::path(tag = "Circles", request_body = CircleNamed, responses((status = 201, body = CircleWithMembers)),
    security(("bearer" = [])))]
#[post("/circles")]
async fn create_circle(
    writer: Writer,
    me: CurrentUser,
    new: Body<CircleNamed>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            let circle_id = actions::create_circle(tx, me.id, &new).await?;
            let body = view::circle(&mut tx.reads(), me.id, circle_id).await?;
            let location = format!("/v1/circles/{circle_id}");
            Answer::created(location, body.circle.version, &body)
        })
        .await
}

/// A circle with its members
///
/// With who is in it: the first 100 by name, of whom `/members` lists all.
#[utoipa::path(tag = "Circles", responses((status = 200, body = CircleWithMembers)),
    params(("id" = String, Path, description = "Id of the circle")), security(("bearer" = [])))]
#[get("/circles/{id}")]
async fn get_circle(
    ctx: Ctx,
    me: CurrentUser,
    circle_id: PathOf<CircleId>,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let body = view::circle(&mut Reads::cached(&ctx), me.id, *circle_id).await?;
    Ok(json_with_etag(&request, body.circle.version, &body))
}

/// Who is in a circle
///
/// By name.
#[utoipa::path(tag = "Circles", responses((status = 200, body = ListOf<ListedPerson>)),
    params(("id" = String, Path, description = "Id of the circle"), PageParams, Expanded),
    security(("bearer" = [])))]
#[get("/circles/{id}/members")]
async fn list_circle_members(
    ctx: Ctx,
    me: CurrentUser,
    circle_id: PathOf<CircleId>,
    listing: Listing<Expanded>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let slice = listing.slice::<NameKey>()?;
    let page = view::circle_members(reads, me.id, *circle_id, &slice).await?;
    people(reads, me, &listing, page, ctx.now()).await
}

/// Rename a circle
///
/// Takes another name, if none of one's own circles has it.
#[utoipa::path(tag = "Circles", request_body = CircleChange, responses((status = 200, body = CircleWithMembers)),
    params(("id" = String, Path, description = "Id of the circle")), security(("bearer" = [])))]
#[patch("/circles/{id}")]
async fn rename_circle(
    writer: Writer,
    me: CurrentUser,
    circle_id: PathOf<CircleId>,
    if_match: IfMatch,
    change: Body<CircleChange>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::rename_circle(tx, me.id, *circle_id, &change, if_match).await?;
            circle_now(tx, me.id, *circle_id).await
        })
        .await
}

/// Delete a circle
///
/// Posts that name it stay as narrow as they were.
#[utoipa::path(tag = "Circles", responses((status = 204)),
    params(("id" = String, Path, description = "Id of the circle")), security(("bearer" = [])))]
#[delete("/circles/{id}")]
async fn delete_circle(
    writer: Writer,
    me: CurrentUser,
    circle_id: PathOf<CircleId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::delete_circle(tx, me.id, *circle_id).await?;
            Ok(Answer::nothing())
        })
        .await
}

/// Put a friend into a circle
///
/// Only friends can be in a circle. Again, it changes nothing.
#[utoipa::path(tag = "Circles", responses((status = 200, body = CircleWithMembers)),
    params(("id" = String, Path, description = "Id of the circle"),
        ("user_id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[put("/circles/{id}/members/{user_id}")]
async fn add_circle_member(
    writer: Writer,
    me: CurrentUser,
    path: PathOf<(CircleId, UserRef)>,
) -> HttpResult<HttpResponse> {
    change_member(writer, me, path, actions::add_member).await
}

/// Take somebody out of a circle
///
/// Posts for the circle are not for them from then on. Again, it changes nothing.
#[utoipa::path(tag = "Circles", responses((status = 200, body = CircleWithMembers)),
    params(("id" = String, Path, description = "Id of the circle"),
        ("user_id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[delete("/circles/{id}/members/{user_id}")]
async fn remove_circle_member(
    writer: Writer,
    me: CurrentUser,
    path: PathOf<(CircleId, UserRef)>,
) -> HttpResult<HttpResponse> {
    change_member(writer, me, path, actions::remove_member).await
}

/// Changes who is in a circle, and answers with the circle.
async fn change_member(
    writer: Writer,
    me: CurrentUser,
    path: PathOf<(CircleId, UserRef)>,
    change: impl AsyncFn(&mut Tx, UserId, CircleId, UserId) -> Result<()>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            let (circle_id, user) = &*path;
            users::act_on(tx, user, async |tx, user_id| {
                change(tx, me.id, *circle_id, user_id).await
            })
            .await?;
            circle_now(tx, me.id, *circle_id).await
        })
        .await
}
