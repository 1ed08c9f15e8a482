//! What is talked about.

use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::view::{self, TrendingHashtag};
use crate::domains::posts::{self, Post};
use crate::kernel::page::RankKey;
use crate::platform::http::{HttpResult, ListOf, Listing, NoFilter, PageParams, ok};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_trending_posts)
        .service(list_trending_hashtags);
}

/// Posts that are talked about
///
/// Public posts of the last week with most reactions, comments and shares for their age, ranked anew
/// every minute: a walk that takes longer may meet a post twice or miss one. At most 200.
#[utoipa::path(tag = "Feeds", params(PageParams),
    responses((status = 200, body = ListOf<Post>)), security((), ("bearer" = [])))]
#[get("/trending/posts")]
async fn list_trending_posts(
    ctx: Ctx,
    viewer: Viewer,
    listing: Listing<NoFilter>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let slice = listing.slice::<RankKey>()?;
    let page = slice.page(view::trending_places(reads, viewer, &slice, ctx.now()).await?);
    let posts = posts::posts(&ctx, reads, viewer, &page.items).await?;
    Ok(listing.respond(page.with_items(posts)))
}

/// Hashtags that are in use
///
/// At most 20 of public posts of the last three days, ranked every minute by how many people use them
/// and how lately.
#[utoipa::path(tag = "Feeds",
    responses((status = 200, body = ListOf<TrendingHashtag>)), security((), ("bearer" = [])))]
#[get("/trending/hashtags")]
async fn list_trending_hashtags(ctx: Ctx, viewer: Viewer) -> HttpResult<HttpResponse> {
    let shown = view::trending_hashtags(&mut Reads::cached(&ctx), viewer).await?;
    Ok(ok(ListOf::whole(shown)))
}
