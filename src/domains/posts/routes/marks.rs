//! Saving, hiding and muting a post.

use actix_web::{HttpResponse, delete, put};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::posts::actions;
use crate::domains::posts::view::{self, PostMarks};
use crate::kernel::{PostId, Result, UserId};
use crate::platform::http::{HttpResult, PathOf};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Tx, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(save_post)
        .service(unsave_post)
        .service(hide_post)
        .service(unhide_post)
        .service(mute_post)
        .service(unmute_post);
}

/// Changes what a post is to the caller, and answers with what it is then.
pub(super) async fn mark(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
    change: impl AsyncFn(&mut Tx, UserId, PostId) -> Result<()>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            change(tx, me.id, *post_id).await?;
            let ctx = tx.ctx().clone();
            Answer::ok(&view::marks(&ctx, &mut tx.reads(), me.viewer(), *post_id).await?)
        })
        .await
}

/// Save a post for later
///
/// It is in your list of saved posts, of which nobody else learns. Again, it changes nothing.
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[put("/posts/{id}/saved")]
async fn save_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    mark(writer, me, post_id, actions::save).await
}

/// Take a post out of your saved posts
///
/// It is in your list no more. Again, it changes nothing.
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[delete("/posts/{id}/saved")]
async fn unsave_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    mark(writer, me, post_id, actions::unsave).await
}

/// Hide a post from your feeds
///
/// It is in none of your feeds any more; its author is not told. Again, it changes nothing.
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[put("/posts/{id}/hidden")]
async fn hide_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    mark(writer, me, post_id, actions::hide).await
}

/// Show a hidden post in your feeds again
///
/// It is back in your feeds. Again, it changes nothing.
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[delete("/posts/{id}/hidden")]
async fn unhide_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    mark(writer, me, post_id, actions::unhide).await
}

/// Hear no more of what is said of a post
///
/// Comments, reactions and shares of it make no notifications for you; being mentioned does.
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[put("/posts/{id}/mute")]
async fn mute_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    mark(writer, me, post_id, actions::mute).await
}

/// Hear of a muted post again
///
/// You hear of what is said of it again. Again, it changes nothing.
#[utoipa::path(tag = "Posts", params(("id" = String, Path, description = "The post's id")),
    responses((status = 200, body = PostMarks)), security(("bearer" = [])))]
#[delete("/posts/{id}/mute")]
async fn unmute_post(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
) -> HttpResult<HttpResponse> {
    mark(writer, me, post_id, actions::unmute).await
}
