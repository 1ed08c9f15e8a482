//! Whatever ends a session ends its lines: over every transport, on every instance, and at once.

use std::time::{Duration, Instant};

use kith::infra::cache::Witnessed;
use kith::platform::realtime::Hub;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::client::Socket;
use super::ends::another_session;
use super::line::{Stream, Transport, begin, poll};
use super::{QUIET, beside, pair, second, subscribe};
use crate::support::{PASSWORD, Session, TestApp};

/// Within a second, and what a busy machine takes beside that.
const SOON: Duration = Duration::from_millis(1_500);

/// What ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Logout,
    LogoutAll,
    Deletion,
    Password,
    Ban,
}

impl End {
    /// Has it happen to this session.
    async fn happen(self, admin: &Session, session: &Session) {
        match self {
            Self::Logout => {
                session.act("/v1/auth/logout").await.expect_status(204);
            }
            Self::LogoutAll => {
                session.act("/v1/auth/logout-all").await.expect_status(204);
            }
            Self::Deletion => {
                let body = json!({"password": PASSWORD});
                let request = session.request(reqwest::Method::DELETE, "/v1/me");
                session.send(request.json(&body)).await.expect_status(204);
            }
            Self::Password => {
                let next = "quite another phrase";
                let change = json!({"current_password": PASSWORD, "new_password": next});
                let path = "/v1/me/password";
                session.put(path, &change).await.expect_status(204);
            }
            Self::Ban => {
                let change = json!({"state": "suspended", "reason": "spam"});
                let path = format!("/v1/admin/users/{}", session.id);
                admin.patch(&path, &change).await.expect_status(200);
            }
        }
    }

    /// The code of the close, and the status of a poll that waited.
    fn says(self) -> (u16, u16) {
        match self {
            Self::Ban => (4006, 403),
            _ => (4007, 401),
        }
    }
}

/// The lines of a session to one instance.
struct Lines {
    socket: Socket,
    stream: Stream,
    polling: JoinHandle<()>,
}

impl Lines {
    async fn open(session: &Session, url: &str, refusal: u16) -> Self {
        let session = session.at(url);
        let socket = Socket::of(&session, url).await;
        let mut stream = Stream::open(&session, "", None).await;
        stream.find(|frame| frame["op"] == "hello").await;
        let (_hello, cursor) = begin(Transport::Poll, &session, "").await;
        let polling = tokio::spawn(poll_until_refused(session, cursor, refusal));
        Self {
            socket,
            stream,
            polling,
        }
    }

    /// Waits until all of them have ended as they should.
    async fn expect_end(mut self, code: u16) {
        assert_eq!(self.socket.closed().await, code);
        let bye = self.stream.find(|frame| frame["op"] == "bye").await;
        assert_eq!(bye["code"], code, "{bye}");
        self.polling.await.expect("the poll was refused");
    }
}

/// Polls on, whatever comes, until it is refused, which must be with this status.
async fn poll_until_refused(session: Session, mut cursor: Value, refusal: u16) {
    loop {
        let reply = poll(&session, &cursor, 20).await;
        match reply.status {
            200 => cursor = reply.json["cursor"].clone(),
            204 => {}
            status => return assert_eq!(status, refusal, "{:#}", reply.json),
        }
    }
}

#[tokio::test]
async fn whatever_ends_a_session_ends_all_of_its_lines_within_a_second() {
    let app = TestApp::start().await;
    let other = second(&app, &[]).await;
    let there = beside(&app, &other);
    let admin = app.admin().await;
    for end in [
        End::Logout,
        End::LogoutAll,
        End::Deletion,
        End::Password,
        End::Ban,
    ] {
        let ada = app.person("ada").await;
        // Another password ends the other sessions alone.
        let ended = another_session(&app, &ada).await;
        let acting = if end == End::Password { &ada } else { &ended };
        let (code, refusal) = end.says();
        let mut lines = Vec::new();
        for url in [app.url.as_str(), there] {
            lines.push(Lines::open(&ended, url, refusal).await);
        }
        tokio::time::sleep(QUIET).await;
        let began = Instant::now();
        end.happen(&admin, acting).await;
        for line in lines {
            line.expect_end(code).await;
        }
        let took = began.elapsed();
        assert!(took < SOON, "{end:?}: {took:?}");
    }
}

/// After a gap everybody is asked about, which may take long: whose session ends does not wait for it.
#[tokio::test]
async fn the_end_of_a_session_does_not_wait_until_everybody_was_asked_about() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let channel = pair(&ada, &bob).await;
    let mut kept = Socket::of(&bob, &app.url).await;
    let mut socket = Socket::of(&ada, &app.url).await;
    for socket in [&mut kept, &mut socket] {
        subscribe(socket, &channel).await;
    }
    // Whether they may listen cannot be asked just now.
    let mut held = app.db.begin().await.expect("a transaction");
    sqlx::query("lock table conversation_member in access exclusive mode")
        .execute(&mut *held)
        .await
        .expect("locked");
    Hub::of(&app.ctx).expect("a hub").witness(&Witnessed::Gap);
    app.wait_until_somebody_waits_for_a_lock().await;
    let began = Instant::now();
    ada.act("/v1/auth/logout").await.expect_status(204);
    assert_eq!(socket.closed().await, 4007);
    let took = began.elapsed();
    held.rollback().await.expect("unlocked");
    assert!(took < SOON, "{took:?}");
    kept.ask("ping", json!({})).await;
}
