//! Web Push: what a device is sent, when it is not, and which addresses are refused.

use serde_json::json;

use super::receiver::{Browser, Receiver};
use super::{expect_kinds, list_until, react, settle};
use crate::support::{PASSWORD, Session, TestApp};

/// Devices may be reached on this machine, and are pushed to at once.
const AT_ONCE: &[(&str, &str)] = &[("KITH_PUSH_PRIVATE", "on"), ("KITH_PUSH_HOLD", "1ms")];
/// The same, but what comes waits for somebody to read it elsewhere.
const HELD: &[(&str, &str)] = &[("KITH_PUSH_PRIVATE", "on"), ("KITH_PUSH_HOLD", "1s")];

/// What became of deliveries: their states and last errors.
pub async fn deliveries(app: &TestApp) -> Vec<(String, Option<String>)> {
    sqlx::query_as("select state, last_error from notification_delivery order by created_at")
        .fetch_all(&app.db)
        .await
        .expect("rows")
}

/// Waits until every delivery is in one of these states.
pub async fn wait_for_states(app: &TestApp, states: &[&str]) {
    let begun = tokio::time::Instant::now();
    loop {
        let found = deliveries(app).await;
        let found: Vec<&str> = found.iter().map(|(state, _)| state.as_str()).collect();
        if found == states {
            return;
        }
        assert!(begun.elapsed() < super::PATIENCE, "{found:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn liked(app: &TestApp, author: &Session) -> (Session, String) {
    let post = author.post_to(&json!("public"), "a post").await;
    let fan = app.person("fan").await;
    react(&fan, &format!("/v1/posts/{post}")).await;
    (fan, post)
}

#[tokio::test]
async fn a_device_is_sent_ids_that_only_it_can_read_under_the_key_that_meta_shows() {
    let app = TestApp::start_with(AT_ONCE).await;
    let author = app.person("author").await;
    let (receiver, browser) = (Receiver::start().await, Browser::new());
    let endpoint = format!("{}/device/1", receiver.url);
    browser.subscribe(&author, "phone", &endpoint).await;
    liked(&app, &author).await;
    let pushed = receiver.wait_for(1).await.remove(0);
    let told = expect_kinds(&author, &["reaction"]).await.remove(0);
    let tag = &pushed.headers["topic"];
    let expected = json!({
        "id": told["id"], "kind": "reaction", "group_key": told["group_key"], "tag": tag,
    });
    assert_eq!(browser.read(&pushed.body), expected);
    assert_eq!(pushed.path, "/device/1");
    let header = |name: &str| pushed.headers[name].as_str();
    assert_eq!(header("content-encoding"), "aes128gcm");
    assert_eq!((header("urgency"), header("ttl")), ("normal", "86400"));
    let meta = app.anyone().get("/v1/meta").await.expect_status(200);
    let key = meta.json["vapid_public_key"].as_str().expect("a key");
    assert!(header("authorization").starts_with("vapid t="));
    assert!(header("authorization").ends_with(&format!(", k={key}")));
    wait_for_states(&app, &["sent"]).await;
}

#[tokio::test]
async fn what_was_read_or_seen_on_another_device_is_not_pushed() {
    let app = TestApp::start_with(HELD).await;
    let receiver = Receiver::start().await;
    for way in ["read", "seen", "read-all", "undone", "muted"] {
        let author = app.person("author").await;
        let endpoint = format!("{}/{way}", receiver.url);
        Browser::new().subscribe(&author, "phone", &endpoint).await;
        let (fan, post) = liked(&app, &author).await;
        let told = expect_kinds(&author, &["reaction"]).await.remove(0);
        let id = told["id"].as_str().expect("an id");
        let up_to = json!({"up_to": told["updated_at"]});
        match way {
            "read" => author.set(&format!("/v1/notifications/{id}/read")).await,
            "undone" => fan.delete(&format!("/v1/posts/{post}/reaction")).await,
            "muted" => author.set(&format!("/v1/users/{}/mute", fan.id)).await,
            _ => {
                author
                    .put(&format!("/v1/notifications/{way}"), &up_to)
                    .await
            }
        }
        .expect_status(200);
    }
    // What is undone is no row at all.
    wait_for_states(&app, &["cancelled"; 4]).await;
    assert!(receiver.pushed().is_empty());
}

#[tokio::test]
async fn a_kind_that_is_not_wanted_there_is_not_pushed_and_may_be_though_it_is_not_listed() {
    let app = TestApp::start_with(AT_ONCE).await;
    let author = app.person("author").await;
    let receiver = Receiver::start().await;
    let endpoint = format!("{}/device", receiver.url);
    Browser::new().subscribe(&author, "phone", &endpoint).await;
    let path = "/v1/me/notification-preferences";
    let off = json!({"preferences": {"reaction": {"push": false}, "comment": {"in_app": false}}});
    author.put(path, &off).await.expect_status(200);
    let (fan, post) = liked(&app, &author).await;
    settle(&app).await;
    fan.comment_on(&post, "hello").await;
    let pushed = receiver.wait_for(1).await;
    wait_for_states(&app, &["sent"]).await;
    assert_eq!(pushed.len(), 1);
    expect_kinds(&author, &["reaction"]).await;
}

#[tokio::test]
async fn what_follows_in_a_group_is_pushed_again_on_the_same_topic() {
    let app = TestApp::start_with(AT_ONCE).await;
    let author = app.person("author").await;
    let receiver = Receiver::start().await;
    let endpoint = format!("{}/device", receiver.url);
    Browser::new().subscribe(&author, "phone", &endpoint).await;
    let (_, post) = liked(&app, &author).await;
    receiver.wait_for(1).await;
    wait_for_states(&app, &["sent"]).await;
    let second = app.person("second").await;
    react(&second, &format!("/v1/posts/{post}")).await;
    let pushed = receiver.wait_for(2).await;
    assert_eq!(pushed[0].headers["topic"], pushed[1].headers["topic"]);
}

#[tokio::test]
async fn a_device_that_is_gone_signed_out_or_another_persons_is_pushed_to_no_more() {
    let app = TestApp::start_with(AT_ONCE).await;
    let (author, other) = (app.person("author").await, app.person("other").await);
    let receiver = Receiver::start().await;
    let endpoint = |name: &str| format!("{}/{name}", receiver.url);
    receiver.answer(&["410 Gone"]);
    Browser::new()
        .subscribe(&author, "gone", &endpoint("gone"))
        .await;
    let (_, post) = liked(&app, &author).await;
    receiver.wait_for(1).await;
    wait_for_states(&app, &["cancelled"]).await;
    let left: i64 = sqlx::query_scalar("select count(*) from push_subscription")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(left, 0, "the service knows it no longer");

    // The same browser, used by somebody else now.
    let browser = Browser::new();
    browser
        .subscribe(&author, "browser", &endpoint("browser"))
        .await;
    browser
        .subscribe(&other, "browser", &endpoint("browser"))
        .await;
    react(&app.person("fan").await, &format!("/v1/posts/{post}")).await;
    settle(&app).await;
    // Signed out.
    other.act("/v1/auth/logout").await.expect_status(204);
    sqlx::query("delete from notification_delivery")
        .execute(&app.db)
        .await
        .expect("none left");
    let fan = app.person("fan").await;
    let wish = json!({"user_id": other.id});
    fan.post("/v1/friend-requests", &wish)
        .await
        .expect_status(201);
    settle(&app).await;
    // An address that is not confirmed; to the device nothing is sent on its way.
    wait_for_states(&app, &["cancelled"]).await;
    assert_eq!(receiver.pushed().len(), 1);
}

#[tokio::test]
async fn a_subscription_is_set_again_and_ended_again_without_harm() {
    let app = TestApp::start_with(AT_ONCE).await;
    let alice = app.person("alice").await;
    let path = "/v1/me/push-subscriptions/phone";
    let body = Browser::new().subscription("http://127.0.0.1:9/device");
    for _ in 0..2 {
        let set = alice.put(path, &body).await.expect_status(200);
        assert_eq!(
            (&set.json["device_id"], &set.json["kind"]),
            (&json!("phone"), &json!("webpush"))
        );
    }
    for _ in 0..2 {
        alice.delete(path).await.expect_status(204);
    }
    for bad in ["a%0Ab", &"x".repeat(129)] {
        let path = format!("/v1/me/push-subscriptions/{bad}");
        alice.put(&path, &body).await.expect_status(404);
    }
}

#[tokio::test]
async fn a_device_is_called_as_when_it_signed_in() {
    let app = TestApp::start_with(AT_ONCE).await;
    let anna = app.register("anna").await;
    let login = json!({"login": "anna", "password": PASSWORD, "device_id": "Anna's phone"});
    let path = "/v1/me/push-subscriptions/Anna%27s%20phone";
    let (receiver, browser) = (Receiver::start().await, Browser::new());
    let body = browser.subscription(&format!("{}/phone", receiver.url));
    let sign_in = async || {
        let answer = app.anyone().post("/v1/auth/login", &login).await;
        Session::new(&app.url, &answer.expect_status(200).json)
    };
    let set = sign_in().await.put(path, &body).await.expect_status(200);
    assert_eq!(set.json["device_id"], "Anna's phone");
    // The same device, in a session after that.
    sign_in().await;
    liked(&app, &anna).await;
    receiver.wait_for(1).await;
}

#[tokio::test]
async fn nothing_is_kept_of_the_devices_of_a_deleted_account() {
    let app = TestApp::start_with(AT_ONCE).await;
    let alice = app.person("alice").await;
    Browser::new()
        .subscribe(&alice, "phone", "http://127.0.0.1:9/device")
        .await;
    let deletion = alice
        .request(reqwest::Method::DELETE, "/v1/me")
        .json(&json!({"password": PASSWORD}));
    alice.send(deletion).await.expect_status(204);
    settle(&app).await;
    let left: i64 = sqlx::query_scalar("select count(*) from push_subscription")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_new_password_ends_what_was_subscribed_before() {
    let app = TestApp::start_with(AT_ONCE).await;
    let alice = app.register("alice").await;
    let body = Browser::new().subscription("http://127.0.0.1:9/device");
    alice
        .put("/v1/me/push-subscriptions/phone", &body)
        .await
        .expect_status(200);
    let count = async || {
        let all = "select count(*) from push_subscription";
        let all: i64 = sqlx::query_scalar(all).fetch_one(&app.db).await.unwrap();
        all
    };
    assert_eq!(count().await, 1);
    let change =
        json!({"current_password": PASSWORD, "new_password": "a new horse battery staple"});
    alice
        .put("/v1/me/password", &change)
        .await
        .expect_status(204);
    settle(&app).await;
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn addresses_in_private_networks_and_keys_that_are_none_are_refused() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let path = "/v1/me/push-subscriptions/phone";
    let browser = Browser::new();
    for endpoint in [
        "http://push.example.org/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://localhost/x",
        "https://me:secret@push.example.org/x",
        "file:///etc/passwd",
    ] {
        let refused = alice.put(path, &browser.subscription(endpoint)).await;
        let refused = refused.expect_problem(422, "validation_failed");
        assert_eq!(
            refused.json["errors"][0]["pointer"], "/endpoint",
            "{endpoint}"
        );
    }
    let good = browser.subscription("https://push.example.org/x");
    let mut bad = good.clone();
    bad["keys"]["p256dh"] = json!("AAAA");
    let refused = alice.put(path, &bad).await.expect_status(422);
    assert_eq!(refused.json["errors"][0]["pointer"], "/keys");
    alice.put(path, &good).await.expect_status(200);
}

#[tokio::test]
async fn many_people_in_one_group_are_one_push() {
    let app = TestApp::start_with(HELD).await;
    let author = app.person("author").await;
    let receiver = Receiver::start().await;
    let endpoint = format!("{}/device", receiver.url);
    Browser::new().subscribe(&author, "phone", &endpoint).await;
    let post = author.post_to(&json!("public"), "a post").await;
    for _ in 0..3 {
        react(&app.person("fan").await, &format!("/v1/posts/{post}")).await;
    }
    list_until(&author, |found| {
        found.first().is_some_and(|one| one["actor_count"] == 3)
    })
    .await;
    wait_for_states(&app, &["sent"]).await;
    assert_eq!(receiver.pushed().len(), 1);
}

#[tokio::test]
async fn a_person_whose_devices_do_not_answer_holds_up_nobody_else() {
    let app = TestApp::start_with(AT_ONCE).await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.answer(&["hang"; 100]);
    let (alice, bob) = (app.person("alice").await, app.person("bob").await);
    for device in 0..20 {
        let endpoint = format!("{}/{device}", slow.url);
        Browser::new()
            .subscribe(&alice, &format!("device-{device}"), &endpoint)
            .await;
    }
    let endpoint = format!("{}/phone", quick.url);
    Browser::new().subscribe(&bob, "phone", &endpoint).await;
    let fan = app.person("fan").await;
    for _ in 0..2 {
        let post = alice.post_to(&json!("public"), "a post").await;
        react(&fan, &format!("/v1/posts/{post}")).await;
    }
    slow.wait_for(4).await;
    let post = bob.post_to(&json!("public"), "a post").await;
    react(&fan, &format!("/v1/posts/{post}")).await;
    quick.wait_for(1).await;
    let asked = slow.pushed().len();
    assert_eq!(
        asked, 4,
        "so many of one person at once, and none of them failed"
    );
    let attempts = "select sum(attempts) from notification_delivery where state = 'waiting'";
    let begun = tokio::time::Instant::now();
    // What is put back was taken for an instant.
    while sqlx::query_scalar::<_, i64>(attempts)
        .fetch_one(&app.db)
        .await
        .expect("a sum")
        != 4
    {
        assert!(
            begun.elapsed() < super::PATIENCE,
            "who waits has been tried"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
