//! Who is there.

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::view::{self, Presences};
use crate::kernel::UserId;
use crate::platform::Ctx;
use crate::platform::http::{HttpResult, IdList, Params, no_store};
use crate::platform::sessions::CurrentUser;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_presence);
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whom {
    ids: IdList<UserId>,
}

/// Who of your friends is there
///
/// Friends see each other's presence if both show theirs.
#[utoipa::path(tag = "Realtime", responses((status = 200, body = Presences)),
    params(("ids" = String, Query, description = "1 to 100 ids with commas between them")),
    security(("bearer" = [])))]
#[get("/presence")]
async fn get_presence(ctx: Ctx, me: CurrentUser, whom: Params<Whom>) -> HttpResult<HttpResponse> {
    let data = view::presences(&ctx, me.id, &whom.ids.0).await?;
    Ok(no_store(Presences { data }))
}
