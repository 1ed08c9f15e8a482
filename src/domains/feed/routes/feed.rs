//! The home feed itself.

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::view;
use crate::domains::posts::{self, Post, PostExpansion, TopComments};
use crate::kernel::page::TimeKey;
use crate::kernel::{Error, PostId, Result};
use crate::platform::door::{Prefetch, Prefetched};
use crate::platform::http::{HttpResult, ListOf, Listing, PageParams};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Ctx, Reads};
use crate::words;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_feed);
}

words! {
    /// How a feed is ordered.
    enum FeedOrder {
        /// Newest first.
        Latest = "latest",
        /// What is talked about first, among the newest hundred.
        Top = "top",
    }
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FeedFilter {
    /// Newest first, also when left out; or `top`: what is talked about first, among the newest hundred.
    /// A ranking is made for its first page, and its cursors go on through that one.
    #[param(inline)]
    order: Option<FeedOrder>,
    /// What to show inside each post.
    #[param(inline)]
    expand: Option<PostExpansion>,
}

/// For the API's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`, described here")]
struct AroundPost {
    /// A post of the feed to put in the middle of the page.
    around: Option<PostId>,
}

/// Your home feed
///
/// Posts by you, your friends and the people you follow, less muted people and hidden posts.
#[utoipa::path(
    tag = "Feeds",
    params(PageParams, FeedFilter, AroundPost),
    responses((status = 200, body = ListOf<Post>)),
    security(("bearer" = []))
)]
#[get("/feed")]
async fn get_feed(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<FeedFilter>,
    comments: TopComments,
    ahead: Prefetched,
) -> HttpResult<HttpResponse> {
    match listing.filter.order {
        Some(FeedOrder::Top) => top(&ctx, me, &listing, comments, ahead).await,
        Some(FeedOrder::Latest) | None => latest(&ctx, me, &listing, comments, ahead).await,
    }
}

async fn latest(
    ctx: &Ctx,
    me: CurrentUser,
    listing: &Listing<FeedFilter>,
    comments: TopComments,
    ahead: Prefetched,
) -> HttpResult<HttpResponse> {
    let mut page = match &listing.around {
        Some(id) => {
            let id = id.parse().map_err(|_no_id| Error::not_found())?;
            let slices = |key: &TimeKey| listing.slices_around(key);
            view::around(ctx, me.id, id, slices).await?
        }
        None => view::page(ctx, me.id, &listing.slice()?, ahead.take()).await?,
    };
    let shown = std::mem::take(&mut page.items).into_iter();
    if listing.filter.expand.is_some() {
        let ids: Vec<PostId> = shown.map(|post| post.id).collect();
        let posts = expanded(ctx, me, listing, comments, &ids).await?;
        return Ok(listing.respond(page.with_items(posts)));
    }
    let page = page.with_items(shown.map(|post| post.json).collect());
    Ok(listing.respond_with_json(&page)?)
}

async fn top(
    ctx: &Ctx,
    me: CurrentUser,
    listing: &Listing<FeedFilter>,
    comments: TopComments,
    ahead: Prefetched,
) -> HttpResult<HttpResponse> {
    let mut page = view::top(ctx, me, &listing.slice()?, ahead.take()).await?;
    let posts = std::mem::take(&mut page.items);
    let (reads, wanted) = (&mut Reads::cached(ctx), listing.filter.expand);
    let posts = comments.expand(wanted, reads, me.viewer(), posts).await?;
    Ok(listing.respond(page.with_items(posts)))
}

/// The posts with what the client wants to see inside each.
async fn expanded(
    ctx: &Ctx,
    me: CurrentUser,
    listing: &Listing<FeedFilter>,
    comments: TopComments,
    ids: &[PostId],
) -> Result<Vec<Post>> {
    let reads = &mut Reads::cached(ctx);
    let posts = posts::posts(ctx, reads, me.viewer(), ids).await?;
    let wanted = listing.filter.expand;
    comments.expand(wanted, reads, me.viewer(), posts).await
}

/// What a first page needs of Redis.
pub const PREFETCH: &[Prefetch] = &[Prefetch {
    path: "/v1/feed",
    ask: |ctx, me, request, pipe| {
        if !request.query_string().contains("cursor=")
            && !request.query_string().contains("around=")
        {
            view::ask_ahead(ctx, me, pipe);
        }
    },
}];
