//! The connection beneath HTTP. A handler may take it over: once its 101 is written, the stream belongs to
//! whoever asked, and the buffers and timers that HTTP keeps for a connection are freed. A client that takes
//! nothing of its answers is let go of: what is written to it would stay in memory for as long as it likes.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

/// A write that makes no headway for so long ends the connection.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection as HTTP sees it: a stream, until somebody takes that away; then it has ended.
pub(super) struct Line {
    stream: Option<TcpStream>,
    grip: LineGrip,
    patience: Patience,
}

/// How long the write that is under way may still wait; nothing while none waits.
#[derive(Default)]
struct Patience(Option<Pin<Box<Sleep>>>);

/// A hold on a connection from outside: to take it over, or to cut it. It is among the data of the
/// connection that a request brings along.
#[derive(Clone, Default)]
pub struct LineGrip(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_cut: AtomicBool,
    /// Whoever reads or writes, to hear of the cut.
    user: AtomicWaker,
    takeover: Mutex<Takeover>,
}

/// How far a takeover has come.
#[derive(Default)]
enum Takeover {
    #[default]
    None,
    /// A handler asked for the stream; the head of its response is not made yet.
    Asked(oneshot::Sender<TcpStream>),
    /// The head is among what is about to be written. The waker is that of the response's body.
    Due(oneshot::Sender<TcpStream>, Waker),
    Done,
}

/// The body of the response after which the stream changes hands. It has no content.
pub struct Handover(LineGrip);

impl Line {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream: Some(stream),
            grip: LineGrip::default(),
            patience: Patience::default(),
        }
    }

    pub(super) fn grip(&self) -> LineGrip {
        self.grip.clone()
    }

    /// The stream, while it is ours. After a cut there is an error in its place.
    fn stream(&mut self, context: &Context<'_>) -> io::Result<Option<Pin<&mut TcpStream>>> {
        if self.stream.is_some() && self.grip.poll_cut(context).is_ready() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(self.stream.as_mut().map(Pin::new))
    }
}

impl Patience {
    /// What came of a write, with an error in place of waiting once it has waited too long.
    fn judge<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.0 = None;
            return written;
        }
        let deadline = self.0.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl LineGrip {
    /// Asks for the stream, which is there once. The body goes into a response that switches protocols; what
    /// comes back with it has the stream when the head of that response is written, or an error if the
    /// connection ends before.
    pub fn take_over(&self) -> Option<(Handover, oneshot::Receiver<TcpStream>)> {
        let mut takeover = self.takeover();
        if !matches!(*takeover, Takeover::None) {
            return None;
        }
        let (to, stream) = oneshot::channel();
        *takeover = Takeover::Asked(to);
        Some((Handover(self.clone()), stream))
    }

    /// Cuts the connection, for a client that does not even take a goodbye.
    pub fn cut(&self) {
        self.0.is_cut.store(true, Ordering::Release);
        self.0.user.wake();
    }

    /// Waits until the connection is cut; for the one who reads and writes it.
    pub async fn is_cut(&self) {
        std::future::poll_fn(|context| self.poll_cut(context)).await;
    }

    fn poll_cut(&self, context: &Context<'_>) -> Poll<()> {
        self.0.user.register(context.waker());
        if self.0.is_cut.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Nobody gets the stream any more; whoever waits for it hears that.
    fn call_off(&self) {
        *self.takeover() = Takeover::Done;
    }

    fn takeover(&self) -> MutexGuard<'_, Takeover> {
        let lock = self.0.takeover.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.grip.call_off();
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        self.0.call_off();
    }
}

impl MessageBody for Handover {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    /// A body is asked for its content once its head has been made: from then on the stream is due.
    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let mut takeover = self.0.takeover();
        *takeover = match std::mem::take(&mut *takeover) {
            Takeover::Asked(to) | Takeover::Due(to, _) => {
                Takeover::Due(to, context.waker().clone())
            }
            over @ (Takeover::None | Takeover::Done) => over,
        };
        match *takeover {
            Takeover::Due(..) => Poll::Pending,
            _ => Poll::Ready(None),
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.stream(context)? {
            Some(stream) => stream.poll_read(context, buffer),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(stream) = self.stream(context)? else {
            // There is nothing to answer after a handover.
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let written = stream.poll_write(context, bytes);
        self.patience.judge(written, context)
    }

    /// HTTP flushes when all that it had to write is written: then a stream that is due is handed over.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(stream) = &mut this.stream else {
            return Poll::Ready(Ok(()));
        };
        ready!(Pin::new(stream).poll_flush(context))?;
        let mut takeover = this.grip.takeover();
        if matches!(*takeover, Takeover::Due(..))
            && let Takeover::Due(to, body) = std::mem::replace(&mut *takeover, Takeover::Done)
            && let Some(stream) = this.stream.take()
        {
            // Whoever asked may be gone; so is the stream then.
            drop(to.send(stream));
            body.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_shutdown(context),
            None => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn line() -> (Line, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("bound");
        let addr = listener.local_addr().expect("an address");
        let client = TcpStream::connect(addr).await.expect("connected");
        let (server, _) = listener.accept().await.expect("accepted");
        (Line::new(server), client)
    }

    fn flush(line: &mut Line) -> Poll<io::Result<()>> {
        Pin::new(line).poll_flush(&mut Context::from_waker(Waker::noop()))
    }

    fn ask(body: &mut Handover) -> Poll<Option<Result<Bytes, Infallible>>> {
        Pin::new(body).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn the_stream_changes_hands_with_the_flush_after_the_head_and_once() {
        let (mut line, _client) = line().await;
        let grip = line.grip();
        let (mut body, mut stream) = grip.take_over().expect("it is there");
        assert!(grip.take_over().is_none(), "somebody has asked");
        assert!(flush(&mut line).is_ready());
        assert!(
            stream.try_recv().is_err(),
            "that flush was of an earlier answer"
        );
        assert!(ask(&mut body).is_pending());
        assert!(flush(&mut line).is_ready());
        assert!(stream.try_recv().is_ok());
        assert!(matches!(ask(&mut body), Poll::Ready(None)));
        assert!(grip.take_over().is_none(), "it is gone");
        let context = &mut Context::from_waker(Waker::noop());
        let written = Pin::new(&mut line).poll_write(context, b"another answer");
        assert!(matches!(written, Poll::Ready(Err(_))));
    }

    #[tokio::test]
    async fn whoever_waits_hears_that_there_will_be_no_stream() {
        let (first, _client) = line().await;
        let (_body, stream) = first.grip().take_over().expect("it is there");
        drop(first);
        assert!(stream.await.is_err(), "the connection ended");
        let (second, _client) = line().await;
        let (body, stream) = second.grip().take_over().expect("it is there");
        drop(body);
        assert!(stream.await.is_err(), "there was no answer");
    }
}
