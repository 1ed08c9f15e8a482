//! The WebSocket: one task a socket, which writes what waits as the client takes it, and hears what comes.
//! While nothing happens it holds no buffer.

mod incoming;
mod reader;
mod writer;

use std::sync::Arc;

use actix_web::rt::net::TcpStream;
use actix_web::rt::time::sleep;
use actix_web::web::Payload;
use socket2::SockRef;
use tokio::sync::{Notify, oneshot};

use self::incoming::Incoming;
pub use self::incoming::MOST_BYTES;
pub(super) use self::reader::Reader;
use super::close::Close;
use super::conn::Conn;
use super::hub::Hub;
use super::{presence, typing};
use crate::platform::Ctx;

/// Bytes that the kernel is asked to hold for a client; it takes up to twice as many. What it holds is
/// counted by nobody and never replaced by what is newer, and whoever has stopped reading is not
/// noticed before it is full. Left to itself it holds up to megabytes.
const SEND_BUFFER: usize = 64 * 1024;

/// A socket whose handshake is about to be answered.
pub(super) struct Opening {
    /// Brings the stream, once the answer is written.
    pub(super) stream: oneshot::Receiver<TcpStream>,
    /// What the client sent without waiting for the answer.
    pub(super) early: Payload,
}

/// Serves a socket until either side ends it.
pub(super) async fn run(reader: Reader, opening: Opening) {
    let (ctx, hub, conn) = reader.parties();
    let _open = hub.0.sockets.token();
    if let Ok(stream) = opening.stream.await {
        if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
            tracing::debug!(%error, "the kernel holds as much for a client as it likes");
        }
        let incoming = Incoming::begin(opening.early);
        serve(reader, incoming, stream, &ctx, &hub, &conn).await;
    }
    conn.end(Close::NORMAL, hub.now());
    leave(&ctx, &hub, &conn).await;
}

async fn serve(
    reader: Reader,
    mut incoming: Incoming,
    mut stream: TcpStream,
    ctx: &Ctx,
    hub: &Hub,
    conn: &Arc<Conn>,
) {
    let (read, write) = stream.split();
    let over = Notify::new();
    let hearing = async {
        reader.run(&mut incoming, &read).await;
        over.notify_one();
        let (ctx, hub, conn) = (ctx.clone(), hub.clone(), Arc::clone(conn));
        // A task of its own: whoever should know is told, however little time the client is given.
        let leaving = actix_web::rt::spawn(async move { leave(&ctx, &hub, &conn).await });
        leaving.await.unwrap_or_default();
    };
    let both = async {
        tokio::join!(hearing, writer::run(hub, conn, write));
        // A stream that is closed with something unread may take the goodbye with it.
        incoming::discard(&read).await;
    };
    let too_late = async {
        over.notified().await;
        sleep(hub.pace().goodbye()).await;
    };
    tokio::select! {
        () = both => {}
        () = too_late => {}
        () = conn.is_cut() => {}
    }
}

/// Forgets a connection; whoever should know is told once.
pub(super) async fn leave(ctx: &Ctx, hub: &Hub, conn: &Arc<Conn>) {
    if hub.leave(conn) {
        typing::left(hub, conn);
        presence::depart(ctx, hub, conn).await;
    }
}
