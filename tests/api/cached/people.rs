//! People: names, settings, numbers.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Pair, expect_within, in_three_ways};
use crate::support::{Session, TestApp};

in_three_ways!(
    a_new_name_is_told_everywhere_at_once,
    what_a_feed_shows_of_a_post_changes_everywhere_at_once,
    a_name_that_nobody_had_is_found_once_somebody_has_it,
    settings_change_everywhere_at_once,
    numbers_change_everywhere_at_once,
    a_confirmed_address_is_told_at_once,
    a_change_by_hand_is_known_within_a_second,
);

/// What somebody has written.
struct Places {
    post_id: String,
    conversation_id: String,
}

/// All the places that say what the author is called.
async fn names(reader: &Session, author: &Session, places: &Places, wanted: &str) -> Vec<String> {
    let Places {
        post_id,
        conversation_id,
    } = places;
    let profile = reader.get(&format!("/v1/users/{}", author.id)).await;
    let post = reader.get(&format!("/v1/posts/{post_id}")).await;
    let comments = reader.get(&format!("/v1/posts/{post_id}/comments")).await;
    let friends = reader.get("/v1/friends").await;
    let search = reader.get(&format!("/v1/search/users?q={wanted}")).await;
    let feed = reader.get("/v1/feed").await;
    let messages = format!("/v1/conversations/{conversation_id}/messages");
    let messages = reader.get(&messages).await;
    let name = |value: &Value| value["username"].as_str().unwrap_or("-").to_owned();
    vec![
        name(&profile.expect_status(200).json),
        name(&post.expect_status(200).json["author"]),
        name(&comments.expect_status(200).json["data"][0]["author"]),
        name(&friends.expect_status(200).json["data"][0]),
        name(&search.expect_status(200).json["data"][0]),
        name(&feed.expect_status(200).json["data"][0]["author"]),
        name(&messages.expect_status(200).json["data"][0]["author"]),
    ]
}

async fn a_new_name_is_told_everywhere_at_once(pair: Pair) {
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    let post_id = alice.post_to(&json!({"kind": "friends"}), "hello").await;
    alice.comment_on(&post_id, "first").await;
    let members = json!({"member_ids": [bob.id]});
    let conversation = alice.post("/v1/conversations", &members).await;
    let conversation_id = conversation.expect_status(201).id();
    let messages = format!("/v1/conversations/{conversation_id}/messages");
    let said = alice.post(&messages, &json!({"content": "hello"})).await;
    said.expect_status(201);
    let places = Places {
        post_id,
        conversation_id,
    };
    for reader in [&bob, &pair.there(&bob)] {
        for _ in 0..2 {
            let before = names(reader, &alice, &places, &alice.username).await;
            assert_eq!(before, vec![alice.username.clone(); 7]);
        }
        let path = format!("/v1/users/@{}", alice.username);
        reader.get(&path).await.expect_status(200);
    }
    let change = json!({"username": "renamed", "display_name": "Renamed"});
    alice.patch("/v1/me", &change).await.expect_status(200);
    for reader in [&bob, &pair.there(&bob)] {
        let after = names(reader, &alice, &places, "renamed").await;
        assert_eq!(after, vec!["renamed"; 7]);
    }
    let old = format!("/v1/users/@{}", alice.username);
    bob.get(&old).await.expect_status(308);
    bob.get("/v1/users/@renamed").await.expect_status(200);
    let there = pair.there(&bob);
    pair.expect_there((308, 200), async || {
        let old = there.get(&old).await.status;
        (old, there.get("/v1/users/@renamed").await.status)
    })
    .await;
}

/// The first of a list, without its address, which begins with that of the instance.
async fn first(reader: &Session, path: &str) -> Value {
    let mut list = reader.get(path).await.expect_status(200);
    let post = list.json["data"][0].as_object_mut().expect("a post");
    post.remove("url");
    Value::Object(std::mem::take(post))
}

/// The post as the feed has it, and as it is by itself.
async fn in_feed(reader: &Session) -> Value {
    first(reader, "/v1/feed").await
}

async fn by_itself(reader: &Session, post_id: &str) -> Value {
    first(reader, &format!("/v1/posts?ids={post_id}")).await
}

async fn what_a_feed_shows_of_a_post_changes_everywhere_at_once(pair: Pair) {
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    let carol = pair.one.person("carol").await;
    let post_id = alice.post_to(&json!("public"), "hello").await;
    let there = pair.there(&bob);
    let post = format!("/v1/posts/{post_id}");
    let rename = json!({"username": "renamed"});
    let edit = json!({"content": "hello again"});
    let like = json!({"kind": "love"});
    let comment = json!({"content": "first"});
    for (shows, wanted) in [
        ("/author/username", json!("renamed")),
        ("/content", json!("hello again")),
        ("/counts/reactions/love", json!(1)),
        ("/counts/comments", json!(1)),
    ] {
        // What is cached is cached now.
        for reader in [&bob, &there, &bob, &there] {
            assert_ne!(in_feed(reader).await.pointer(shows), Some(&wanted));
        }
        let changed = match shows {
            "/author/username" => alice.patch("/v1/me", &rename).await,
            "/content" => alice.patch(&post, &edit).await,
            "/counts/comments" => carol.post(&format!("{post}/comments"), &comment).await,
            _ => carol.put(&format!("{post}/reaction"), &like).await,
        };
        assert!(changed.status < 300, "{shows}: {}", changed.status);
        let truth = by_itself(&bob, &post_id).await;
        assert_eq!(truth.pointer(shows), Some(&wanted), "{shows}");
        assert_eq!(in_feed(&bob).await, truth, "{shows}");
        pair.expect_there(truth.clone(), async || in_feed(&there).await)
            .await;
        pair.expect_there(truth, async || by_itself(&there, &post_id).await)
            .await;
    }
}

async fn a_name_that_nobody_had_is_found_once_somebody_has_it(pair: Pair) {
    let bob = pair.one.person("bob").await;
    for reader in [&bob, &pair.there(&bob)] {
        for name in ["newcomer", "former"] {
            let path = format!("/v1/users/@{name}");
            reader.get(&path).await.expect_status(404);
        }
    }
    pair.one.register("newcomer").await;
    let change = json!({"username": "former"});
    let carol = pair.one.person("carol").await;
    carol.patch("/v1/me", &change).await.expect_status(200);
    let there = pair.there(&bob);
    for name in ["newcomer", "former"] {
        let path = format!("/v1/users/@{name}");
        bob.get(&path).await.expect_status(200);
        pair.expect_there(200, async || there.get(&path).await.status)
            .await;
    }
}

async fn settings_change_everywhere_at_once(pair: Pair) {
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    let (alice_there, bob_there) = (pair.there(&alice), pair.there(&bob));
    let friends = format!("/v1/users/{}/friends", alice.id);
    let profile = format!("/v1/users/{}", alice.id);
    for reader in [&bob, &bob_there] {
        reader.get(&friends).await.expect_status(200);
        assert_eq!(reader.get(&profile).await.json["counts"]["friends"], 1);
    }
    alice_there.get("/v1/me/settings").await.expect_status(200);
    let change = json!({"who_sees_friends": "only_me", "client": {"theme": ["dark", 1.5]}});
    let changed = alice.patch("/v1/me/settings", &change).await;
    assert_eq!(changed.json["client"], change["client"]);
    for reader in [&bob, &bob_there] {
        reader.get(&friends).await.expect_status(403);
        assert!(reader.get(&profile).await.json["counts"]["friends"].is_null());
    }
    let settings = alice_there.get("/v1/me/settings").await.expect_status(200);
    assert_eq!(settings.json, changed.json);
    assert_eq!(settings.header("etag"), changed.header("etag"));
}

async fn numbers_change_everywhere_at_once(pair: Pair) {
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    let there = pair.there(&bob);
    let profile = format!("/v1/users/{}", alice.id);
    let counts = async |reader: &Session| {
        let counts = reader.get(&profile).await.expect_status(200).json["counts"].clone();
        ["friends", "followers", "posts"].map(|name| counts[name].as_i64().expect("a number"))
    };
    for reader in [&bob, &there] {
        assert_eq!(counts(reader).await, [1, 0, 0]);
    }
    bob.set(&format!("/v1/users/{}/follow", alice.id))
        .await
        .expect_status(200);
    for audience in ["public", "friends", "only_me"] {
        alice.post_to(&json!({"kind": audience}), "one").await;
    }
    assert_eq!(counts(&bob).await, [1, 1, 2]);
    pair.expect_there([1, 1, 2], async || counts(&there).await)
        .await;
    let me = alice.get("/v1/me").await.expect_status(200);
    assert_eq!(me.json["counts"]["posts"], 3);
}

async fn a_confirmed_address_is_told_at_once(pair: Pair) {
    let alice = pair.one.person("alice").await;
    let there = pair.there(&alice);
    for reader in [&alice, &there] {
        let me = reader.get("/v1/me").await.expect_status(200);
        assert_eq!(me.json["email_verified"], false);
    }
    sqlx::query("update credential set email_verified_at = now()")
        .execute(&pair.one.db)
        .await
        .expect("changes");
    for reader in [&alice, &there] {
        let verified = async || reader.get("/v1/me").await.json["email_verified"].clone();
        expect_within(Duration::from_millis(1_300), json!(true), verified).await;
    }
}

async fn a_change_by_hand_is_known_within_a_second(pair: Pair) {
    let (alice, bob) = pair.one.friends("alice", "bob").await;
    let there = pair.there(&bob);
    let profile = format!("/v1/users/{}", alice.id);
    for reader in [&bob, &there] {
        reader.get(&profile).await.expect_status(200);
    }
    sqlx::query("update account set display_name = 'By hand' where username = $1")
        .bind(&alice.username)
        .execute(&pair.one.db)
        .await
        .expect("changes");
    for reader in [&bob, &there] {
        let name = async || reader.get(&profile).await.json["display_name"].clone();
        expect_within(Duration::from_secs(1), json!("By hand"), name).await;
    }
}

#[tokio::test]
async fn a_new_post_reads_nothing_that_the_cache_has_or_its_writer_knows() {
    let Some(app) = TestApp::with_cache(&[]).await else {
        return;
    };
    let ann = app.person("ann").await;
    let mut counts = Vec::new();
    for _ in 0..4 {
        let reply = ann.post("/v1/posts", &json!({"content": "hello"})).await;
        counts.push(reply.expect_status(201).sql());
    }
    // The post, its author's numbers, what is left for others, and the commit. The relay or a slow Redis may make
    // one dearer.
    assert_eq!(counts.iter().min(), Some(&4), "{counts:?}");
}
