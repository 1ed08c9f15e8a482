//! Bodies that do not come, where whoever sends them is looked up in Postgres; and connections on which nothing
//! moves. These take long and are the same with Redis.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Session, TestApp};

/// Begins a post of which nothing but the head comes.
async fn begin_post(app: &TestApp, author: &Session) -> TcpStream {
    let addr = app.url.strip_prefix("http://").expect("a URL");
    let mut socket = TcpStream::connect(addr).await.expect("it answers");
    let head = format!(
        "POST /v1/posts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 20\r\n\r\n",
        author.access_token
    );
    let sent = socket.write_all(head.as_bytes()).await;
    sent.expect("it is sent");
    socket
}

#[tokio::test]
async fn a_body_that_does_not_come_keeps_nobody_waiting_and_is_given_up() {
    let app = TestApp::start_with(&[("REDIS_URL", ""), ("KITH_DB_POOL", "2")]).await;
    let (eve, bob) = (app.register("eve").await, app.register("bob").await);
    let mut begun = Vec::new();
    for _ in 0..16 {
        begun.push(begin_post(&app, &eve).await);
    }
    // Until all of them wait for their bodies.
    tokio::time::sleep(Duration::from_millis(500)).await;
    bob.get("/v1/me").await.expect_status(200);
    for mut socket in begun {
        let mut answer = vec![0; 4_096];
        let reading = tokio::time::timeout(Duration::from_secs(20), socket.read(&mut answer));
        let read = reading.await.expect("it is given up").expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..read]);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
}

/// Asks for much again and again, takes nothing of it for 22 seconds, then all there is.
#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answers_is_let_go_of() {
    const ASKED: usize = 64;
    let app = TestApp::start_with(&[("REDIS_URL", "")]).await;
    let whole = app
        .anyone()
        .get("/openapi.json")
        .await
        .json
        .to_string()
        .len();
    let addr = app.url.strip_prefix("http://").expect("a URL");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let connecting = socket.connect(addr.parse().expect("an address"));
    let mut stream = connecting.await.expect("it answers");
    let asking = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(ASKED);
    let sent = stream.write_all(asking.as_bytes()).await;
    sent.expect("the requests are sent");
    tokio::time::sleep(Duration::from_secs(22)).await;
    let mut taken = Vec::new();
    let reading = stream.read_to_end(&mut taken);
    let read = tokio::time::timeout(Duration::from_secs(5), reading).await;
    assert!(read.is_ok(), "the connection is open still");
    assert!(taken.len() < ASKED * whole, "all was answered");
}

#[tokio::test]
async fn a_connection_lasts_while_nothing_is_asked_on_it() {
    let app = TestApp::start_with(&[("REDIS_URL", "")]).await;
    let addr = app.url.strip_prefix("http://").expect("a URL");
    let mut stream = TcpStream::connect(addr).await.expect("it answers");
    for pause in [0, 7] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let asking = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        asking.await.expect("it is asked");
        let mut answer = [0; 4_096];
        let read = stream.read(&mut answer).await.expect("it is open");
        let answer = String::from_utf8_lossy(&answer[..read]);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    }
}
