//! Saving and hiding a post.

use actix_web::{HttpResponse, delete, put};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::posts::actions;
use crate::domains::posts::view::{self, PostMarks};
use crate::kernel::{PostId, Result, UserId};
use crate::platform::http::{HttpResult, PathOf};
use crate::platform::sessions::{CurrentUser, Viewer};
use crate::platform::{Answer, Tx, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(save_post)
        .service(unsave_post)
        .service(hide_post)
        .service(unhide_post);
}

async fn answer(tx: &mut Tx, user_id: UserId, post_id: PostId) -> Result<Answer> {
    let ctx = tx.ctx().clone();
    Answer::ok(&view::marks(&ctx, tx.conn(), Viewer(Some(user_id)), post_id).await?)
}

/// Save a post for later
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[put("/posts/{id}/saved")]
async fn save_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::save(tx, me.id, *post_id).await?;
            answer(tx, me.id, *post_id).await
        })
        .await
}

/// Take a post out of your saved posts
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[delete("/posts/{id}/saved")]
async fn unsave_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::unsave(tx, me.id, *post_id).await?;
            answer(tx, me.id, *post_id).await
        })
        .await
}

/// Hide a post from your feeds
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[put("/posts/{id}/hidden")]
async fn hide_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::hide(tx, me.id, *post_id).await?;
            answer(tx, me.id, *post_id).await
        })
        .await
}

/// Show a hidden post in your feeds again
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[delete("/posts/{id}/hidden")]
async fn unhide_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::unhide(tx, me.id, *post_id).await?;
            answer(tx, me.id, *post_id).await
        })
        .await
}
