//! How often one may write.

use super::{direct, say, try_say};
use crate::support::TestApp;

async fn limited() -> TestApp {
    TestApp::start_with(&[("KITH_LIMITS", "on")]).await
}

#[tokio::test]
async fn ten_messages_in_ten_seconds_go_to_friends() {
    let app = limited().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    for number in 0..10 {
        say(&ann, &id, &number.to_string()).await;
    }
    let refused = try_say(&ann, &id, "too many").await;
    let refused = refused.expect_problem(429, "rate_limited");
    assert!(refused.header("retry-after").is_some());
}

#[tokio::test]
async fn ten_messages_a_minute_go_to_strangers() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "[message]\nquota = 50\n").expect("writes");
    let path = file.path().to_str().expect("UTF-8");
    let settings = [("KITH_LIMITS", "on"), ("KITH_LIMITS_FILE", path)];
    let app = TestApp::start_with(&settings).await;
    let (ann, friend) = app.friends("ann", "friend").await;
    let stranger = app.person("stranger").await;
    let (known, unknown) = (direct(&ann, &friend).await, direct(&ann, &stranger).await);
    for number in 0..10 {
        say(&ann, &unknown, &number.to_string()).await;
    }
    let refused = try_say(&ann, &unknown, "too many").await;
    let refused = refused.expect_problem(429, "rate_limited");
    let told = refused.header("ratelimit-policy").expect("a header");
    assert!(told.contains("\"message_stranger\";q=10;w=60"), "{told}");
    say(&ann, &known, "friends are no strangers").await;
    say(&stranger, &unknown, "now we know each other").await;
    say(&ann, &unknown, "we do").await;
}
