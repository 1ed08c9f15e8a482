//! What a connection is sent: the body of its response, taken from its queue as the client takes it. How
//! a frame is written is all that transports differ in.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

use super::close::Close;
use super::conn::Conn;
use super::figures;
use super::hub::Hub;
use super::queue::Item;

/// How a transport writes.
pub(super) trait Encode: Unpin {
    /// A frame, which was just taken from the queue of `conn`.
    fn item(&mut self, conn: &Conn, item: &Item) -> Bytes;

    /// The last that is sent.
    fn close(&mut self, close: &Close) -> Bytes;
}

/// What a connection is sent, as `E` writes it.
pub(super) struct LiveBody<E> {
    conn: Arc<Conn>,
    hub: Hub,
    encoder: E,
    is_over: bool,
}

impl<E: Encode> LiveBody<E> {
    /// What this connection is sent.
    pub(super) const fn new(conn: Arc<Conn>, hub: Hub, encoder: E) -> Self {
        Self {
            conn,
            hub,
            encoder,
            is_over: false,
        }
    }
}

impl<E: Encode> MessageBody for LiveBody<E> {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let Some(next) = this.conn.queue.take(context.waker()) else {
            return Poll::Pending;
        };
        this.conn.wrote.store(this.hub.now(), Ordering::Relaxed);
        let bytes = match next {
            Ok(item) => {
                figures::sent();
                this.encoder.item(&this.conn, &item)
            }
            Err(close) => {
                this.is_over = true;
                this.encoder.close(&close)
            }
        };
        Poll::Ready(Some(Ok(bytes)))
    }
}

impl<E> Drop for LiveBody<E> {
    fn drop(&mut self) {
        // The line is gone, or the goodbye was said: either way nothing more is sent.
        self.conn.end(Close::NORMAL, self.hub.now());
    }
}
