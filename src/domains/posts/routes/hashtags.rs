//! Posts by hashtag.

use std::str::FromStr;

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use utoipa_actix_web::service_config::ServiceConfig;

use super::expand::{OnlyExpand, TopComments};
use crate::domains::posts::model::normal_tag;
use crate::domains::posts::view::{self, Post};
use crate::kernel::Error;
use crate::kernel::page::TimeKey;
use crate::platform::http::{HttpResult, ListOf, Listing, PageParams, PathOf};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_hashtag_posts);
}

/// A hashtag as a path names it. What can be no hashtag names nothing.
struct Tag(String);

impl FromStr for Tag {
    type Err = Error;
    fn from_str(written: &str) -> Result<Self, Error> {
        normal_tag(written).map(Self).ok_or_else(Error::not_found)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// Posts with a hashtag
///
/// Newest first, those that you may see. A hashtag is the same in upper and lower case.
#[utoipa::path(tag = "Feeds",
    params(("tag" = String, Path, description = "The hashtag, without its `#`"), PageParams, OnlyExpand),
    responses((status = 200, body = ListOf<Post>)), security((), ("bearer" = [])))]
#[get("/hashtags/{tag}/posts")]
async fn list_hashtag_posts(
    ctx: Ctx,
    viewer: Viewer,
    tag: PathOf<Tag>,
    listing: Listing<OnlyExpand>,
    comments: TopComments,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let slice = listing.slice::<TimeKey>()?;
    let mut page = view::with_hashtag(&ctx, reads, viewer, &tag.0.0, &slice).await?;
    let wanted = listing.filter.expand;
    page.items = comments.expand(wanted, reads, viewer, page.items).await?;
    Ok(listing.respond(page))
}
