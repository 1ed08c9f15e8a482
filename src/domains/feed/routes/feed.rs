//! The home feed itself.

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::store::{self, Place};
use super::super::view;
use crate::domains::posts::{self, Post, PostExpansion, TopComments};
use crate::kernel::page::{Page, TimeKey};
use crate::kernel::{Error, PostId, Result, UserId};
use crate::platform::http::{HttpResult, ListOf, Listing, PageParams};
use crate::platform::sessions::{CurrentUser, Viewer};
use crate::platform::{Ctx, Reads};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_feed);
}

/// How a feed is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FeedOrder {
    /// Newest first.
    Latest,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FeedFilter {
    /// Newest first, also when left out.
    #[param(inline)]
    #[serde(rename = "order")]
    _order: Option<FeedOrder>,
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
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let mut page = match &listing.around {
        Some(id) => around(&ctx, reads, me.id, &listing, id).await?,
        None => view::page(&ctx, me.id, &listing.slice()?).await?,
    };
    let wanted = listing.filter.expand;
    page.items = comments
        .expand(wanted, reads, me.viewer(), page.items)
        .await?;
    Ok(listing.respond(page))
}

async fn around(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    viewer: UserId,
    listing: &Listing<FeedFilter>,
    id: &str,
) -> Result<Page<TimeKey, Post>> {
    let (now, id) = (ctx.now(), id.parse());
    let post_id = id.map_err(|_no_id| Error::not_found())?;
    let conn = &mut *reads.conn().await?;
    let place: Place = store::find_place(conn, viewer, post_id, now)
        .await?
        .ok_or_else(Error::not_found)?;
    let (before, after) = listing.slices_around(&place.0);
    let rows_before = store::list_places(conn, viewer, &before, now).await?;
    let mut rows = vec![place];
    rows.extend(store::list_places(conn, viewer, &after, now).await?);
    let page = after.page(rows).preceded_by(before.page(rows_before));
    let shown = posts::posts(ctx, reads, Viewer(Some(viewer)), &page.items).await?;
    Ok(page.with_items(shown))
}
