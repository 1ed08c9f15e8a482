//! A server on a listener: what `HttpServer` puts together, over connections that can be taken over.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Request, Response};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Extensions, Server, Service, ServiceFactory};
use actix_web::rt::net::TcpStream;
#[cfg(target_os = "linux")]
use socket2::SockRef;

use super::line::{Line, WRITE_TIMEOUT};

/// The head of a request must have come within this.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection on which nothing is asked is kept for this long: longer than a proxy keeps its own, which would
/// otherwise now and then send a request into one that is just being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A connection that is over is waited for this long.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A server of the application that `app` makes once for each worker, with as many workers as there are
/// cores. Whoever stops it gracefully waits for `grace` at most. Requests bring along a
/// [`LineGrip`](super::LineGrip) of their connection.
pub fn serve<F, I, S, B>(app: F, listener: TcpListener, grace: Duration) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error>,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>>,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let addr = listener.local_addr()?;
    let builder = ServerBuilder::default()
        .shutdown_timeout(grace.as_secs().max(1))
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let builder = builder.listen("kith", listener, move || {
        let app = app()
            .into_factory()
            .map_err(|error| error.into().error_response());
        let stopping = stopping.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(CLOSE_TIMEOUT)
            .local_addr(addr)
            .on_connect_ext(|line: &Line, data: &mut Extensions| {
                data.insert(line.grip());
            })
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(|stream: TcpStream| async move {
            let client = stream.peer_addr().ok();
            // A connection that is gone already shows that when it is read.
            set_up(&stream).unwrap_or_default();
            Ok::<_, DispatchError>((Line::new(stream), client))
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}

/// What the kernel is to know of a connection that has come.
fn set_up(stream: &TcpStream) -> io::Result<()> {
    // Small things that are told live must not wait for the client to acknowledge what went before.
    stream.set_nodelay(true)?;
    // A client whose machine is gone says nothing of it. What is sent to it now and then, a comment or a ping, finds
    // room in the kernel for hours: so the kernel ends what is not acknowledged.
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(WRITE_TIMEOUT))?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_waits_for_a_client_no_longer_than_we_do() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0");
        let listener = listener.await.expect("bound");
        let addr = listener.local_addr().expect("an address");
        let _client = TcpStream::connect(addr).await.expect("connected");
        let (server, _) = listener.accept().await.expect("accepted");
        set_up(&server).expect("it is set up");
        let waits = SockRef::from(&server).tcp_user_timeout();
        assert_eq!(waits.expect("it is known"), Some(WRITE_TIMEOUT));
        assert!(server.nodelay().expect("it is known"));
    }
}
