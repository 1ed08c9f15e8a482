//! How a connection becomes a socket: on the bytes of the wire, where clients are less patient than libraries.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::client::{PATIENCE, Socket, upgrade};
use crate::support::TestApp;

/// A frame of a client, as bytes.
fn text(words: &str) -> Vec<u8> {
    let frame = Frame::message(words.to_owned(), OpCode::Data(Data::Text), true);
    let mut bytes = Vec::new();
    frame.format(&mut bytes).expect("bytes");
    // Whoever masks with zeros masks, and says so by a bit and four more bytes.
    bytes[1] |= 0x80;
    let head = if bytes[1] == 0xfe { 4 } else { 2 };
    bytes.splice(head..head, [0; 4]);
    bytes
}

fn upgrade_of(host: &str, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Reads until these words have come, and gives all that came.
pub async fn read_until(stream: &mut TcpStream, words: &str) -> String {
    let mut all = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&all).contains(words) {
            let read = stream.read_buf(&mut all).await.expect("it is read");
            assert!(read > 0, "it ended: {}", String::from_utf8_lossy(&all));
        }
    };
    let waited = tokio::time::timeout(PATIENCE, reading).await;
    let all = String::from_utf8_lossy(&all).into_owned();
    assert!(waited.is_ok(), "{words} did not come: {all}");
    all
}

/// A bare connection, and the name of the host.
pub async fn connect(app: &TestApp) -> (TcpStream, String) {
    let host = app.url.replacen("http://", "", 1);
    let stream = TcpStream::connect(&host).await.expect("a connection");
    (stream, host)
}

#[tokio::test]
async fn what_comes_along_with_the_handshake_is_heard_after_it() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (mut stream, host) = connect(&app).await;
    let hello = json!({"id": 1, "op": "hello", "d": {"token": ada.access_token}});
    let mut bytes = format!("GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(upgrade_of(&host, "/v1/realtime").as_bytes());
    bytes.extend_from_slice(&text(&hello.to_string()));
    // Half of a frame comes now, half of it later.
    let ping = text(r#"{"id":2,"op":"ping"}"#);
    let (now, later) = ping.split_at(9);
    bytes.extend_from_slice(now);
    stream.write_all(&bytes).await.expect("sent");
    let heard = read_until(&mut stream, r#""re":1"#).await;
    let places = ["HTTP/1.1 200", "HTTP/1.1 101", r#""re":1"#].map(|part| heard.find(part));
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{heard}"
    );
    assert!(!heard.contains(r#""re":2"#), "{heard}");
    stream.write_all(later).await.expect("sent");
    read_until(&mut stream, r#""re":2"#).await;
}

#[tokio::test]
async fn whoever_stuffs_the_handshake_is_told_that_it_is_too_much() {
    let app = TestApp::start().await;
    let (mut stream, host) = connect(&app).await;
    let mut bytes = upgrade_of(&host, "/v1/realtime").into_bytes();
    for _ in 0..2_000 {
        bytes.extend_from_slice(&text(r#"{"op":"ping"}      "#));
    }
    stream.write_all(&bytes).await.expect("sent");
    let heard = read_until(&mut stream, "the message is too big").await;
    assert!(heard.starts_with("HTTP/1.1 101"), "{heard}");
}

#[tokio::test]
async fn a_frame_that_never_ends_is_not_kept() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let (mut stream, host) = connect(&app).await;
    let hello = json!({"id": 1, "op": "hello", "d": {"token": ada.access_token}});
    let mut bytes = upgrade_of(&host, "/v1/realtime").into_bytes();
    bytes.extend_from_slice(&text(&hello.to_string()));
    stream.write_all(&bytes).await.expect("sent");
    read_until(&mut stream, r#""re":1"#).await;
    // A text of a terabyte, of which some comes.
    let mut endless = vec![0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    endless.resize(40_000, b'x');
    stream.write_all(&endless).await.expect("sent");
    read_until(&mut stream, "the message is too big").await;
    // Of somebody who is not known less of it comes.
    let (mut stream, host) = connect(&app).await;
    let upgrade = upgrade_of(&host, "/v1/realtime");
    stream.write_all(upgrade.as_bytes()).await.expect("sent");
    read_until(&mut stream, "HTTP/1.1 101").await;
    endless.truncate(5_000);
    stream.write_all(&endless).await.expect("sent");
    read_until(&mut stream, "the message is too big").await;
}

#[tokio::test]
async fn a_refused_handshake_is_a_plain_answer() {
    let app = TestApp::start().await;
    let (mut stream, host) = connect(&app).await;
    let refused = upgrade_of(&host, "/v1/realtime?ticket=none");
    stream.write_all(refused.as_bytes()).await.expect("sent");
    let heard = read_until(&mut stream, "\"request_id\"").await;
    assert!(heard.starts_with("HTTP/1.1 401"), "{heard}");
    // HTTP would go on reading behind some of these.
    for (right, wrong) in [
        ("Version: 13", "Version: 8"),
        ("Upgrade: websocket", "Upgrade: websocket, x"),
        ("Version: 13", "Version: 13\r\nTransfer-Encoding: chunked"),
    ] {
        let (mut stream, host) = connect(&app).await;
        let plain = upgrade_of(&host, "/v1/realtime").replace(right, wrong);
        stream.write_all(plain.as_bytes()).await.expect("sent");
        let heard = read_until(&mut stream, "\"request_id\"").await;
        assert!(heard.starts_with("HTTP/1.1 400"), "{wrong}: {heard}");
    }
}

#[tokio::test]
async fn a_client_that_goes_before_the_answer_leaves_nothing_behind() {
    let app = TestApp::start().await;
    // An address may have twenty connections that have not said who they are.
    for _ in 0..30 {
        let (mut stream, host) = connect(&app).await;
        let upgrade = upgrade_of(&host, "/v1/realtime");
        stream.write_all(upgrade.as_bytes()).await.expect("sent");
        drop(stream);
    }
    let began = Instant::now();
    let mut open = Vec::new();
    while open.len() < 20 {
        match Socket::open(upgrade(&app.url, "")).await {
            Ok(socket) => open.push(socket),
            Err(status) => assert_eq!(status, 503),
        }
        // Later than this, strangers are sent away in any case.
        assert!(began.elapsed() < Duration::from_secs(4), "{}", open.len());
    }
}
