//! What a person was told, for whoever asks instead of listening.

use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::kernel::{Error, Result};
use crate::platform::Ctx;
use crate::platform::http::{HttpResult, Params, ok};
use crate::platform::realtime::inbox;
use crate::platform::realtime::past::past;
use crate::platform::realtime::replay::Position;
use crate::platform::sessions::CurrentUser;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_events);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct After {
    /// The position up to which you have everything: `{e}:{o}`. Left out, you get the position alone.
    #[param(example = "9f1c2b3a:880", pattern = r"^[^:]+:[0-9]{1,18}$")]
    after: Option<String>,
}

/// What you were told.
#[derive(Debug, Serialize, ToSchema)]
struct Events {
    /// The events, oldest first, as a socket is sent them.
    #[schema(value_type = Vec<HashMap<String, Value>>)]
    data: Vec<Value>,
    /// Up to where you have everything now.
    position: EventPosition,
    /// Whether there are more after it.
    more: bool,
}

/// A place in your inbox, the same as a socket's.
#[derive(Debug, Serialize, ToSchema)]
struct EventPosition {
    /// The epoch.
    e: String,
    /// The offset.
    o: i64,
}

/// What you were told
///
/// The durable events of your inbox after a position, oldest first; they are kept for 30 days. 410
/// `unrecoverable` where what you have missed is no longer kept: fetch everything anew.
#[utoipa::path(tag = "Realtime", params(After), responses((status = 200, body = Events)),
    security(("bearer" = [])))]
#[get("/events")]
async fn list_events(ctx: Ctx, me: CurrentUser, params: Params<After>) -> HttpResult<HttpResponse> {
    let after = params.after.as_deref().map(read_position).transpose()?;
    let past = past(&ctx, &inbox(me.id), me.id, after).await?;
    Ok(ok(Events {
        data: past.events,
        position: EventPosition {
            e: past.position.e,
            o: past.position.o,
        },
        more: past.more,
    }))
}

/// Refuses a position that no client was given.
fn no_position() -> Error {
    let detail = "Expected a position that this API gave: its epoch, a colon, its offset.";
    Error::invalid_field("?after", "invalid", detail)
}

fn read_position(text: &str) -> Result<Position> {
    let (e, o) = text.rsplit_once(':').ok_or_else(no_position)?;
    let o = o.parse().map_err(|_no_number| no_position())?;
    Ok(Position { e: e.to_owned(), o })
}
