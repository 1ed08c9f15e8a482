//! Coming in, staying in, going out.

mod activity;
mod cookies;
mod mails;
mod passwords;
mod registration;
mod revoking;
mod sessions;
mod tokens;

use serde_json::{Value, json};

use crate::support::{Anyone, PASSWORD, Reply, Session, TestApp};

/// Signs in and gives the answer.
async fn login(who: &Anyone, login: &str, password: &str) -> Reply {
    let body = json!({"login": login, "password": password});
    who.post("/v1/auth/login", &body).await
}

/// Another session of a person.
async fn another_session(app: &TestApp, of: &Session) -> Session {
    let reply = login(&app.anyone(), &of.username, PASSWORD).await;
    Session::new(&app.url, &reply.expect_status(200).json)
}

async fn refresh(who: &Anyone, token: &str) -> Reply {
    let body = json!({"refresh_token": token});
    who.post("/v1/auth/refresh", &body).await
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// What the security log tells, newest first.
async fn log_of(who: &Session) -> Vec<String> {
    let log = who.get("/v1/me/security-log").await.expect_status(200);
    let events = log.json["data"].as_array().expect("a list").clone();
    events.iter().map(|event| text(&event["kind"])).collect()
}

/// Waits until the log tells of `kind`: failures are noted behind the answer.
async fn wait_for_event(who: &Session, kind: &str) {
    for _ in 0..100 {
        if log_of(who).await.iter().any(|told| told == kind) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{kind} was not noted: {:?}", log_of(who).await);
}
