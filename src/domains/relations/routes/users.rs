//! Profiles.

use actix_web::{HttpRequest, HttpResponse, get};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::view::{self, ListedPerson, PersonExpansion, User, visible_person};
use super::lists::{ByName, Expanded, people_of};
use crate::kernel::UserId;
use crate::platform::http::{
    HttpResult, IdList, ListOf, Listing, PageParams, Params, PathOf, UserRef, json_with_etag, ok,
};
use crate::platform::sessions::{CurrentUser, Viewer};
use crate::platform::{Ctx, Reads};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_users)
        .service(get_user)
        .service(list_friends_of_user)
        .service(list_mutual_friends);
}

/// A person's profile
///
/// A former username answers 308 for 90 days.
#[utoipa::path(tag = "People", responses((status = 200, body = User)),
    params(("id" = UserRef, Path, description = "Their id or `@username`"),
        ("expand" = inline(Option<PersonExpansion>), Query, description = "Profiles have `viewer` in any case")),
    security((), ("bearer" = [])))]
#[get("/users/{id}")]
async fn get_user(
    ctx: Ctx,
    viewer: Viewer,
    user: PathOf<UserRef>,
    _wanted: Params<UserWanted>,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let user_id = visible_person(reads, viewer, &user).await?;
    let body = view::user(reads, viewer, user_id, ctx.now()).await?;
    Ok(json_with_etag(&request, body.version, &body))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserWanted {
    #[serde(rename = "expand")]
    _expand: Option<PersonExpansion>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersWanted {
    ids: IdList<UserId>,
    #[serde(rename = "expand")]
    _expand: Option<PersonExpansion>,
}

/// Profiles by id
///
/// In the order of the ids, without people whom you may not see.
#[utoipa::path(tag = "People", responses((status = 200, body = ListOf<User>)),
    params(("ids" = String, Query, description = "1 to 100 ids with commas between them"),
        ("expand" = inline(Option<PersonExpansion>), Query, description = "Profiles have `viewer` in any case")),
    security((), ("bearer" = [])))]
#[get("/users")]
async fn get_users(
    ctx: Ctx,
    viewer: Viewer,
    wanted: Params<UsersWanted>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let found = view::users(reads, viewer, &wanted.ids.0, ctx.now()).await?;
    Ok(ok(ListOf::whole(found)))
}

/// A person's friends
///
/// By name, without people whom you may not see; 403 when the person does not show you the list.
#[utoipa::path(tag = "People", responses((status = 200, body = ListOf<ListedPerson>)),
    params(("id" = UserRef, Path, description = "Their id or `@username`"), PageParams,
        ("q" = Option<String>, Query, description = "Part of a name; blank, it is left out", max_length = 100), Expanded),
    security(("bearer" = [])))]
#[get("/users/{id}/friends")]
async fn list_friends_of_user(
    ctx: Ctx,
    me: CurrentUser,
    user: PathOf<UserRef>,
    listing: Listing<ByName>,
) -> HttpResult<HttpResponse> {
    people_of(&ctx, me, &user, &listing, async |reads, user_id| {
        view::guard_friends_shown(reads, me.viewer(), user_id).await?;
        let (q, slice) = (listing.filter.folded(), listing.slice()?);
        view::friends(reads, me.id, user_id, &q, &slice).await
    })
    .await
}

/// Friends that you and a person have in common
///
/// By name, without people whom you may not see; 403 when the person shows their friends to nobody.
#[utoipa::path(tag = "People", responses((status = 200, body = ListOf<ListedPerson>)),
    params(("id" = UserRef, Path, description = "Their id or `@username`"), PageParams, Expanded),
    security(("bearer" = [])))]
#[get("/users/{id}/mutual-friends")]
async fn list_mutual_friends(
    ctx: Ctx,
    me: CurrentUser,
    user: PathOf<UserRef>,
    listing: Listing<Expanded>,
) -> HttpResult<HttpResponse> {
    people_of(&ctx, me, &user, &listing, async |reads, user_id| {
        view::guard_mutual_friends_shown(reads, me.id, user_id).await?;
        view::mutual_friends(reads, me.id, user_id, &listing.slice()?).await
    })
    .await
}
