//! Members of groups.

use actix_web::{HttpResponse, delete, get, patch, put};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::messaging::actions;
use crate::domains::messaging::model::RoleGiven;
use crate::domains::messaging::view::{self, ConversationState, MemberView};
use crate::domains::users;
use crate::kernel::page::TimeKey;
use crate::kernel::{ConversationId, Result, UserId};
use crate::platform::http::{
    Body, HttpResult, IfMatch, ListOf, Listing, NoFilter, PageParams, PathOf, UserRef, unkept,
};
use crate::platform::limits::Gate;
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Reads, Tx, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_conversation_members)
        .service(add_conversation_member)
        .service(give_conversation_role)
        .service(remove_conversation_member);
}

/// Who is in a conversation
///
/// Who came last comes first.
#[utoipa::path(tag = "Messages", responses((status = 200, body = ListOf<MemberView>)),
    params(("id" = String, Path, description = "The conversation"), PageParams),
    security(("bearer" = [])))]
#[get("/conversations/{id}/members")]
async fn list_conversation_members(
    ctx: Ctx,
    me: CurrentUser,
    id: PathOf<ConversationId>,
    listing: Listing<NoFilter>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let slice = listing.slice::<TimeKey>()?;
    let seen = view::guard(reads, me.id, *id).await?;
    let page = view::members(reads, me.id, &seen, &slice).await?;
    Ok(unkept(listing.respond(page)))
}

/// Add somebody to a group
///
/// Any member may. A friend of yours is in it at once; anybody else is asked first, and so is
/// whoever has left it.
#[utoipa::path(tag = "Messages", responses((status = 200, body = MemberView)),
    params(("id" = String, Path, description = "The conversation"),
        ("user_id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[put("/conversations/{id}/members/{user_id}")]
async fn add_conversation_member(
    writer: Writer,
    (ctx, gate): (Ctx, Gate),
    me: CurrentUser,
    path: PathOf<(ConversationId, UserRef)>,
) -> HttpResult<HttpResponse> {
    let (id, user) = path.into_inner();
    let reads = &mut Reads::cached(&ctx);
    let seen = view::guard(reads, me.id, id).await?;
    let user_id = users::resolve(reads, &user).await?;
    actions::guard_adding_pace(&ctx, &gate, (me.id, &seen), user_id).await?;
    let written = writer.run(me.id, async move |tx| {
        actions::add_member(tx, me.id, id, user_id).await?;
        users::require_current_name(&mut tx.reads(), &user).await?;
        Answer::ok(&member_now(tx, me.id, id, user_id).await?.1)
    });
    written.await.map(unkept)
}

/// A member as they are now, with the version of their conversation.
async fn member_now(
    tx: &mut Tx,
    me: UserId,
    id: ConversationId,
    user_id: UserId,
) -> Result<(i64, MemberView)> {
    let reads = &mut tx.reads();
    let seen = view::guard(reads, me, id).await?;
    let member = view::member(reads, me, &seen, user_id).await?;
    Ok((seen.version(), member))
}

/// Give a member a role
///
/// The owner of the group may, and becomes an admin by making somebody else the owner.
#[utoipa::path(tag = "Messages", request_body = RoleGiven,
    responses((status = 200, body = MemberView)),
    params(("id" = String, Path, description = "The conversation"),
        ("user_id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[patch("/conversations/{id}/members/{user_id}")]
async fn give_conversation_role(
    writer: Writer,
    me: CurrentUser,
    path: PathOf<(ConversationId, UserRef)>,
    if_match: IfMatch,
    given: Body<RoleGiven>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        let (id, user) = &*path;
        let user_id = users::act_on(tx, user, async |tx, user_id| {
            actions::give_role(tx, me.id, *id, (user_id, given.role), if_match).await?;
            Ok(user_id)
        })
        .await?;
        let (version, member) = member_now(tx, me.id, *id, user_id).await?;
        Answer::versioned(version, &member)
    });
    written.await.map(unkept)
}

/// Remove somebody from a group, or leave it
///
/// Its owner and admins remove others; an owner who leaves is followed by an admin, else by whoever
/// is in the group longest. Whoever was only asked to it declines: 204, unless they were in it before.
#[utoipa::path(tag = "Messages",
    responses((status = 200, body = ConversationState), (status = 204)),
    params(("id" = String, Path, description = "The conversation"),
        ("user_id" = UserRef, Path, description = "Their id or `@username`")),
    security(("bearer" = [])))]
#[delete("/conversations/{id}/members/{user_id}")]
async fn remove_conversation_member(
    writer: Writer,
    me: CurrentUser,
    path: PathOf<(ConversationId, UserRef)>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        let (id, user) = &*path;
        let is_there = users::act_on(tx, user, async |tx, user_id| {
            actions::remove_member(tx, me.id, *id, user_id).await
        })
        .await?;
        if !is_there {
            return Ok(Answer::nothing());
        }
        let now = tx.now();
        Answer::ok(&view::state(&mut tx.reads(), me.id, *id, now).await?)
    });
    written.await.map(unkept)
}
