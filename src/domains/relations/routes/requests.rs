//! Requests for friendship.

use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions::{self, NewRequest, Sent};
use super::super::model::RequestDirection;
use super::super::view::{self, FriendRequest};
use crate::kernel::page::TimeKey;
use crate::kernel::{FriendRequestId, Result, UserId};
use crate::platform::http::{
    Body, HttpResult, ListOf, Listing, PageParams, PathOf, json_with_etag,
};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Reads, Tx, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(create_friend_request)
        .service(list_friend_requests)
        .service(get_friend_request)
        .service(accept_friend_request)
        .service(decline_friend_request)
        .service(cancel_friend_request);
}

async fn request_now(tx: &mut Tx, me: UserId, request_id: FriendRequestId) -> Result<Answer> {
    Answer::ok(&view::request(&mut tx.reads(), me, request_id).await?)
}

/// Ask for friendship
///
/// Asking somebody who has asked you accepts theirs: 200, with `state: accepted`.
#[utoipa::path(tag = "Relations", request_body = NewRequest,
    responses((status = 201, body = FriendRequest), (status = 200, body = FriendRequest)),
    security(("bearer" = [])))]
#[post("/friend-requests")]
async fn create_friend_request(
    writer: Writer,
    me: CurrentUser,
    new: Body<NewRequest>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            let sent = actions::send_request(tx, me.id, new.user_id).await?;
            let (Sent::Asked(request_id) | Sent::Accepted(request_id)) = sent;
            let answer = request_now(tx, me.id, request_id).await?;
            Ok(match sent {
                Sent::Accepted(_) => answer,
                Sent::Asked(_) => answer.made_at(format!("/v1/friend-requests/{request_id}")),
            })
        })
        .await
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestFilter {
    #[serde(default)]
    direction: RequestDirection,
}

/// Open requests to you or from you
///
/// Those that wait for an answer, newest first: those made to you, or with `?direction=outgoing` those that you
/// made.
#[utoipa::path(tag = "Relations", responses((status = 200, body = ListOf<FriendRequest>)),
    params(PageParams, ("direction" = Option<RequestDirection>, Query,
        description = "Those to you (`incoming`, the default) or from you")),
    security(("bearer" = [])))]
#[get("/friend-requests")]
async fn list_friend_requests(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<RequestFilter>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let (direction, slice) = (listing.filter.direction, listing.slice::<TimeKey>()?);
    Ok(listing.respond(view::requests(reads, me.id, direction, &slice).await?))
}

/// A request
///
/// For the two people alone. 404 once it was declined or taken back.
#[utoipa::path(tag = "Relations", responses((status = 200, body = FriendRequest)),
    params(("id" = String, Path, description = "Id of the request")), security(("bearer" = [])))]
#[get("/friend-requests/{id}")]
async fn get_friend_request(
    ctx: Ctx,
    me: CurrentUser,
    request_id: PathOf<FriendRequestId>,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let body = view::own_request(&mut Reads::cached(&ctx), me.id, *request_id).await?;
    // Nobody edits one, so it has no version.
    Ok(json_with_etag(&request, 0, &body))
}

/// Accept a request
///
/// Accepting twice answers the same. 409 `request_closed` when it was declined or taken back.
#[utoipa::path(tag = "Relations", responses((status = 200, body = FriendRequest)),
    params(("id" = String, Path, description = "Id of the request")), security(("bearer" = [])))]
#[post("/friend-requests/{id}/accept")]
async fn accept_friend_request(
    writer: Writer,
    me: CurrentUser,
    request_id: PathOf<FriendRequestId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::accept_request(tx, me.id, *request_id).await?;
            request_now(tx, me.id, *request_id).await
        })
        .await
}

/// Decline a request
///
/// No notification tells whoever made it. Again, it changes nothing.
#[utoipa::path(tag = "Relations", responses((status = 200, body = FriendRequest)),
    params(("id" = String, Path, description = "Id of the request")), security(("bearer" = [])))]
#[post("/friend-requests/{id}/decline")]
async fn decline_friend_request(
    writer: Writer,
    me: CurrentUser,
    request_id: PathOf<FriendRequestId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::decline_request(tx, me.id, *request_id).await?;
            request_now(tx, me.id, *request_id).await
        })
        .await
}

/// Take back a request
///
/// Whoever made it takes it back, and the notification of it goes. Again, it changes nothing.
#[utoipa::path(tag = "Relations", responses((status = 204)),
    params(("id" = String, Path, description = "Id of the request")), security(("bearer" = [])))]
#[delete("/friend-requests/{id}")]
async fn cancel_friend_request(
    writer: Writer,
    me: CurrentUser,
    request_id: PathOf<FriendRequestId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::cancel_request(tx, me.id, *request_id).await?;
            Ok(Answer::nothing())
        })
        .await
}
