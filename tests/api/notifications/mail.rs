//! Mail about notifications, and its end by one click.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::push::wait_for_states;
use super::{expect_kinds, settle};
use crate::support::{Session, TestApp};

const AT_ONCE: &[(&str, &str)] = &[("KITH_PUSH_HOLD", "1ms")];

/// Somebody whose address is confirmed.
async fn confirmed(app: &TestApp, name: &str) -> Session {
    let who = app.person(name).await;
    sqlx::query("update credential set email_verified_at = now() where user_id = $1::uuid")
        .bind(&who.id)
        .execute(&app.db)
        .await
        .expect("confirmed");
    who
}

async fn ask(app: &TestApp, whom: &Session) -> Session {
    let asking = app.person("asking").await;
    let wish = json!({"user_id": whom.id});
    asking
        .post("/v1/friend-requests", &wish)
        .await
        .expect_status(201);
    asking
}

/// The mails whose text holds `part`.
fn mails(app: &TestApp, part: &str) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(&app.mail_dir) else {
        return Vec::new();
    };
    let texts = files.filter_map(|file| {
        let path = file.ok()?.path();
        let whole = path.extension().is_some_and(|end| end == "eml");
        whole.then(|| std::fs::read_to_string(path).expect("a mail"))
    });
    texts.filter(|text| text.contains(part)).collect()
}

async fn wait_for_mail(app: &TestApp, part: &str) -> String {
    for _ in 0..500 {
        if let Some(mail) = mails(app, part).pop() {
            return mail;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no mail says {part}");
}

#[tokio::test]
async fn a_request_for_friendship_is_mailed_and_one_click_ends_all_such_mail() {
    let app = TestApp::start_with(AT_ONCE).await;
    let alice = confirmed(&app, "alice").await;
    let asking = ask(&app, &alice).await;
    let line = format!("@{} asked to be your friend", asking.username);
    let mail = wait_for_mail(&app, &line).await;
    assert!(
        mail.contains(&format!("To: {}@example.org", alice.username)),
        "{mail}"
    );
    assert!(
        mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        "{mail}"
    );
    let unfolded = mail.replace("\r\n ", " ");
    let url = unfolded
        .lines()
        .find_map(|line| line.strip_prefix("List-Unsubscribe: <"))
        .and_then(|rest| rest.trim().strip_suffix('>'))
        .expect("a link");
    let path = url.strip_prefix(&app.url).expect("of this server");
    let anyone = app.anyone();
    let click = || {
        anyone
            .request(Method::POST, path)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("List-Unsubscribe=One-Click")
    };
    for _ in 0..2 {
        anyone.send(click()).await.expect_status(204);
    }
    let table = alice.get("/v1/me/notification-preferences").await;
    let table = table.expect_status(200).json["preferences"].clone();
    assert_eq!(table["friend_request"]["email"], false);
    assert_eq!(table["friend_request"]["push"], true);
    let other = ask(&app, &alice).await;
    settle(&app).await;
    wait_for_states(&app, &["sent"]).await;
    assert!(
        mails(&app, &other.username)
            .iter()
            .all(|mail| !mail.contains("asked to be"))
    );
    for bad in ["x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let refused = anyone.act(&format!("/v1/unsubscribe?token={bad}")).await;
        refused.expect_problem(422, "link_expired");
    }
}

#[tokio::test]
async fn an_address_that_is_not_confirmed_is_not_mailed_and_neither_is_what_was_read() {
    let app = TestApp::start_with(AT_ONCE).await;
    let alice = app.person("alice").await;
    ask(&app, &alice).await;
    expect_kinds(&alice, &["friend_request"]).await;
    wait_for_states(&app, &["cancelled"]).await;
    assert_eq!(mails(&app, "asked to be your friend"), Vec::<String>::new());
}

#[tokio::test]
async fn mail_waits_long_and_is_not_sent_once_it_was_read() {
    let app = TestApp::start_with(&[("KITH_PUSH_HOLD", "20ms")]).await;
    let alice = confirmed(&app, "alice").await;
    ask(&app, &alice).await;
    let told = expect_kinds(&alice, &["friend_request"]).await;
    let id = told[0]["id"].as_str().expect("an id");
    alice
        .set(&format!("/v1/notifications/{id}/read"))
        .await
        .expect_status(200);
    wait_for_states(&app, &["cancelled"]).await;
    assert_eq!(mails(&app, "asked to be your friend"), Vec::<String>::new());
}
