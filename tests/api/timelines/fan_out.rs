//! The fan-out of posts: pending ones are seen at once, a job that goes on where a killed one stopped pushes
//! them, and they are gone at once with the friendship.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kith::infra::jobs::Runner;
use kith::infra::outbox::Dispatcher;
use kith::kernel::clock::SystemClock;
use redis::Pipeline;
use serde_json::json;

use super::{is_built, is_redis_there, key, send, wait_until_built, wait_until_fanned_out};
use crate::support::{Session, TestApp};

/// More than three steps of a job.
const READERS: i64 = 1_600;

async fn warm(app: &TestApp, person: &Session) {
    person.get("/v1/feed").await.expect_status(200);
    wait_until_built(app, &person.id).await;
}

#[tokio::test]
async fn what_an_instance_without_redis_writes_and_carries_is_in_the_feeds_of_others() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    let (me, friend) = app.friends("me", "friend").await;
    for person in [&me, &friend] {
        warm(&app, person).await;
    }
    let alone = app.start_beside(&[("REDIS_URL", "")]).await;
    let author = me.at(&alone.url);
    let post = author.post_to(&json!("friends"), "from elsewhere").await;
    for person in [&me, &friend] {
        let mut looks = 0;
        while person.get("/v1/feed").await.ids().first() != Some(&post) {
            looks += 1;
            assert!(looks < 500, "it is not in the feed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_post_is_seen_at_once_by_its_author_and_by_friends_while_nobody_carries_it() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    let beside = app.start_beside(&[("KITH_ROLES", "web")]).await;
    let (me, friend) = app.friends("me", "friend").await;
    let stranger = app.person("stranger").await;
    for person in [&me, &friend, &stranger] {
        warm(&app, person).await;
    }
    let elsewhere = friend.at(&beside.url);
    for number in 0..20 {
        let post = me.post_to(&json!("friends"), &format!("{number}")).await;
        let own = me.get("/v1/feed").await;
        assert_eq!(own.ids().first(), Some(&post));
        let theirs = elsewhere.get("/v1/feed").await;
        assert_eq!(theirs.ids().first(), Some(&post));
    }
    assert!(stranger.get("/v1/feed").await.ids().is_empty());
    assert!(
        is_built(&app, &friend.id).await,
        "no feed came from Postgres"
    );

    let secret = me.post_to(&json!("only_me"), "not yet").await;
    assert!(!friend.get("/v1/feed").await.ids().contains(&secret));
    me.patch(
        &format!("/v1/posts/{secret}"),
        &json!({"audience": "friends"}),
    )
    .await
    .expect_status(200);
    assert_eq!(
        friend.get("/v1/feed").await.ids().first(),
        Some(&secret),
        "widened"
    );
    me.delete(&format!("/v1/posts/{secret}"))
        .await
        .expect_status(204);
    assert!(
        !friend.get("/v1/feed").await.ids().contains(&secret),
        "deleted"
    );
    me.act(&format!("/v1/posts/{secret}/restore"))
        .await
        .expect_status(200);
    assert_eq!(
        friend.get("/v1/feed").await.ids().first(),
        Some(&secret),
        "restored"
    );
}

#[tokio::test]
async fn the_posts_of_somebody_who_is_no_friend_any_more_vanish_at_once() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start().await;
    let beside = app.start_beside(&[]).await;
    let (me, friend) = app.friends("me", "friend").await;
    warm(&app, &me).await;
    let public = friend.post_to(&json!("public"), "for all").await;
    let post = friend.post_to(&json!("friends"), "for friends").await;
    wait_until_fanned_out(&app).await;
    let elsewhere = friend.at(&beside.url);
    for _ in 0..5 {
        warm(&app, &me).await;
        assert_eq!(
            me.get("/v1/feed").await.ids(),
            [post.clone(), public.clone()]
        );
        elsewhere
            .delete(&format!("/v1/friends/{}", me.id))
            .await
            .expect_status(200);
        assert!(me.get("/v1/feed").await.ids().is_empty());
        me.befriend(&friend).await;
        assert_eq!(
            me.get("/v1/feed").await.ids(),
            [post.clone(), public.clone()]
        );
    }
}

#[tokio::test]
async fn a_walk_misses_nothing_and_repeats_nothing_while_posts_fan_out() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    warm(&app, &me).await;
    let mut before = Vec::new();
    for number in 0..40 {
        before.push(
            friend
                .post_to(&json!("friends"), &format!("{number}"))
                .await,
        );
    }
    before.reverse();
    let author = friend.clone();
    let posting = tokio::spawn(async move {
        for number in 0..60 {
            author
                .post_to(&json!("friends"), &format!("late {number}"))
                .await;
        }
    });
    while !posting.is_finished() {
        let walked = me.walk("/v1/feed", 7).await;
        let walked: Vec<&str> = walked
            .iter()
            .filter_map(|post| post["id"].as_str())
            .collect();
        let once: HashSet<&&str> = walked.iter().collect();
        assert_eq!(once.len(), walked.len(), "nothing comes twice");
        let rest: Vec<&&str> = walked
            .iter()
            .filter(|id| before.iter().any(|known| known == *id))
            .collect();
        assert!(
            rest.into_iter().eq(before.iter()),
            "all that was there, in order"
        );
    }
    posting.await.expect("the posts");
}

/// Readers of `author` who have a timeline with nothing in it, written straight into the tables.
async fn add_readers(app: &TestApp, author: &Session) {
    let author: uuid::Uuid = author.id.parse().expect("a UUID");
    for sql in [
        "insert into account (user_id, username, display_name, created_at, updated_at)
         select ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'reader' || i, 'x', now(), now()
         from generate_series(1, $2) i where $1::uuid is not null",
        "insert into friendship (user_id, friend_id, created_at)
         select ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, $1, now()
         from generate_series(1, $2) i",
        "insert into friendship (user_id, friend_id, created_at)
         select $1, ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, now()
         from generate_series(1, $2) i",
        "insert into feed_reader (user_id, read_at)
         select ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, now()
         from generate_series(1, $2) i where $1::uuid is not null",
    ] {
        sqlx::query(sql)
            .bind(author)
            .bind(READERS)
            .execute(&app.db)
            .await
            .expect("the readers are there");
    }
    let mut pipe = Pipeline::new();
    for number in 1..=READERS {
        // A mark of any stamps: pushes ask whether there is a timeline, readers whether it counts.
        pipe.cmd("ZADD")
            .arg(reader_line(app, number))
            .arg("-inf")
            .arg(&[b'm'; 17]);
        pipe.cmd("EXPIRE")
            .arg(reader_line(app, number))
            .arg(60)
            .ignore();
    }
    let added: Vec<i64> = send(app, &pipe).await;
    assert_eq!(i64::try_from(added.len()), Ok(READERS));
}

fn reader_line(app: &TestApp, number: i64) -> String {
    key(
        app,
        &format!("timeline:01900000-0000-7000-8000-{number:012x}:v2"),
    )
}

async fn have_it(app: &TestApp) -> usize {
    let mut pipe = Pipeline::new();
    for number in 1..=READERS {
        pipe.cmd("ZCARD").arg(reader_line(app, number));
    }
    let counts: Vec<i64> = send(app, &pipe).await;
    counts.into_iter().filter(|posts| *posts == 2).count()
}

#[tokio::test]
async fn carrying_goes_on_where_a_killed_worker_stopped() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    let author = app.person("author").await;
    add_readers(&app, &author).await;
    author.post_to(&json!("friends"), "for all of them").await;
    assert_eq!(have_it(&app).await, 0, "creating waits for nobody");
    let registry = kith::app::registry();
    let clock = Arc::new(SystemClock);
    Dispatcher::new(app.db.clone(), &registry, clock.clone())
        .deliver()
        .await
        .expect("the news is delivered");
    let worker = || {
        Runner::new(
            app.db.clone(),
            kith::app::registry(),
            app.ctx.clone(),
            clock.clone(),
        )
    };
    // The first worker is held up while it saves its second step.
    sqlx::raw_sql(
        "create function hold_up() returns trigger language plpgsql as $$
         begin perform pg_sleep(1); return new; end $$;
         create trigger hold_up before update on job for each row
         when (old.resumed and new.payload is distinct from old.payload)
         execute function hold_up()",
    )
    .execute(&app.db)
    .await
    .expect("the trigger is there");
    let first = worker();
    // A step is due again after the pass in which the one before it was done.
    let dying = tokio::spawn(async move {
        while first.run_due().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut some = 0;
    while some == 0 {
        some = sqlx::query_scalar::<_, i64>(
            "select count(*) from job where name = 'feed.fan-out'
             and payload ->> 'after' > '01900000-0000-7000-8000-000000000000'",
        )
        .fetch_one(&app.db)
        .await
        .expect("a count");
    }
    dying.abort();
    dying.await.expect_err("the worker is dead");
    sqlx::raw_sql("drop trigger hold_up on job")
        .execute(&app.db)
        .await
        .expect("the trigger is gone");
    let served = have_it(&app).await;
    assert!((500..1_600).contains(&served), "{served} have it");
    // Its lease runs out.
    sqlx::query("update job set run_at = now() - interval '1 second' where name = 'feed.fan-out'")
        .execute(&app.db)
        .await
        .expect("the lease ends");
    // A step that is followed by another is due again after the pass in which it was done, and what
    // the dead worker had begun may hold the row until Postgres notices.
    let second = worker();
    let going_on = tokio::spawn(async move {
        while second.run_due().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    wait_until_fanned_out(&app).await;
    going_on.abort();
    assert_eq!(have_it(&app).await, 1_600);
}

#[tokio::test]
async fn posts_that_wait_go_to_their_readers_together_and_to_nobody_else() {
    if !is_redis_there() {
        return;
    }
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    let (me, friend) = app.friends("me", "friend").await;
    let (follower, stranger) = (app.person("follower").await, app.person("stranger").await);
    for author in [&me, &friend] {
        let follow = format!("/v1/users/{}/follow", author.id);
        follower.set(&follow).await.expect_status(200);
    }
    let readers = [&me, &friend, &follower, &stranger];
    for person in readers {
        warm(&app, person).await;
    }
    let mut expected: [Vec<String>; 4] = Default::default();
    for _ in 0..12 {
        for (author, others) in [(&me, 1), (&friend, 0)] {
            for (audience, goes_to) in [
                (json!("public"), vec![0, 1, 2]),
                (json!("friends"), vec![0, 1]),
                (json!("only_me"), vec![1 - others]),
                (json!({"kind": "custom"}), vec![0, 1]),
            ] {
                let post = author.post_to(&audience, "waits").await;
                for reader in goes_to {
                    expected[reader].push(post.clone());
                }
            }
        }
    }
    let gone = me.post_to(&json!("public"), "does not wait").await;
    me.delete(&format!("/v1/posts/{gone}"))
        .await
        .expect_status(204);
    let _worker = app.start_beside(&[]).await;
    wait_until_fanned_out(&app).await;
    for (person, mut expected) in readers.into_iter().zip(expected) {
        expected.reverse();
        let feed = person.get("/v1/feed?limit=100").await.ids();
        assert_eq!(feed, expected, "{}", person.username);
        assert!(is_built(&app, &person.id).await, "it came from Postgres");
    }
}
