//! What is written to a socket, taken from its queue as the client takes it.

use std::io;
use std::sync::atomic::Ordering;

use actix_web::web::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::WriteHalf;

use crate::platform::realtime::close::Close;
use crate::platform::realtime::conn::Conn;
use crate::platform::realtime::figures;
use crate::platform::realtime::frame::Text;
use crate::platform::realtime::hub::Hub;
use crate::platform::realtime::queue::Item;

/// Where several things wait, they are written in one go, up to about so many bytes.
const AT_ONCE: usize = 16 * 1024;

/// Writes until the queue is closed, or the client is gone.
pub(super) async fn run(hub: &Hub, conn: &Conn, stream: WriteHalf<'_>) {
    if write(hub, conn, stream).await.is_err() {
        conn.end(Close::NORMAL, hub.now());
    }
}

async fn write(hub: &Hub, conn: &Conn, mut stream: WriteHalf<'_>) -> io::Result<()> {
    loop {
        match conn.queue.next().await {
            Ok(item) => {
                stream.write_all(&with_all_that_waits(item, conn)).await?;
                conn.wrote.store(hub.now(), Ordering::Relaxed);
            }
            Err(close) => {
                stream.write_all(&goodbye(&close)).await?;
                return stream.shutdown().await;
            }
        }
    }
}

/// The bytes of this item, and of those behind it.
fn with_all_that_waits(item: Item, conn: &Conn) -> Bytes {
    figures::sent();
    let first = item.text.into_message();
    let Some(second) = conn.queue.pop() else {
        return first;
    };
    let mut bytes = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(item) = next {
        figures::sent();
        bytes.extend_from_slice(item.text.message());
        next = (bytes.len() < AT_ONCE).then(|| conn.queue.pop()).flatten();
    }
    bytes.freeze()
}

/// A word of control for those who see no close codes, and the close.
fn goodbye(close: &Close) -> Bytes {
    let mut bytes = BytesMut::new();
    if close.code >= 4_000 {
        bytes.extend_from_slice(Text::json_of(&close.bye()).message());
    }
    bytes.extend_from_slice(&close.frame());
    bytes.freeze()
}
