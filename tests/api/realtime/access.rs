//! Who may connect, who may listen, and when that ends.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Socket, position, upgrade, with};
use super::{QUICK, QUIET, post_of, publish, published, subscribe};
use crate::support::{PASSWORD, TestApp, mode};

const PAGE: &str = "https://app.example.net";

async fn ticket(person: &crate::support::Session, origin: Option<&str>) -> String {
    let request = person.request(reqwest::Method::POST, "/v1/realtime/tickets");
    let request = match origin {
        Some(origin) => request.header("origin", origin),
        None => request,
    };
    let reply = person.send(request).await.expect_status(200);
    assert_eq!(reply.json["expires_in"], 30);
    format!(
        "?ticket={}",
        reply.json["ticket"].as_str().expect("a ticket")
    )
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let ada = app.person("ada").await;
    let query = ticket(&ada, None).await;
    let mut socket = Socket::open(upgrade(&app.url, &query)).await.expect("open");
    let hello = socket.ask("hello", json!({"v": 1})).await;
    assert_eq!(hello["d"]["user"], ada.id);
    assert!(hello["d"]["counts"]["friend_requests"].is_object());
    assert_eq!(
        Socket::open(upgrade(&app.url, &query)).await.err(),
        Some(401)
    );
    if mode::has_redis() {
        let there = Socket::open(upgrade(&other.url, &query)).await;
        assert_eq!(there.err(), Some(401), "on no instance");
    }
    let forged = Socket::open(upgrade(&app.url, "?ticket=abc.def")).await;
    assert_eq!(forged.err(), Some(401));
}

#[tokio::test]
async fn a_ticket_that_was_made_under_the_secret_before_still_opens_one() {
    let app = TestApp::start().await;
    let both = "another-secret-of-32-bytes-or-so,fedcba9876543210fedcba9876543210";
    let next = app.start_beside(&[("KITH_SECRET_KEY", both)]).await;
    let ada = app.person("ada").await;
    let old = ticket(&ada, None).await;
    let mut socket = Socket::open(upgrade(&next.url, &old)).await.expect("open");
    let hello = socket.ask("hello", json!({"v": 1})).await;
    assert_eq!(hello["d"]["user"], ada.id);
    let new = ticket(&ada.at(&next.url), None).await;
    let early = Socket::open(upgrade(&app.url, &new)).await;
    assert_eq!(early.err(), Some(401), "its key is not known there yet");
}

#[tokio::test]
async fn what_the_server_offers_names_the_addresses() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let meta = app.anyone().get("/v1/meta").await.expect_status(200);
    let address = |name: &str| {
        let address = meta.json["realtime"][name].as_str();
        address.expect("an address").to_owned()
    };
    let socket = address("websocket").into_client_request();
    let bearer = format!("Bearer {}", ada.access_token);
    let socket = with(socket.expect("a request"), "authorization", &bearer);
    let mut socket = Socket::open(socket).await.expect("it opens");
    socket.ask("hello", json!({})).await;
    let path = |name: &str| {
        let address = address(name);
        let path = address.strip_prefix(&app.url);
        path.expect("an address of this server").to_owned()
    };
    assert_eq!(path("sse"), "/v1/realtime/sse");
    ada.get(&format!("{}?wait=0", path("poll")))
        .await
        .expect_status(200);
    ada.act(&path("tickets")).await.expect_status(200);
    let ping = json!([{"op": "ping"}]);
    ada.post(&path("commands"), &ping).await.expect_status(200);
}

#[tokio::test]
async fn only_listed_origins_connect_and_a_ticket_is_of_its_own() {
    let app = TestApp::start_with(&[("KITH_ALLOWED_ORIGINS", PAGE)]).await;
    let ada = app.person("ada").await;
    let bearer = format!("Bearer {}", ada.access_token);
    for (origin, status) in [
        ("https://evil.example.net", Some(403)),
        ("https://app.example.net.evil.example", Some(403)),
        ("null", Some(403)),
        (PAGE, None),
    ] {
        let request = with(upgrade(&app.url, ""), "authorization", &bearer);
        let request = with(request, "origin", origin);
        assert_eq!(Socket::open(request).await.err(), status, "{origin}");
        let request = ada
            .request(reqwest::Method::GET, "/v1/realtime/poll?wait=0")
            .header("origin", origin);
        assert_eq!(
            ada.send(request).await.status,
            status.unwrap_or(200),
            "{origin}"
        );
        let stream = ada.request(reqwest::Method::GET, "/v1/realtime/sse");
        let stream = stream.header("origin", origin).send().await;
        let stream = stream.expect("an answer").status().as_u16();
        assert_eq!(stream, status.unwrap_or(200), "{origin}");
        let ping = json!({"id": 1, "op": "ping"}).to_string();
        let command = ada.request(reqwest::Method::POST, "/v1/realtime/commands");
        let command = command.header("origin", origin).body(ping);
        let command = command.header("content-type", "application/json");
        assert_eq!(
            ada.send(command).await.status,
            status.unwrap_or(200),
            "{origin}"
        );
    }
    let query = ticket(&ada, Some(PAGE)).await;
    let elsewhere = Socket::open(upgrade(&app.url, &query)).await;
    assert_eq!(elsewhere.err(), Some(401), "without its origin");
    let query = ticket(&ada, Some(PAGE)).await;
    let request = with(upgrade(&app.url, &query), "origin", PAGE);
    assert!(Socket::open(request).await.is_ok());
}

#[tokio::test]
async fn the_first_frame_may_carry_the_token_and_must_come_soon() {
    let app = TestApp::start_with(QUICK).await;
    let ada = app.person("ada").await;
    let open = async || Socket::open(upgrade(&app.url, "")).await.expect("open");
    let mut socket = open().await;
    let hello = socket
        .ask("hello", json!({"token": ada.access_token}))
        .await;
    assert_eq!(hello["d"]["user"], ada.id);
    let mut silent = open().await;
    assert_eq!(silent.closed().await, 4002);
    let mut wrong = open().await;
    let refused = wrong.try_ask("hello", json!({"token": "x"})).await;
    assert_eq!(refused["err"]["code"], "invalid_token");
    assert_eq!(wrong.closed().await, 4001);
    let mut other = open().await;
    let refused = other.try_ask("subscribe", json!({})).await;
    assert_eq!(refused["ok"], false);
    assert_eq!(other.closed().await, 4001);
    let mut big = open().await;
    let long = json!({"op": "hello", "d": {"token": "x".repeat(5_000)}});
    big.tell(&long).await;
    assert_eq!(big.closed().await, 1009);
    let mut future = open().await;
    let asked = json!({"v": 9, "token": ada.access_token});
    assert_eq!(future.try_ask("hello", asked).await["ok"], false);
    assert_eq!(future.closed().await, 4004);
}

#[tokio::test]
async fn what_is_no_text_too_big_or_in_too_many_pieces_ends_the_socket() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let mut socket = Socket::of(&ada, &app.url).await;
    socket.send(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(socket.closed().await, 1003);
    let mut socket = Socket::of(&ada, &app.url).await;
    let no_text = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    socket.send(Message::Frame(no_text)).await;
    assert_eq!(socket.closed().await, 1007);
    let mut socket = Socket::of(&ada, &app.url).await;
    socket.send(Message::text("x".repeat(40_000))).await;
    assert_eq!(socket.closed().await, 1009);
    let mut socket = Socket::of(&ada, &app.url).await;
    let piece = |code, last| Message::Frame(Frame::message(" ", OpCode::Data(code), last));
    socket.send(piece(Data::Text, false)).await;
    for _ in 0..70 {
        socket.send(piece(Data::Continue, false)).await;
    }
    assert_eq!(socket.closed().await, 1009);
    // A few pieces are put together.
    let mut socket = Socket::of(&ada, &app.url).await;
    let part = |text: &'static str, code, last| {
        Message::Frame(Frame::message(text, OpCode::Data(code), last))
    };
    socket.send(part(r#"{"id":90,"#, Data::Text, false)).await;
    socket
        .send(part(r#""op":"pi"#, Data::Continue, false))
        .await;
    socket.send(part(r#"ng"}"#, Data::Continue, true)).await;
    assert_eq!(socket.reply(90).await["ok"], true);
}

#[tokio::test]
async fn the_end_of_a_session_closes_its_sockets_everywhere_within_a_second() {
    let app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let ada = app.person("ada").await;
    let login = json!({"login": ada.username, "password": PASSWORD});
    let second = app
        .anyone()
        .post("/v1/auth/login", &login)
        .await
        .expect_status(200);
    let second = crate::support::Session::new(&app.url, &second.json);
    let mut here = Socket::of(&ada, &app.url).await;
    let mut there = Socket::of(&ada, &other.url).await;
    let mut kept = Socket::of(&second, &other.url).await;
    let began = Instant::now();
    second
        .delete(&format!("/v1/me/sessions/{}", ada.session_id))
        .await
        .expect_status(204);
    for socket in [&mut here, &mut there] {
        let last = socket.event("session.revoked").await;
        assert_eq!(last["d"], json!({"session_id": ada.session_id}));
        assert_eq!(last["ch"], format!("user:{}", ada.id));
        assert_eq!(socket.closed().await, 4007);
    }
    let took = began.elapsed();
    assert!(took < Duration::from_millis(1_500), "{took:?}");
    kept.ask("ping", json!({})).await;
    // A refreshed token is no other session.
    let body = json!({"refresh_token": second.refresh_token});
    app.anyone()
        .post("/v1/auth/refresh", &body)
        .await
        .expect_status(200);
    kept.ask("ping", json!({})).await;
    // A suspension ends the rest.
    sqlx::query("update account set state = 'suspended' where username = $1")
        .bind(&ada.username)
        .execute(&app.db)
        .await
        .expect("suspended");
    assert_eq!(kept.closed().await, 4006);
}

#[tokio::test]
async fn whoever_may_see_a_post_no_more_hears_no_more_of_it() {
    let app = TestApp::start().await;
    let other = app.start_beside(&[]).await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let post = ada.post_to(&json!("friends"), "for friends").await;
    let channel = format!("post:{post}");
    let mut here = Socket::of(&bob, &app.url).await;
    let mut there = Socket::of(&bob, &other.url).await;
    subscribe(&mut here, &channel).await;
    let at = subscribe(&mut there, &channel).await;
    ada.delete(&format!("/v1/friends/{}", bob.id))
        .await
        .expect_status(200);
    for socket in [&mut here, &mut there] {
        let told = socket.find(|frame| frame["op"] == "unsubscribed").await;
        assert_eq!(
            (&told["ch"], &told["retry"]),
            (&json!(channel), &json!(false))
        );
    }
    publish(&app, &channel, 1).await;
    for socket in [&mut here, &mut there] {
        assert!(published(socket).await.is_empty());
    }
    there.cut();
    // What happened meanwhile is not replayed either.
    let pos = json!({&channel: position(&at)});
    let mut back = Socket::resumed(&bob, &app.url, &json!({"pos": pos})).await;
    let said = &back.hello["subs"][&channel];
    assert_eq!(
        (&said["recovered"], &said["reason"]),
        (&json!(false), &json!("forbidden"))
    );
    assert!(published(&mut back).await.is_empty());
}

#[tokio::test]
async fn nobody_hears_of_somebody_between_whom_there_is_a_block() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let eve = app.person("eve").await;
    let (post, channel) = post_of(&ada).await;
    let mut socket = Socket::of(&bob, &app.url).await;
    let at = subscribe(&mut socket, &channel).await;
    bob.set(&format!("/v1/users/{}/block", eve.id))
        .await
        .expect_status(200);
    // The block is known to the socket once its own devices are told of it.
    socket.event("relationship.changed").await;
    eve.comment_on(&post, "boo").await;
    ada.comment_on(&post, "hello").await;
    let told = socket.event("comment.created").await;
    assert_eq!(told["by"], ada.id, "and nothing of eve's");
    assert_eq!(told["o"], at["o"].as_i64().expect("a place") + 2);
    socket.cut();
    let pos = json!({&channel: position(&at)});
    let mut back = Socket::resumed(&bob, &app.url, &json!({"pos": pos})).await;
    let events = back.rest(QUIET).await;
    let by: Vec<&Value> = events
        .iter()
        .filter(|event| event["t"] == "comment.created")
        .map(|event| &event["by"])
        .collect();
    assert_eq!(by, [&json!(ada.id)]);
}

#[tokio::test]
async fn a_person_has_so_many_connections_and_an_instance_too() {
    let app = TestApp::start_with(&[("KITH_MAX_SOCKETS", "11")]).await;
    let ada = app.person("ada").await;
    let bob = app.person("bob").await;
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(Socket::of(&ada, &app.url).await);
    }
    let bearer = format!("Bearer {}", ada.access_token);
    let open = async || {
        let request = with(upgrade(&app.url, ""), "authorization", &bearer);
        Socket::open(request).await
    };
    let mut eleventh = open().await.expect("there is room");
    let refused = eleventh.try_ask("hello", json!({})).await;
    assert_eq!(refused["err"]["code"], "quota_exceeded");
    assert_eq!(eleventh.closed().await, 4008);
    sockets.push(Socket::of(&bob, &app.url).await);
    assert_eq!(open().await.err(), Some(503), "the instance is full");
    for socket in sockets {
        socket.goodbye().await;
    }
    for _ in 0..100 {
        if let Ok(mut socket) = open().await {
            socket.ask("hello", json!({})).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("closed sockets still count");
}

#[tokio::test]
async fn an_instance_opens_so_many_connections_in_a_second() {
    let settings = [("KITH_LIMITS", "on"), ("KITH_CONNECT_RATE", "5")];
    let app = TestApp::start_with(&settings).await;
    let ada = app.person("ada").await;
    let query = ticket(&ada, None).await;
    let open = async || Socket::open(upgrade(&app.url, "")).await;
    let (mut sockets, mut refused) = (Vec::new(), 0);
    // Far faster than five a second.
    while refused == 0 {
        match open().await {
            Ok(socket) => sockets.push(socket),
            Err(status) => {
                assert_eq!(status, 503);
                refused += 1;
            }
        }
        assert!(sockets.len() < 15, "nobody is refused");
    }
    assert!(sockets.len() >= 5, "{}", sockets.len());
    // It is said when to come back, a stream of events counts too, and a ticket is not lost.
    let sse = ada.request(reqwest::Method::GET, "/v1/realtime/sse");
    let reply = ada.send(sse).await.expect_problem(503, "unavailable");
    assert!(reply.header("retry-after").is_some());
    // Polls are requests like others.
    ada.get("/v1/realtime/poll?wait=0").await.expect_status(200);
    let mut tries = 0;
    loop {
        match Socket::open(upgrade(&app.url, &query)).await {
            Ok(_socket) => break,
            Err(status) => assert_eq!(status, 503, "the ticket still counts"),
        }
        tries += 1;
        assert!(tries < 100, "there is no room again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
