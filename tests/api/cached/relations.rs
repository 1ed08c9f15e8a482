//! What lies between people.

use std::time::Duration;

use chrono::TimeDelta;
use kith::admin::accounts;
use kith::platform::write::{Tx, transaction};
use serde_json::{Value, json};

use super::{Pair, Way, in_three_ways};
use crate::notifications::settle;
use crate::support::{Session, TestApp, mode};

in_three_ways!(
    an_ended_friendship_leaves_both_lists_at_once,
    a_block_hides_both_at_once,
    a_ban_hides_everywhere_at_once,
    a_request_is_counted_at_once,
    a_mute_ends_by_itself,
    a_circle_changes_everywhere_at_once,
);

async fn relationship(viewer: &Session, other: &Session) -> Value {
    let path = format!("/v1/relationships?ids={}", other.id);
    viewer.get(&path).await.expect_status(200).json["data"][0].clone()
}

async fn an_ended_friendship_leaves_both_lists_at_once(pair: Pair) {
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    let carol = pair.one.person("carol").await;
    carol.befriend(&alice).await;
    carol.befriend(&bob).await;
    let (alice_there, bob_there) = (pair.there(&alice), pair.there(&bob));
    let both = [(&alice_there, &bob), (&bob_there, &alice)];
    for (viewer, other) in both {
        let between = relationship(viewer, other).await;
        assert_eq!(between["friendship"], "friends");
        assert_eq!(between["mutual_friends"], 1);
        assert!(viewer.get("/v1/friends").await.ids().contains(&other.id));
    }
    alice
        .delete(&format!("/v1/friends/{}", bob.id))
        .await
        .expect_status(200);
    for (viewer, other) in both {
        assert_eq!(relationship(viewer, other).await["friendship"], "none");
        assert!(!viewer.get("/v1/friends").await.ids().contains(&other.id));
    }
    // Carol is told of it too: the two had been her friends' friends.
    carol
        .delete(&format!("/v1/friends/{}", alice.id))
        .await
        .expect_status(200);
    for (viewer, other) in both {
        assert_eq!(relationship(viewer, other).await["mutual_friends"], 0);
    }
}

async fn a_block_hides_both_at_once(pair: Pair) {
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    let (alice_there, bob_there) = (pair.there(&alice), pair.there(&bob));
    let seen = async |viewer: &Session, other: &Session| {
        let by_id = viewer.get(&format!("/v1/users/{}", other.id)).await.status;
        let name = format!("/v1/users/@{}/posts", other.username);
        let listed = viewer.get(&format!("/v1/users?ids={}", other.id)).await;
        (by_id, viewer.get(&name).await.status, listed.ids().len())
    };
    let both = [(&alice_there, &bob), (&bob_there, &alice)];
    for (viewer, other) in both {
        assert_eq!(seen(viewer, other).await, (200, 200, 1));
    }
    let block = format!("/v1/users/{}/block", bob.id);
    alice.set(&block).await.expect_status(200);
    for (viewer, other) in both {
        assert_eq!(seen(viewer, other).await, (404, 404, 0));
    }
    assert_eq!(relationship(&alice_there, &bob).await["blocking"], true);
    assert!(relationship(&bob_there, &alice).await.is_null());
    alice.delete(&block).await.expect_status(200);
    for (viewer, other) in both {
        assert_eq!(seen(viewer, other).await, (200, 200, 1));
        assert_eq!(relationship(viewer, other).await["friendship"], "none");
    }
}

async fn a_ban_hides_everywhere_at_once(pair: Pair) {
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    let carol = pair.one.person("carol").await;
    carol.befriend(&alice).await;
    carol.befriend(&bob).await;
    let there = pair.there(&alice);
    assert_eq!(relationship(&there, &bob).await["mutual_friends"], 1);
    let profile = format!("/v1/users/{}", carol.id);
    there.get(&profile).await.expect_status(200);
    let carol_id = carol.id.parse().expect("an id");
    transaction(&pair.one.ctx, async |tx: &mut Tx| {
        accounts::suspend(tx, carol_id, None, None).await
    })
    .await
    .expect("suspends");
    there.get(&profile).await.expect_status(404);
    assert_eq!(relationship(&there, &bob).await["mutual_friends"], 0);
    assert_eq!(there.get("/v1/friends").await.ids(), [bob.id.as_str()]);
    // The connection lives on this test's runtime, and kith could not close it from its own.
    pair.one.ctx.db().close().await;
}

async fn a_request_is_counted_at_once(pair: Pair) {
    let (alice, bob) = (pair.one.person("alice").await, pair.one.person("bob").await);
    let there = pair.there(&bob);
    let pending = async || {
        let counts = there.get("/v1/me/counts").await.expect_status(200);
        counts.json["friend_requests"].clone()
    };
    assert_eq!(pending().await, json!({"unseen": 0, "pending": 0}));
    assert_eq!(relationship(&there, &alice).await["friendship"], "none");
    let request = alice
        .post("/v1/friend-requests", &json!({"user_id": bob.id}))
        .await
        .expect_status(201);
    let between = relationship(&there, &alice).await;
    assert_eq!(between["friendship"], "incoming");
    assert_eq!(between["friend_request_id"], request.json["id"]);
    pair.expect_there(json!({"unseen": 1, "pending": 1}), pending)
        .await;
    let path = format!("/v1/friend-requests/{}", request.id());
    alice.delete(&path).await.expect_status(204);
    assert_eq!(relationship(&there, &alice).await["friendship"], "none");
    pair.expect_there(json!({"unseen": 0, "pending": 0}), pending)
        .await;
}

async fn a_mute_ends_by_itself(pair: Pair) {
    let (alice, bob) = (pair.one.person("alice").await, pair.one.person("bob").await);
    let there = pair.there(&alice);
    assert!(relationship(&there, &bob).await["muted_until"].is_null());
    let now = || pair.one.ctx.now();
    let until = now() + TimeDelta::milliseconds(700);
    alice
        .put(
            &format!("/v1/users/{}/mute", bob.id),
            &json!({"until": until}),
        )
        .await
        .expect_status(200);
    assert!(relationship(&there, &bob).await["muted_until"].is_string());
    let left = u64::try_from(until.micros() - now().micros()).unwrap_or_default();
    tokio::time::sleep(Duration::from_micros(left) + Duration::from_millis(5)).await;
    for viewer in [&alice, &there] {
        assert!(relationship(viewer, &bob).await["muted_until"].is_null());
    }
}

async fn a_circle_changes_everywhere_at_once(pair: Pair) {
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    let there = pair.there(&alice);
    assert!(there.get("/v1/circles").await.ids().is_empty());
    let made = alice.post("/v1/circles", &json!({"name": "Close"})).await;
    let path = format!("/v1/circles/{}", made.expect_status(201).id());
    let member = format!("{path}/members/{}", bob.id);
    let seen = async || {
        let listed = there.get("/v1/circles").await.json["data"][0].clone();
        let shown = there.get(&path).await.json;
        let members = shown["members"].as_array().map(Vec::len);
        let counts = [&listed, &shown].map(|circle| circle["member_count"].as_i64());
        (counts, members, shown["name"].as_str().map(str::to_owned))
    };
    let with = |count: usize, name: &str| {
        let counted = i64::try_from(count).ok();
        ([counted; 2], Some(count), Some(name.to_owned()))
    };
    pair.expect_there(with(0, "Close"), seen).await;
    alice.set(&member).await.expect_status(200);
    pair.expect_there(with(1, "Close"), seen).await;
    let renamed = alice.patch(&path, &json!({"name": "Closer"})).await;
    renamed.expect_status(200);
    pair.expect_there(with(1, "Closer"), seen).await;
    alice
        .delete(&format!("/v1/friends/{}", bob.id))
        .await
        .expect_status(200);
    pair.expect_there(with(0, "Closer"), seen).await;
    alice.delete(&path).await.expect_status(204);
    pair.expect_there(([None; 2], None, None), seen).await;
}

/// Entries of a space that were answered without a load, and those that were loaded.
fn figures(app: &TestApp, space: &str) -> (u64, u64) {
    let figures = app.ctx.cache().figures();
    let found = figures
        .iter()
        .find(|(described, _)| described.name == space);
    let (_, figures) = found.expect("the space is there");
    (figures.l1_hits + figures.l2_hits, figures.misses)
}

#[tokio::test]
async fn a_person_without_friends_is_cached_too() {
    // What decides who sees whom is read from Postgres where there is no Redis.
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let pair = Pair::start(Way::Layered).await;
    let (loner, bob) = (pair.one.person("loner").await, pair.one.person("bob").await);
    let profile = format!("/v1/users/{}", bob.id);
    loner.get(&profile).await.expect_status(200);
    loner.get("/v1/circles").await.expect_status(200);
    loner.get("/v1/me/counts").await.expect_status(200);
    let spaces = ["ties", "standing", "circles", "friend-requests"];
    let before = spaces.map(|space| figures(&pair.one, space));
    loner.get(&profile).await.expect_status(200);
    loner.get("/v1/circles").await.expect_status(200);
    loner.get("/v1/me/counts").await.expect_status(200);
    for (space, (hits, misses)) in spaces.into_iter().zip(before) {
        let (hits_now, misses_now) = figures(&pair.one, space);
        assert!(hits_now > hits, "{space}: no hit");
        assert_eq!(misses_now, misses, "{space}: loaded again");
    }
}

#[tokio::test]
async fn a_second_read_takes_no_statement_but_the_session() {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let pair = Pair::start(Way::Layered).await;
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    // The friendship is told, which changes counts.
    settle(&pair.one).await;
    let session = alice.get("/v1/nothing").await.sql();
    for path in [
        "/v1/me".to_owned(),
        "/v1/me/settings".to_owned(),
        "/v1/me/counts".to_owned(),
        "/v1/circles".to_owned(),
        format!("/v1/users/{}", bob.id),
        format!("/v1/users/@{}", bob.username),
        format!("/v1/users?ids={},{}", alice.id, bob.id),
        format!("/v1/relationships?ids={}", bob.id),
    ] {
        alice.get(&path).await.expect_status(200);
        let again = alice.get(&path).await.expect_status(200);
        assert_eq!(again.sql(), session, "{path}");
    }
}
