//! Posts by id, by author, saved; and what a post said before.

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::expand::{OnlyExpand, PostExpansion, TopComments};
use crate::domains::posts::view::{self, Post, PostRevision, guard};
use crate::domains::relations;
use crate::kernel::page::{RankKey, TimeKey};
use crate::kernel::{Error, PostId, Result};
use crate::platform::http::{
    HttpResult, IdList, ListOf, Listing, NoFilter, PageParams, Params, PathOf, UserRef, ok,
};
use crate::platform::sessions::{CurrentUser, Viewer};
use crate::platform::{Ctx, Reads};
use crate::words;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_posts)
        .service(list_user_posts)
        .service(list_post_history)
        .service(list_saved_posts);
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PostIds {
    /// Up to 100 ids with commas between them.
    #[param(value_type = String)]
    ids: IdList<PostId>,
    /// What to show inside each post.
    #[param(inline)]
    expand: Option<PostExpansion>,
}

/// Posts by id
///
/// In the order given, without those that you may not see.
#[utoipa::path(tag = "Posts", params(PostIds), responses((status = 200, body = ListOf<Post>)),
    security((), ("bearer" = [])))]
#[get("/posts")]
async fn get_posts(
    ctx: Ctx,
    viewer: Viewer,
    params: Params<PostIds>,
    comments: TopComments,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let data = view::posts(&ctx, reads, viewer, &params.ids.0).await?;
    let data = comments.expand(params.expand, reads, viewer, data).await?;
    Ok(ok(ListOf::whole(data)))
}

words! {
    /// Which of a person's posts to list.
    enum PostState {
        /// One's own deleted posts that can be restored.
        Deleted = "deleted",
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct UserPosts {
    /// `deleted`: your own deleted posts that can still be restored, last deleted first.
    #[param(inline)]
    state: Option<PostState>,
    /// What to show inside each post; not together with `state`.
    #[param(inline)]
    expand: Option<PostExpansion>,
}

impl UserPosts {
    /// Whether deleted posts are wanted, of which nobody sees the comments.
    fn wants_deleted(&self) -> Result<bool> {
        if self.state.is_some() && self.expand.is_some() {
            let detail =
                "Deleted posts come without their comments. Ask with `state` or with `expand`.";
            return Err(Error::invalid_field("?expand", "conflict", detail));
        }
        Ok(self.state == Some(PostState::Deleted))
    }
}

/// A person's posts
///
/// Newest first, those that you may see.
#[utoipa::path(tag = "People",
    params(("id" = UserRef, Path, description = "Their id or `@username`"), UserPosts, PageParams),
    responses((status = 200, body = ListOf<Post>)), security((), ("bearer" = [])))]
#[get("/users/{id}/posts")]
async fn list_user_posts(
    ctx: Ctx,
    viewer: Viewer,
    user: PathOf<UserRef>,
    listing: Listing<UserPosts>,
    comments: TopComments,
) -> HttpResult<HttpResponse> {
    let wants_deleted = listing.filter.wants_deleted()?;
    let reads = &mut Reads::cached(&ctx);
    let author_id = relations::visible_person(reads, viewer, &user).await?;
    let slice = listing.slice::<TimeKey>()?;
    if wants_deleted {
        let page = view::deleted(&ctx, reads, viewer, author_id, &slice).await?;
        return Ok(listing.respond(page));
    }
    let mut page = view::timeline(&ctx, reads, viewer, author_id, &slice).await?;
    let wanted = listing.filter.expand;
    page.items = comments.expand(wanted, reads, viewer, page.items).await?;
    Ok(listing.respond(page))
}

/// What a post said before
///
/// Its versions, the present one first; of those before it the newest 50 are kept.
#[utoipa::path(tag = "Posts",
    params(("id" = String, Path, description = "The post's id"), PageParams),
    responses((status = 200, body = ListOf<PostRevision>)), security((), ("bearer" = [])))]
#[get("/posts/{id}/history")]
async fn list_post_history(
    ctx: Ctx,
    viewer: Viewer,
    post_id: PathOf<PostId>,
    listing: Listing<NoFilter>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    guard(reads, viewer, *post_id).await?;
    let slice = listing.slice::<RankKey>()?;
    let page = view::history(&mut *reads.conn().await?, *post_id, &slice).await?;
    Ok(listing.respond(page))
}

/// Your saved posts
///
/// Last saved first, without those that you may no longer see.
#[utoipa::path(tag = "Posts", params(PageParams, OnlyExpand),
    responses((status = 200, body = ListOf<Post>)), security(("bearer" = [])))]
#[get("/me/saved")]
async fn list_saved_posts(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<OnlyExpand>,
    comments: TopComments,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let slice = listing.slice::<TimeKey>()?;
    let mut page = view::saved(&ctx, reads, me.id, &slice).await?;
    let wanted = listing.filter.expand;
    page.items = comments
        .expand(wanted, reads, me.viewer(), page.items)
        .await?;
    Ok(listing.respond(page))
}
