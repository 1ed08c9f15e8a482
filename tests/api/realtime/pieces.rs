//! Messages that come in pieces, as tiny and as many as somebody likes to send, cost next to no memory.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::PATIENCE;
use crate::support::{Program, Session, TestApp, mode};

/// The first piece of a text, and one that goes on with it: a byte each, masked with zeros.
const FIRST: [u8; 7] = [0x01, 0x81, 0, 0, 0, 0, b' '];
const NEXT: [u8; 7] = [0x00, 0x81, 0, 0, 0, 0, b' '];

/// By so much a process may grow.
const MOST_GROWTH: u64 = 1024 * 1024;
/// People, who have ten connections each at most.
const PEOPLE: usize = 4;
const EACH: usize = 8;

/// Opens a socket of somebody, on the bytes of the wire.
async fn open(person: &Session, url: &str) -> TcpStream {
    let host = url.replacen("http://", "", 1);
    let mut line = TcpStream::connect(&host).await.expect("a connection");
    line.set_nodelay(true).expect("it is set");
    let request = format!(
        "GET /v1/realtime HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {}\r\n\r\n",
        person.access_token
    );
    line.write_all(request.as_bytes())
        .await
        .expect("it is sent");
    super::handshake::read_until(&mut line, "HTTP/1.1 101").await;
    let hello = json!({"id": 1, "op": "hello", "d": {}}).to_string();
    let size = u8::try_from(hello.len()).expect("few");
    assert!(size < 126);
    let frame = [&[0x81, 0x80 | size, 0, 0, 0, 0], hello.as_bytes()].concat();
    line.write_all(&frame).await.expect("it is sent");
    super::handshake::read_until(&mut line, r#""re":1"#).await;
    line
}

/// Opens all of them.
async fn open_all(people: &[Session], url: &str) -> Vec<TcpStream> {
    let mut lines = Vec::new();
    for person in people {
        for _ in 0..EACH {
            lines.push(open(person, url).await);
        }
    }
    lines
}

/// Goes on with a text until the server closes, each piece in a packet of its own, and gives the code. Whoever
/// is closed may find the line broken before they have read that.
async fn flood(mut line: TcpStream) -> Option<u16> {
    let (mut from, mut to) = line.split();
    let sending = async {
        for _ in 0..2_000 {
            if to.write_all(&NEXT).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let mut heard = Vec::new();
    let reading = async {
        // A line that breaks has ended too.
        drop(from.read_to_end(&mut heard).await);
    };
    let both = async { tokio::join!(sending, reading) };
    let ended = tokio::time::timeout(PATIENCE, both).await;
    ended.expect("it ends");
    let close = heard
        .windows(2)
        .rposition(|two| two[0] == 0x88 && two[1] >= 2)?;
    let code = heard.get(close + 2..close + 4)?;
    Some(u16::from_be_bytes([code[0], code[1]]))
}

/// Sends so many pieces on each, and waits until they were taken in.
async fn begin(lines: &mut [TcpStream], pieces: usize) {
    for piece in 0..pieces {
        for line in lines.iter_mut() {
            let bytes = if piece == 0 { FIRST } else { NEXT };
            line.write_all(&bytes).await.expect("it is sent");
        }
    }
    // A ping between the pieces is answered behind them.
    for line in lines {
        line.write_all(&[0x89, 0x80, 0, 0, 0, 0])
            .await
            .expect("it is sent");
        let mut pong = [0; 1];
        while pong[0] != 0x8a {
            let reading = tokio::time::timeout(PATIENCE, line.read_exact(&mut pong));
            reading.await.expect("in time").expect("it is read");
        }
    }
}

#[tokio::test]
async fn a_flood_of_tiny_pieces_is_ended_and_costs_no_memory() {
    let app = TestApp::start().await;
    let quiet = [("KITH_ROLES", "web,gateway"), ("KITH_WARMING", "off")];
    let program = Program::start(&app, &quiet);
    if !mode::needs("the memory of a process", program.memory().is_some()) {
        return;
    }
    let memory = || program.memory().expect("a number");
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(app.person(&format!("ada{number}")).await);
    }
    let everybody = PEOPLE * EACH;
    // What a first time takes is no growth: caches, and pools of the allocator.
    for _ in 0..2 {
        let mut lines = open_all(&people, &program.url).await;
        begin(&mut lines, 1).await;
        let codes = futures_util::future::join_all(lines.into_iter().map(flood)).await;
        assert!(
            codes.iter().flatten().all(|code| *code == 1009),
            "{codes:?}"
        );
        wait_for_nobody(&app, &program).await;
    }
    let mut lines = open_all(&people, &program.url).await;
    let idle = memory();
    // As many pieces as a message may have, but the last.
    begin(&mut lines, 63).await;
    let held = memory();
    assert!(held < idle + MOST_GROWTH, "{idle} became {held} bytes");
    let began = Instant::now();
    let flooding = lines.into_iter().map(flood);
    let codes = futures_util::future::join_all(flooding).await;
    assert!(began.elapsed() < PATIENCE);
    let told = codes.iter().flatten().filter(|code| **code == 1009).count();
    assert!(told * 2 >= everybody, "they are told why: {codes:?}");
    assert!(
        codes.iter().flatten().all(|code| *code == 1009),
        "{codes:?}"
    );
    wait_for_nobody(&app, &program).await;
    let after = memory();
    assert!(after < idle + MOST_GROWTH, "{idle} became {after} bytes");
    // And again and again: nothing of it adds up.
    for _ in 0..3 {
        let lines = open_all(&people, &program.url).await;
        futures_util::future::join_all(lines.into_iter().map(flood)).await;
    }
    wait_for_nobody(&app, &program).await;
    let after = memory();
    assert!(after < idle + MOST_GROWTH, "{idle} became {after} bytes");
}

/// Waits until nobody is connected to the program.
async fn wait_for_nobody(app: &TestApp, program: &Program) {
    let admin = app.admin().await.at(&program.url);
    let began = Instant::now();
    loop {
        let seen = admin.get("/v1/admin/realtime").await.expect_status(200);
        if seen.json["connections"]["websocket"] == 0 {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{}", seen.json);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
