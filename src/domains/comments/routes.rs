//! Routes of comments.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::actions;
use super::model::{CommentChange, CommentOrder, NewComment, Thread};
use super::view::{self, Comment, CommentState};
use crate::domains::posts;
use crate::domains::reactions::{Kind, SetReaction};
use crate::kernel::page::{Page, TimeKey};
use crate::kernel::{CommentId, Error, PostId, Result};
use crate::platform::http::{
    Body, HttpResult, IfMatch, ListOf, Listing, PageParams, Params, PathOf, json_with_etag,
};
use crate::platform::limits::{RouteLimit, at_door, policies};
use crate::platform::sessions::{CurrentUser, Viewer};
use crate::platform::{Answer, Ctx, Reads, Writer};
use crate::words;

/// How many replies `expand=replies` shows of each comment.
const EXPANDED_REPLIES: u16 = 2;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_comments)
        .service(create_comment)
        .service(get_comment)
        .service(update_comment)
        .service(delete_comment)
        .service(list_replies)
        .service(set_comment_reaction)
        .service(delete_comment_reaction);
}

/// Comments of a post: a frame stands for this one.
pub(super) const COMMENTS: &str = "/v1/posts/{id}/comments";

/// What limits these routes beside the general limit.
pub const LIMITS: &[RouteLimit] = &[
    at_door("POST", COMMENTS, &policies::COMMENT),
    at_door("PATCH", "/v1/comments/{id}", &policies::EDIT),
    at_door("PUT", "/v1/comments/{id}/reaction", &policies::REACTION),
    at_door("DELETE", "/v1/comments/{id}/reaction", &policies::REACTION),
];

words! {
    /// What is shown inside each comment.
    enum CommentExpansion {
        /// The first two replies.
        Replies = "replies",
    }
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ThreadFilter {
    /// Which end comes first.
    #[serde(default)]
    #[param(inline, required = false)]
    order: CommentOrder,
    /// What to show inside each comment.
    #[param(inline)]
    expand: Option<CommentExpansion>,
}

/// For the API's description: every list of comments takes it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`, described here")]
struct AroundComment {
    /// A comment of this list to put in the middle of the page.
    around: Option<CommentId>,
}

/// Comments on a post
///
/// Those on the post itself, oldest first, or newest first with `?order=newest`; replies have a list of their
/// own. `?around=` opens the list at a comment, `?expand=replies` adds two replies to each.
#[utoipa::path(
    tag = "Comments",
    params(("id" = String, Path, description = "The post"), PageParams, ThreadFilter, AroundComment),
    responses((status = 200, body = ListOf<Comment>)),
    security((), ("bearer" = []))
)]
#[get("/posts/{id}/comments")]
async fn list_comments(
    ctx: Ctx,
    viewer: Viewer,
    post_id: PathOf<PostId>,
    listing: Listing<ThreadFilter>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    posts::guard(reads, viewer, *post_id).await?;
    let page = read_page(reads, viewer, Thread::Post(*post_id), &listing).await?;
    Ok(listing.respond(page))
}

/// Comment on a post, or reply to a comment
///
/// On a post, or in answer to another comment of it (`parent_id`), to eight levels. Who is called by `@name`,
/// whom it answers and whose post it is hear of it, each once.
#[utoipa::path(
    tag = "Comments", request_body = NewComment,
    params(("id" = String, Path, description = "The post")),
    responses((status = 201, body = Comment)),
    security(("bearer" = []))
)]
#[post("/posts/{id}/comments")]
async fn create_comment(
    writer: Writer,
    me: CurrentUser,
    post_id: PathOf<PostId>,
    new: Body<NewComment>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::comment_made(tx, me.id, *post_id, &new).await
        })
        .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OnlyReplies {
    /// What to show inside the comment.
    #[param(inline)]
    expand: Option<CommentExpansion>,
}

/// A comment
///
/// With its numbers and what it is to you. A deleted one that has replies is shown without what it said.
#[utoipa::path(
    tag = "Comments",
    params(("id" = String, Path, description = "The comment"), OnlyReplies),
    responses((status = 200, body = Comment)),
    security((), ("bearer" = []))
)]
#[get("/comments/{id}")]
async fn get_comment(
    ctx: Ctx,
    viewer: Viewer,
    comment_id: PathOf<CommentId>,
    wanted: Params<OnlyReplies>,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let mut body = view::comment(reads, viewer, *comment_id).await?;
    if wanted.expand.is_some() {
        let one = std::slice::from_mut(&mut body);
        view::add_replies(reads, viewer, one, EXPANDED_REPLIES).await?;
    }
    Ok(json_with_etag(&request, body.version, &body))
}

/// Change a comment
///
/// Only its author can. `If-Match` guards against an edit that you have not seen.
#[utoipa::path(
    tag = "Comments", request_body = CommentChange,
    params(("id" = String, Path, description = "The comment")),
    responses((status = 200, body = Comment)),
    security(("bearer" = []))
)]
#[patch("/comments/{id}")]
async fn update_comment(
    writer: Writer,
    me: CurrentUser,
    comment_id: PathOf<CommentId>,
    if_match: IfMatch,
    change: Body<CommentChange>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::update_comment(tx, me.id, *comment_id, &change, if_match).await?;
            let body = view::comment(&mut tx.reads(), me.viewer(), *comment_id).await?;
            Answer::versioned(body.version, &body)
        })
        .await
}

/// Delete a comment
///
/// Its author may, and the author of the post. While something below it is left, it stays in its
/// place without words or author.
#[utoipa::path(
    tag = "Comments",
    params(("id" = String, Path, description = "The comment")),
    responses((status = 204)),
    security(("bearer" = []))
)]
#[delete("/comments/{id}")]
async fn delete_comment(
    writer: Writer,
    me: CurrentUser,
    comment_id: PathOf<CommentId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::delete_comment(tx, me.id, *comment_id).await?;
            Ok(Answer::nothing())
        })
        .await
}

/// Replies to a comment
///
/// Oldest first, or newest first with `?order=newest`. `?around=` opens the list at a reply.
#[utoipa::path(
    tag = "Comments",
    params(("id" = String, Path, description = "The comment"), PageParams, ThreadFilter, AroundComment),
    responses((status = 200, body = ListOf<Comment>)),
    security((), ("bearer" = []))
)]
#[get("/comments/{id}/replies")]
async fn list_replies(
    ctx: Ctx,
    viewer: Viewer,
    comment_id: PathOf<CommentId>,
    listing: Listing<ThreadFilter>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let parent = view::comment(reads, viewer, *comment_id).await?;
    let thread = Thread::Comment(parent.post_id, *comment_id);
    let page = read_page(reads, viewer, thread, &listing).await?;
    Ok(listing.respond(page))
}

/// React to a comment
///
/// In place of the one that you gave before, if any. Answers with the comment's numbers and what it is to you.
#[utoipa::path(
    tag = "Comments", request_body = SetReaction,
    params(("id" = String, Path, description = "The comment")),
    responses((status = 200, body = CommentState)),
    security(("bearer" = []))
)]
#[put("/comments/{id}/reaction")]
async fn set_comment_reaction(
    writer: Writer,
    me: CurrentUser,
    comment_id: PathOf<CommentId>,
    reaction: Body<SetReaction>,
) -> HttpResult<HttpResponse> {
    change_reaction(writer, me, *comment_id, Some(reaction.kind)).await
}

/// Take your reaction to a comment back
///
/// Again, it changes nothing. Answers as giving one does.
#[utoipa::path(
    tag = "Comments",
    params(("id" = String, Path, description = "The comment")),
    responses((status = 200, body = CommentState)),
    security(("bearer" = []))
)]
#[delete("/comments/{id}/reaction")]
async fn delete_comment_reaction(
    writer: Writer,
    me: CurrentUser,
    comment_id: PathOf<CommentId>,
) -> HttpResult<HttpResponse> {
    change_reaction(writer, me, *comment_id, None).await
}

async fn change_reaction(
    writer: Writer,
    me: CurrentUser,
    comment_id: CommentId,
    kind: Option<Kind>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::set_reaction(tx, me.id, comment_id, kind).await?;
            let comment = view::comment(&mut tx.reads(), me.viewer(), comment_id).await?;
            Answer::ok(&CommentState::from(comment))
        })
        .await
}

/// The page of a thread that `listing` asks for.
async fn read_page(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    thread: Thread,
    listing: &Listing<ThreadFilter>,
) -> Result<Page<TimeKey, Comment>> {
    let order = listing.filter.order;
    let mut page = if let Some(id) = &listing.around {
        let id = id.parse().map_err(|_no_id| Error::not_found())?;
        let slices = |key: &TimeKey| listing.slices_around(key);
        view::around(reads, viewer, thread, order, id, slices).await?
    } else {
        view::page(reads, viewer, thread, order, listing.slice()?).await?
    };
    if listing.filter.expand == Some(CommentExpansion::Replies) {
        view::add_replies(reads, viewer, &mut page.items, EXPANDED_REPLIES).await?;
    }
    Ok(page)
}
