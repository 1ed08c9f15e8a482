//! Timelines that are full, and feeds that go on below them.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::{is_redis_there, key, run, wait_until_built, wait_until_fanned_out};
use crate::support::{Session, TestApp};

async fn post_many(app: &TestApp, author: &Session, many: i32) {
    let author: uuid::Uuid = author.id.parse().expect("a UUID");
    // Two of an instant, so that ties are met at every edge.
    sqlx::query(
        "insert into post (post_id, author_id, content, audience, created_at)
         select ('01900000-0000-7000-9000-' || lpad(to_hex(i * 7919 % 65536), 12, '0'))::uuid, $1, 'x', 'friends',
                '2026-01-01'::timestamptz + i / 2 * interval '1 minute'
         from generate_series(1, $2) i",
    )
    .bind(author)
    .bind(many)
    .execute(&app.db)
    .await
    .expect("the posts are there");
    sqlx::query(
        "insert into post_counter (post_id) select post_id from post on conflict do nothing",
    )
    .execute(&app.db)
    .await
    .expect("their counters are there");
}

#[tokio::test]
async fn a_full_timeline_is_trimmed_and_the_walk_goes_on_below_its_mark() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start().await;
    let plain = app.start_beside(&[("KITH_CACHE", "off")]).await;
    let (me, friend) = app.friends("me", "friend").await;
    post_many(&app, &friend, 870).await;
    me.get("/v1/feed").await.expect_status(200);
    wait_until_built(&app, &me.id).await;
    let line = key(&app, &format!("timeline:{}:v2", me.id));
    let mut size = 801;
    assert_eq!(run::<i64>(&app, &[b"ZCARD", line.as_bytes()]).await, size);
    // One post of sixteen trims, by the last digit of its id: here the last one, and others do not.
    let (mut posted, mut trimmed) = (0, false);
    while posted < 5 || !trimmed {
        assert!(posted < 200, "none of {posted} posts trimmed");
        let text = format!("{posted}");
        let post = friend.post_to(&json!("friends"), &text).await;
        wait_until_fanned_out(&app).await;
        trimmed = post.ends_with('0');
        size = if trimmed { 801 } else { size + 1 };
        assert_eq!(run::<i64>(&app, &[b"ZCARD", line.as_bytes()]).await, size);
        posted += 1;
    }
    let expected = me.at(&plain.url).walk("/v1/feed", 100).await;
    assert_eq!(expected.len(), 870 + posted);
    for limit in [100, 37] {
        let shown = me.walk("/v1/feed", limit).await;
        let same = shown
            .iter()
            .zip(&expected)
            .all(|(one, other)| one["id"] == other["id"]);
        assert!(same && shown.len() == expected.len(), "pages of {limit}");
    }
}

/// What stands for a pending post of somebody.
fn pending(author: uuid::Uuid, micros: i64) -> Vec<u8> {
    let mut one = vec![b'c'];
    one.extend_from_slice(author.as_bytes());
    one.extend_from_slice(uuid::Uuid::from_u128(u128::from(micros.unsigned_abs())).as_bytes());
    one.extend_from_slice(&micros.to_be_bytes());
    one
}

#[tokio::test]
async fn more_posts_on_their_way_than_a_reader_looks_at_hide_none() {
    if !is_redis_there() {
        return;
    }
    // Nobody carries posts into timelines.
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    let (me, friend) = app.friends("me", "friend").await;
    let mut expected = vec![friend.post_to(&json!("friends"), "carried").await];
    me.get("/v1/feed").await.expect_status(200);
    wait_until_built(&app, &me.id).await;
    for number in 0..30 {
        expected.push(
            friend
                .post_to(&json!("friends"), &format!("{number}"))
                .await,
        );
    }
    let begun = app.ctx.now().micros();
    let on_its_way = key(&app, "pending");
    let mut pipe = redis::Pipeline::new();
    for after in 1..=1_500 {
        let at = begun + after;
        let one = pending(uuid::Uuid::nil(), at);
        pipe.zadd(&on_its_way, one, at).ignore();
    }
    super::send::<()>(&app, &pipe).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    for number in 0..5 {
        expected.push(
            friend
                .post_to(&json!("friends"), &format!("late {number}"))
                .await,
        );
    }
    expected.reverse();
    for limit in [50, 7] {
        let shown = me.walk("/v1/feed", limit).await;
        let ids: Vec<&str> = shown
            .iter()
            .filter_map(|post| post["id"].as_str())
            .collect();
        assert_eq!(ids, expected, "pages of {limit}");
    }
}

#[tokio::test]
async fn the_life_of_a_timeline_runs_from_its_last_read_however_short_it_is() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start_with(&[("KITH_FEED_TIMELINE", "60s")]).await;
    let me = app.person("me").await;
    me.get("/v1/feed").await.expect_status(200);
    wait_until_built(&app, &me.id).await;
    let line = key(&app, &format!("timeline:{}:v2", me.id));
    let left = async || run::<i64>(&app, &[b"PTTL", line.as_bytes()]).await;
    let wear = async |millis: &str| {
        let shorten = [b"PEXPIRE", line.as_bytes(), millis.as_bytes()];
        assert_eq!(run::<i64>(&app, &shorten).await, 1);
        me.get("/v1/feed").await.expect_status(200);
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    wear("58000").await;
    assert!(left().await <= 58_000, "not at each read");
    for worn in ["50000", "5000"] {
        wear(worn).await;
        assert!(left().await > 58_000, "{}", left().await);
    }
}

#[tokio::test]
async fn pages_are_filled_where_most_candidates_are_not_for_the_viewer() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let not_me = json!({"kind": "custom", "deny": [me.id]});
    let mut mine = Vec::new();
    for number in 0..120 {
        let post = if number % 24 == 0 {
            let post = friend
                .post_to(&json!("friends"), &format!("{number}"))
                .await;
            mine.push(post.clone());
            post
        } else {
            friend.post_to(&not_me, &format!("{number}")).await
        };
        assert!(!post.is_empty());
    }
    mine.reverse();
    me.get("/v1/feed").await.expect_status(200);
    wait_until_built(&app, &me.id).await;
    let first = me.get("/v1/feed?limit=4").await.expect_status(200);
    assert_eq!(first.ids(), mine[..4]);
    let next = first.next().expect("there is more");
    let second = me.get(&format!("/v1/feed?limit=4&cursor={next}")).await;
    assert_eq!(second.ids(), mine[4..]);
    assert_eq!(second.next(), None);
}

#[tokio::test]
async fn a_push_neither_makes_a_timeline_nor_lengthens_one_and_leaves_out_who_is_away() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let mut readers = Vec::new();
    for name in ["here", "lost", "away"] {
        let reader = app.person(name).await;
        author.befriend(&reader).await;
        reader.get("/v1/feed").await.expect_status(200);
        wait_until_built(&app, &reader.id).await;
        readers.push(reader);
    }
    let line = |of: usize| key(&app, &format!("timeline:{}:v2", readers[of].id));
    let (here, lost, away) = (line(0), line(1), line(2));
    let reads = async |of: usize| {
        let id: uuid::Uuid = readers[of].id.parse().expect("a UUID");
        sqlx::query_scalar::<_, i64>("select count(*) from feed_reader where user_id = $1")
            .bind(id)
            .fetch_one(&app.db)
            .await
            .expect("a count")
    };
    let id: uuid::Uuid = readers[2].id.parse().expect("a UUID");
    let away_for_long =
        "update feed_reader set read_at = now() - interval '8 days' where user_id = $1";
    let is_away = async || {
        let changed = sqlx::query(away_for_long).bind(id).execute(&app.db).await;
        changed.expect("away for long").rows_affected() == 1
    };
    // It is noted behind the answer that somebody reads.
    while !is_away().await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(run::<i64>(&app, &[b"DEL", lost.as_bytes()]).await, 1);
    let wear = [b"PEXPIRE", here.as_bytes(), b"50000"];
    assert_eq!(run::<i64>(&app, &wear).await, 1);
    // Those for some of the readers go a way of their own.
    let some = json!({"kind": "custom"});
    for (posts, audience) in [(1, json!("friends")), (2, some)] {
        author.post_to(&audience, "hello").await;
        wait_until_fanned_out(&app).await;
        // Each has its watermark, too.
        let posts_of = async |line: &str| run::<i64>(&app, &[b"ZCARD", line.as_bytes()]).await;
        assert_eq!(posts_of(&here).await, 1 + posts, "{audience}");
        assert_eq!(posts_of(&lost).await, 0, "{audience}");
        assert_eq!(posts_of(&away).await, 1, "{audience}");
    }
    let left: i64 = run(&app, &[b"PTTL", here.as_bytes()]).await;
    assert!((1..=50_000).contains(&left), "{left}");
    crate::retention::run_at(&app, TimeDelta::zero(), "feed.forget-readers").await;
    assert_eq!((reads(0).await, reads(2).await), (1, 0));
    // Whoever comes back finds all of it.
    assert_eq!(run::<i64>(&app, &[b"DEL", away.as_bytes()]).await, 1);
    for reader in &readers {
        assert_eq!(reader.get("/v1/feed").await.ids().len(), 2);
    }
    wait_until_built(&app, &readers[2].id).await;
    assert_eq!(reads(2).await, 1);
}
