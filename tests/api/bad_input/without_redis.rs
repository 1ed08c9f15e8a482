//! Bodies that do not come, where whoever sends them is looked up in Postgres.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
