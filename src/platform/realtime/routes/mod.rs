//! Routes of what is told live.

mod events;
mod fallback;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_http::ws::{HandshakeError, handshake};
use actix_web::body::BoxBody;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use actix_web::rt::net::TcpStream;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::http::{
    ClientAddress, Handover, HttpResult, LineGrip, Params, Problem, no_store,
};
use crate::platform::limits::{RouteLimit, instead_at_door, network, policies};
use crate::platform::realtime::conn::{Conn, Transport};
use crate::platform::realtime::hub::Hub;
use crate::platform::realtime::origin;
use crate::platform::realtime::socket::{self, Opening, Reader};
use crate::platform::realtime::tickets::{self, Guest};
use crate::platform::sessions::{CurrentUser, SignedIn, bearer_of};

/// Connections of one address that have not said who they are.
const MOST_STRANGERS: usize = 20;

/// When to come back to an instance that is full, in seconds.
const SOON: u32 = 5;

/// Registers the routes.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(create_realtime_ticket)
        .service(open_socket)
        .service(fallback::stream_events)
        .service(fallback::poll_events)
        .service(fallback::run_realtime_commands);
    events::configure(cfg);
}

/// What limits these routes.
pub const LIMITS: &[RouteLimit] = &[instead_at_door("GET", "/v1/realtime/poll", &policies::POLL)];

/// Opens one socket.
#[derive(Debug, Serialize, ToSchema)]
struct RealtimeTicket {
    /// Goes into `?ticket=`.
    ticket: String,
    /// Seconds that it counts.
    #[schema(example = 30)]
    expires_in: u64,
}

/// How a connection says who it is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// A ticket, from pages that cannot send headers.
    #[serde(default)]
    ticket: Option<String>,
}

/// A ticket for one connection
///
/// It counts once, for thirty seconds, and from the origin that asked for it.
#[utoipa::path(tag = "Realtime", responses((status = 200, body = RealtimeTicket)),
    security(("bearer" = [])))]
#[post("/realtime/tickets")]
async fn create_realtime_ticket(
    ctx: Ctx,
    me: CurrentUser,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let origin = origin::allowed(&ctx, &request)?;
    Ok(no_store(RealtimeTicket {
        ticket: tickets::make(&ctx, guest(&ctx, me, &request), origin.as_deref())?,
        expires_in: tickets::LIFE.as_secs(),
    }))
}

/// The WebSocket
///
/// Say who you are by `Authorization: Bearer`, by a ticket, or by the token in the first frame. The frames
/// are told of in `docs/realtime.md`.
#[utoipa::path(tag = "Realtime", params(Entry),
    responses((status = 101, description = "The socket is open")),
    security((), ("bearer" = [])))]
#[get("/realtime")]
async fn open_socket(
    ctx: Ctx,
    known: SignedIn,
    entry: Params<Entry>,
    client: ClientAddress,
    request: HttpRequest,
    early: web::Payload,
) -> HttpResult<HttpResponse> {
    let hub = hub_of(&ctx)?;
    let entry = Entrance::Line(entry.ticket.as_deref());
    let guest = admit(&ctx, &hub, known, entry, &request).await?;
    let conn = connect(&hub, Transport::Socket, &client, &request);
    if guest.is_none() && strangers_from(&hub, &conn) >= MOST_STRANGERS {
        return Err(Problem(busy(SOON)));
    }
    if let Some(guest) = guest {
        conn.token_ends.store(guest.token_ends, Ordering::Relaxed);
    }
    let mut response = handshake(request.head()).map_err(no_socket)?;
    let (handover, stream) = take_over(&request)?;
    hub.enter(&conn);
    let reader = Reader::new(ctx, hub, conn, guest.map(|guest| guest.user));
    let opening = Opening { stream, early };
    actix_web::rt::spawn(socket::run(reader, opening));
    response.insert_header((CACHE_CONTROL, "no-store"));
    let response = response.message_body(BoxBody::new(handover));
    Ok(response
        .map_err(|error| Error::internal(anyhow::anyhow!("{error}")))?
        .into())
}

/// The hub, which every process that serves has.
pub(super) fn hub_of(ctx: &Ctx) -> Result<Hub> {
    Hub::of(ctx).ok_or_else(|| Error::internal(anyhow::anyhow!("there is no hub")))
}

/// How somebody connects.
pub(super) enum Entrance<'a> {
    /// For long, maybe with a ticket.
    Line(Option<&'a str>),
    /// For one request.
    Poll,
}

/// Who may connect: from an allowed origin, while there is room, and no more in a second than the
/// instance takes. A ticket counts still for whoever is sent away.
pub(super) async fn admit(
    ctx: &Ctx,
    hub: &Hub,
    known: SignedIn,
    entrance: Entrance<'_>,
    request: &HttpRequest,
) -> Result<Option<Guest>> {
    let origin = origin::allowed(ctx, request)?;
    if !hub.has_room() {
        return Err(busy(SOON));
    }
    let Entrance::Line(ticket) = entrance else {
        return Ok(known.0.map(|user| guest(ctx, user, request)));
    };
    hub.0.inflow.enter(hub.now()).map_err(busy)?;
    match ticket {
        Some(ticket) => tickets::redeem(ctx, hub, ticket, origin.as_deref())
            .await
            .map(Some),
        None => Ok(known.0.map(|user| guest(ctx, user, request))),
    }
}

/// Who has come with a token.
fn guest(ctx: &Ctx, user: CurrentUser, request: &HttpRequest) -> Guest {
    let bearer = bearer_of(ctx, request).ok().flatten();
    let token_ends = bearer.map_or(0, |bearer| u64::try_from(bearer.ends).unwrap_or_default());
    Guest { user, token_ends }
}

/// A connection, not counted yet.
pub(super) fn connect(
    hub: &Hub,
    transport: Transport,
    client: &ClientAddress,
    request: &HttpRequest,
) -> Arc<Conn> {
    let line = request.conn_data::<LineGrip>().cloned();
    let number = hub.next_number();
    Arc::new(Conn::new(
        number,
        transport,
        client.address,
        line,
        hub.now(),
    ))
}

fn busy(after: u32) -> Error {
    let words = "This instance takes no more connections just now.";
    Error::new(Code::Unavailable, words).with_retry_after(after)
}

fn strangers_from(hub: &Hub, conn: &Conn) -> usize {
    let (conns, place) = (hub.all_conns(), network(conn.address));
    let is_stranger = |other: &&Arc<Conn>| other.who().is_none() && network(other.address) == place;
    conns.iter().filter(is_stranger).count()
}

/// Asks for the stream of the connection, if HTTP reads nothing more from it: it does where the handshake has
/// a body, or offers other protocols too.
fn take_over(request: &HttpRequest) -> Result<(Handover, oneshot::Receiver<TcpStream>)> {
    let offers = request.headers().get_all(UPGRADE);
    let is_it = |offer: &HeaderValue| offer.as_bytes().eq_ignore_ascii_case(b"websocket");
    let has_body = request.headers().contains_key(TRANSFER_ENCODING);
    if has_body || !offers.into_iter().any(is_it) {
        return Err(no_socket_error());
    }
    let grip = request.conn_data::<LineGrip>();
    grip.and_then(LineGrip::take_over)
        .ok_or_else(no_socket_error)
}

fn no_socket(_error: HandshakeError) -> Problem {
    Problem(no_socket_error())
}

fn no_socket_error() -> Error {
    let words = "This address takes the upgrade to a WebSocket, version 13.";
    Error::new(Code::MalformedRequest, words)
}
