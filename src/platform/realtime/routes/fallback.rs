//! Routes for clients without a socket: a stream of events, a long poll, and commands for both.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, HeaderName};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Entrance, admit, connect, hub_of};
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::http::{AnyJson, ClientAddress, HttpResult, Params};
use crate::platform::limits::Gate;
use crate::platform::realtime::arrival::{Wanted, arrive};
use crate::platform::realtime::conn::Transport;
use crate::platform::realtime::{commands, greet, origin, poll, session, socket, sse, wire};
use crate::platform::sessions::{CurrentUser, SignedIn};

/// Names a connection in a command.
const RT_SESSION: &str = "rt-session";
const LAST_EVENT_ID: &str = "last-event-id";
/// The longest that a poll waits.
const LONGEST_WAIT: u64 = 60;

/// Where a stream of events begins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Streaming {
    /// A ticket, from pages that cannot send headers.
    #[serde(default)]
    ticket: Option<String>,
    /// The id of the last event that the client has, where it cannot send `Last-Event-ID`.
    #[serde(default)]
    cursor: Option<String>,
    /// Up to 32 channels to listen to, with commas between them.
    #[serde(default)]
    #[param(
        pattern = r"^([a-z]{1,16}:[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(,|$)){0,32}$"
    )]
    chs: Option<String>,
}

/// Where a poll begins, and how long it waits.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Polling {
    /// The cursor of the last answer; without one, the answer is where things stand.
    #[serde(default)]
    cursor: Option<String>,
    /// Up to 32 channels to listen to, with commas between them.
    #[serde(default)]
    #[param(
        pattern = r"^([a-z]{1,16}:[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(,|$)){0,32}$"
    )]
    chs: Option<String>,
    /// Seconds to wait for something to happen: 0 to 60, and 25 by default.
    #[serde(default)]
    #[param(maximum = 60)]
    wait: Option<u64>,
}

/// A frame, as on the socket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is only described: frames are read one by one")]
pub(super) struct RealtimeFrame {
    /// Comes back in the reply as `re`.
    id: Option<i64>,
    /// What is asked, as `subscribe`.
    op: String,
    /// Names the operation, so that it is done once however often it is sent.
    op_id: Option<String>,
    /// Its content.
    #[schema(value_type = Option<HashMap<String, Value>>)]
    d: Option<Value>,
}

/// One frame, or up to 32.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is only described: frames are read one by one")]
pub(super) enum RealtimeFrames {
    /// One.
    One(RealtimeFrame),
    // What it is stands with the list.
    Several(#[schema(inline)] FrameList),
}

/// Several, done one after the other.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(max_items = 32)]
#[expect(dead_code, reason = "it is only described: frames are read one by one")]
pub(super) struct FrameList(Vec<RealtimeFrame>);

/// What a poll brings.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "it is only described: the answer is put together from bytes"
)]
pub(super) struct RealtimeBatch {
    /// Events, as on the socket.
    events: Vec<Value>,
    /// Words of control, as on the socket.
    ctl: Vec<Value>,
    /// Goes into the next poll.
    cursor: String,
}

/// One event of the stream.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it is only described: streams are text")]
pub(super) struct StreamedEvent {
    /// A cursor for all channels.
    id: Option<String>,
    /// `event`, or `ctl` for a word of control.
    #[schema(example = "ctl")]
    event: Option<String>,
    /// The frame, as on the socket, in JSON.
    data: String,
}

/// A stream of events
///
/// Server-sent events with the frames of the socket. The id of an event is a cursor for all channels.
#[utoipa::path(tag = "Realtime",
    params(Streaming, ("Last-Event-ID" = Option<String>, Header,
        description = "The id of the last event that came, in place of `cursor`")),
    responses((status = 200, content_type = "text/event-stream", body = StreamedEvent)),
    security((), ("bearer" = [])))]
#[get("/realtime/sse")]
pub(super) async fn stream_events(
    ctx: Ctx,
    known: SignedIn,
    wanted: Params<Streaming>,
    client: ClientAddress,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let hub = hub_of(&ctx)?;
    let entrance = Entrance::Line(wanted.ticket.as_deref());
    let guest = admit(&ctx, &hub, known, entrance, &request).await?;
    let guest = guest.ok_or_else(|| Error::from(Code::Unauthenticated))?;
    let user = guest.user;
    let last = request.headers().get(LAST_EVENT_ID);
    let last = last
        .and_then(|id| id.to_str().ok())
        .or(wanted.cursor.as_deref());
    let wishes = Wanted::read((&ctx, &hub), user, last, wanted.chs.as_deref()).await?;
    let conn = connect(&hub, Transport::Sse, &client, &request);
    hub.enter(&conn);
    let arrived = match arrive(&ctx, &hub, &conn, user, wishes).await {
        Ok(arrived) => arrived,
        Err(error) => {
            conn.end(greet::refusal(&error), hub.now());
            socket::leave(&ctx, &hub, &conn).await;
            return Err(error.into());
        }
    };
    let body = sse::stream(&ctx, &hub, &conn, arrived);
    Ok(HttpResponse::Ok()
        // Its line is of no use to other requests, and can be cut.
        .force_close()
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression would hold events back.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .content_type("text/event-stream")
        .body(BoxBody::new(body)))
}

/// A long poll
///
/// Answers as soon as something happens, or with 204 after `wait` seconds. The first poll, without a
/// cursor, says where things stand. 410 `unrecoverable`: fetch what `subs` names anew.
#[utoipa::path(tag = "Realtime", params(Polling),
    responses((status = 200, body = RealtimeBatch), (status = 204),
        (status = 409, description = "A newer poll took over"),
        (status = 410, description = "Something could not be made good", body = poll::Gone,
            content_type = "application/problem+json")),
    security(("bearer" = [])))]
#[get("/realtime/poll")]
pub(super) async fn poll_events(
    ctx: Ctx,
    me: CurrentUser,
    wanted: Params<Polling>,
    client: ClientAddress,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let hub = hub_of(&ctx)?;
    admit(&ctx, &hub, SignedIn(Some(me)), Entrance::Poll, &request).await?;
    let wait = wanted.wait.unwrap_or(25);
    if wait > LONGEST_WAIT {
        return Err(Error::invalid_field("?wait", "out_of_range", "0 to 60 seconds.").into());
    }
    let (cursor, chs) = (wanted.cursor.as_deref(), wanted.chs.as_deref());
    let wishes = Wanted::read((&ctx, &hub), me, cursor, chs).await?;
    let conn = connect(&hub, Transport::Poll, &client, &request);
    conn.is_away.store(wishes.noted.is_away, Ordering::Relaxed);
    hub.enter(&conn);
    let wait = Duration::from_secs(wait);
    Ok(poll::answer(&ctx, &hub, &conn, me, wishes, wait).await?)
}

/// Commands of clients without a socket
///
/// One frame or a list of up to 32, as on the socket; the replies come in their order. Nothing is done where one of them
/// is no frame. Subscriptions need the name of the connection in `Rt-Session`.
#[utoipa::path(tag = "Realtime", request_body = RealtimeFrames,
    params(("Rt-Session" = Option<String>, Header,
        description = "The `session` of your stream or poll, which `subscribe` and the like are about")),
    responses((status = 200, body = Vec<Value>)), security(("bearer" = [])))]
#[post("/realtime/commands")]
pub(super) async fn run_realtime_commands(
    ctx: Ctx,
    me: CurrentUser,
    client: ClientAddress,
    gate: Gate,
    request: HttpRequest,
    body: AnyJson,
) -> HttpResult<HttpResponse> {
    let hub = hub_of(&ctx)?;
    origin::allowed(&ctx, &request)?;
    let live = session_of(&ctx, &request, me)?;
    let frames = wire::read_body(body.0)?;
    let conn = connect(&hub, Transport::Poll, &client, &request);
    let talk = commands::party(&ctx, &hub, conn, me, live.as_deref());
    let replies = commands::run(&talk, &gate, live.as_deref(), frames).await;
    Ok(crate::platform::http::no_store(replies))
}

/// The connection that a command is about.
fn session_of(ctx: &Ctx, request: &HttpRequest, me: CurrentUser) -> Result<Option<String>> {
    let Some(name) = request.headers().get(RT_SESSION) else {
        return Ok(None);
    };
    let name = name.to_str().unwrap_or_default();
    if !session::is_name_of(ctx, name, me.id) {
        let words = "Rt-Session names no connection of yours.";
        return Err(Error::new(Code::NotFound, words));
    }
    Ok(Some(name.to_owned()))
}
