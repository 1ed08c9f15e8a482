//! What comes over a socket, in the frames of the protocol.

use std::future::poll_fn;
use std::io;

use actix_http::ws::{Codec, Frame, ProtocolError};
use actix_web::rt::net::TcpStream;
use actix_web::web::{BytesMut, Payload};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::net::tcp::ReadHalf;
use tokio_util::codec::Decoder as _;

/// The largest message of a client, in bytes.
pub const MOST_BYTES: usize = 32 * 1024;
/// Bytes of the head of a frame, at most.
const MOST_HEAD: usize = 14;
/// Bytes that are read at once.
const AT_ONCE: usize = 4 * 1024;
/// HTTP stops passing on what comes along with a handshake somewhere above this many bytes.
const MOST_EARLY: usize = 32 * 1024;

/// What has come and was not heard yet.
pub(super) struct Incoming {
    codec: Codec,
    buffer: BytesMut,
    /// Whether more came along with the handshake than HTTP passes on: the rest is lost.
    is_stuffed: bool,
}

impl Incoming {
    /// Begins with what came along with the handshake.
    pub(super) fn begin(early: Payload) -> Self {
        let mut early = early.into_inner();
        let mut buffer = BytesMut::new();
        while let Some(Some(Ok(bytes))) = early.next().now_or_never() {
            buffer.extend_from_slice(&bytes);
        }
        Self {
            codec: Codec::new().max_size(MOST_BYTES),
            is_stuffed: buffer.len() >= MOST_EARLY,
            buffer,
        }
    }

    /// The next frame, of at most so many bytes; nothing at the end.
    pub(super) async fn next(
        &mut self,
        stream: &ReadHalf<'_>,
        most: usize,
    ) -> Result<Option<Frame>, ProtocolError> {
        if self.is_stuffed {
            return Err(ProtocolError::Overflow);
        }
        loop {
            if let Some(frame) = self.codec.decode(&mut self.buffer)? {
                return Ok(Some(frame));
            }
            // The codec looks at the length of a frame once it has all of it.
            if self.buffer.len() > most + MOST_HEAD {
                return Err(ProtocolError::Overflow);
            }
            if self.buffer.is_empty() {
                // Most sockets wait most of the time, and hold nothing meanwhile.
                self.buffer = BytesMut::new();
            }
            readable(stream).await?;
            self.buffer.reserve(AT_ONCE);
            match stream.try_read_buf(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Reads to the end, for nobody.
pub(super) async fn discard(stream: &ReadHalf<'_>) {
    let mut nobody = [0; 512];
    while readable(stream).await.is_ok() {
        match stream.try_read(&mut nobody) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_gone) => return,
        }
    }
}

/// Waits until there is something to read. In the place that a stream has for one reader: `readable` would
/// keep a list of them.
async fn readable(stream: &ReadHalf<'_>) -> io::Result<()> {
    let stream: &TcpStream = stream.as_ref();
    poll_fn(|context| stream.poll_read_ready(context)).await
}
