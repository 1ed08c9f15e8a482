//! One post: make, read, edit, delete, restore.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use super::expand::{OnlyExpand, TopComments};
use crate::domains::posts::actions::{self, NewPost, PostChange};
use crate::domains::posts::view::{self, Author, Post};
use crate::kernel::{Error, PostId};
use crate::platform::http::{Body, HttpResult, IfMatch, Params, PathOf, json_with_etag};
use crate::platform::sessions::{CurrentUser, Viewer};
use crate::platform::{Answer, Ctx, Reads, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(create_post)
        .service(get_post)
        .service(update_post)
        .service(delete_post)
        .service(restore_post);
}

/// Post something
///
/// Left out, the audience is your `default_audience`. A share shows its original only to those who
/// may see the original.
#[utoipa::path(tag = "Posts", request_body = NewPost, responses((status = 201, body = Post)), security(("bearer" = [])))]
#[post("/posts")]
async fn create_post(
    ctx: Ctx,
    writer: Writer,
    me: CurrentUser,
    new: Body<NewPost>,
) -> HttpResult<HttpResponse> {
    let author = Author::load(&ctx, me.id).await?;
    writer
        .run(me.id, async move |tx| {
            let made = actions::create_post(tx, &author, &new).await?;
            let body = view::fresh(tx, &author, made).await?;
            Answer::created(format!("/v1/posts/{}", body.id), body.version, &body)
        })
        .await
}

/// A post
///
/// With its numbers and what it is to you. `?expand=top_comments` adds two of its comments.
#[utoipa::path(tag = "Posts",
    params(("id" = String, Path, description = "The post's id"), OnlyExpand),
    responses((status = 200, body = Post)), security((), ("bearer" = [])))]
#[get("/posts/{id}")]
async fn get_post(
    ctx: Ctx,
    viewer: Viewer,
    post_id: PathOf<PostId>,
    wanted: Params<OnlyExpand>,
    comments: TopComments,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let found = view::posts(&ctx, reads, viewer, &[*post_id]).await?;
    let mut found = comments.expand(wanted.expand, reads, viewer, found).await?;
    let body = found.pop().ok_or_else(Error::not_found)?;
    Ok(json_with_etag(&request, body.version, &body))
}

/// Edit your post
///
/// JSON Merge Patch. A new audience counts at once; the former text stays in the history.
#[utoipa::path(tag = "Posts", request_body = PostChange, params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = Post)), security(("bearer" = [])))]
#[patch("/posts/{id}")]
async fn update_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
    if_match: IfMatch,
    change: Body<PostChange>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::update_post(tx, me.id, *post_id, &change, if_match).await?;
            let ctx = tx.ctx().clone();
            let body = view::post(&ctx, &mut tx.reads(), me.viewer(), *post_id).await?;
            Answer::versioned(body.version, &body)
        })
        .await
}

/// Delete your post
///
/// It can be restored for 30 days.
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 204)), security(("bearer" = [])))]
#[delete("/posts/{id}")]
async fn delete_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::delete_post(tx, me.id, *post_id).await?;
            Ok(Answer::nothing())
        })
        .await
}

/// Restore your deleted post
///
/// Within 30 days; later it is gone (410).
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = Post), (status = 410, description = "The 30 days are over")),
    security(("bearer" = [])))]
#[post("/posts/{id}/restore")]
async fn restore_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::restore_post(tx, me.id, *post_id).await?;
            let ctx = tx.ctx().clone();
            let body = view::post(&ctx, &mut tx.reads(), me.viewer(), *post_id).await?;
            Answer::versioned(body.version, &body)
        })
        .await
}
