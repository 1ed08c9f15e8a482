//! Reactions to a post.

use actix_web::{HttpResponse, delete, get, put};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::marks::mark;
use crate::domains::posts::actions;
use crate::domains::posts::view::{PostMarks, guard};
use crate::domains::reactions::{self, Kind, Reaction, SetReaction, Target};
use crate::kernel::PostId;
use crate::kernel::page::TimeKey;
use crate::platform::http::{Body, HttpResult, ListOf, Listing, PageParams, PathOf};
use crate::platform::sessions::{CurrentUser, Viewer};
use crate::platform::{Ctx, Reads, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(set_post_reaction)
        .service(delete_post_reaction)
        .service(list_post_reactions);
}

/// React to a post
///
/// One reaction a person; another kind replaces it.
#[utoipa::path(tag = "Posts", request_body = SetReaction, params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[put("/posts/{id}/reaction")]
async fn set_post_reaction(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
    reaction: Body<SetReaction>,
) -> HttpResult<HttpResponse> {
    mark(writer, me, post_id, async move |tx, me, post_id| {
        actions::react(tx, me, post_id, reaction.kind).await
    })
    .await
}

/// Take back your reaction to a post
///
/// Again, it changes nothing. Answers as giving one does.
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[delete("/posts/{id}/reaction")]
async fn delete_post_reaction(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    mark(writer, me, post_id, actions::unreact).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ReactionsOfKind {
    /// Only this kind.
    kind: Option<Kind>,
}

/// Who reacted to a post
///
/// Newest first, people whom you may see; a changed reaction keeps its place.
#[utoipa::path(tag = "Posts",
    params(("id" = String, Path, description = "The post's id"), ReactionsOfKind, PageParams),
    responses((status = 200, body = ListOf<Reaction>)), security((), ("bearer" = [])))]
#[get("/posts/{id}/reactions")]
async fn list_post_reactions(
    ctx: Ctx,
    viewer: Viewer,
    post_id: PathOf<PostId>,
    listing: Listing<ReactionsOfKind>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    guard(reads, viewer, *post_id).await?;
    let slice = listing.slice::<TimeKey>()?;
    let page = reactions::list(
        reads,
        viewer,
        Target::from(*post_id),
        listing.filter.kind,
        &slice,
    )
    .await?;
    Ok(listing.respond(page))
}
