//! Authors with many readers: from one post on, theirs are fetched when a feed is read.

use serde_json::json;

use super::{is_redis_there, key, run, wait_until_built, wait_until_fanned_out};
use crate::support::TestApp;

#[tokio::test]
async fn an_author_who_gets_many_readers_is_fetched_from_then_on_and_stays_so() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start_with(&[("KITH_FEED_PULL_ABOVE", "2")]).await;
    let author = app.person("author").await;
    let (me, other) = (app.person("me").await, app.person("other").await);
    me.befriend(&author).await;
    other.befriend(&author).await;
    me.get("/v1/feed").await.expect_status(200);
    wait_until_built(&app, &me.id).await;
    let pushed = author.post_to(&json!("friends"), "pushed").await;
    wait_until_fanned_out(&app).await;
    let line = key(&app, &format!("timeline:{}:v2", me.id));
    let in_timeline = async || run::<i64>(&app, &[b"ZCARD", line.as_bytes()]).await;
    assert_eq!(in_timeline().await, 2, "pushed, beside the mark");

    app.person("third").await.befriend(&author).await;
    let crossing = author.post_to(&json!("friends"), "crossing").await;
    wait_until_fanned_out(&app).await;
    assert_eq!(
        in_timeline().await,
        3,
        "the post that crosses is pushed too"
    );
    let fetched = author.post_to(&json!("friends"), "fetched").await;
    wait_until_fanned_out(&app).await;
    assert_eq!(in_timeline().await, 3, "not pushed any more");
    let expected = [fetched.clone(), crossing.clone(), pushed.clone()];
    for _ in 0..30 {
        assert_eq!(me.get("/v1/feed").await.expect_status(200).ids(), expected);
    }
    let theirs = key(&app, &format!("author-timeline:{}:v2", author.id));
    let posts: i64 = run(&app, &[b"ZCARD", theirs.as_bytes()]).await;
    assert_eq!(posts, 4, "three posts and the mark");

    other
        .delete(&format!("/v1/friends/{}", author.id))
        .await
        .expect_status(200);
    let later = author.post_to(&json!("public"), "still fetched").await;
    wait_until_fanned_out(&app).await;
    assert_eq!(in_timeline().await, 3, "once fetched, always fetched");
    assert_eq!(me.get("/v1/feed").await.ids().first(), Some(&later));
    assert!(other.get("/v1/feed").await.ids().is_empty());
}
