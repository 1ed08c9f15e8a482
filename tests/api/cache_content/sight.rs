//! Nobody reads from the cache what is not for them, from the moment on in which it is not.

use serde_json::json;

use super::{Pair, in_each_way};

in_each_way!(
    a_post_that_a_friend_has_warmed_is_not_for_strangers,
    whoever_is_no_longer_meant_sees_nothing_at_once,
    a_circle_that_somebody_left_shows_them_nothing_at_once,
    a_share_hides_an_original_that_was_narrowed,
    blocked_people_are_left_out_and_pages_are_filled,
);

async fn a_post_that_a_friend_has_warmed_is_not_for_strangers(pair: Pair) {
    let (author, friend) = pair.one.friends("author", "friend").await;
    let stranger = pair.one.person("stranger").await;
    let audience = json!({"kind": "custom", "allow": [friend.id]});
    let post = author.post_to(&audience, "for one").await;
    let comment = author.comment_on(&post, "and this").await;
    let paths = [
        format!("/v1/posts/{post}"),
        format!("/v1/posts/{post}/comments"),
        format!("/v1/posts/{post}/reactions"),
        format!("/v1/posts/{post}/history"),
        format!("/v1/comments/{comment}"),
    ];
    for path in paths {
        for app in [&pair.one, &pair.other] {
            let friend = friend.at(&app.url);
            friend.get(&path).await.expect_status(200);
            let own = author.at(&app.url).get(&path).await.expect_status(200);
            for reader in [&*stranger.at(&app.url), &app.anyone()] {
                reader.get(&path).await.expect_problem(404, "not_found");
            }
            // What only the author sees is not left behind for others, either.
            let seen = friend.get(&path).await.json;
            if own.json["audience"]["allow"].is_array() {
                assert_eq!(seen["audience"], json!({"kind": "custom"}), "{path}");
            }
        }
    }
}

async fn whoever_is_no_longer_meant_sees_nothing_at_once(pair: Pair) {
    let (author, friend) = pair.one.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "among friends").await;
    let path = format!("/v1/posts/{post}");
    let there = pair.at_other(&friend);
    let list = format!("/v1/users/{}/posts", author.id);
    let comments = format!("{path}/comments");
    let gone = async || {
        for who in [&friend, &there] {
            who.get(&path).await.expect_problem(404, "not_found");
            who.get(&comments).await.expect_problem(404, "not_found");
            assert!(!who.get(&list).await.ids().contains(&post));
        }
    };
    let seen = async || {
        for who in [&friend, &there] {
            who.get(&path).await.expect_status(200);
            who.get(&comments).await.expect_status(200);
        }
        assert_eq!(there.get(&list).await.ids(), std::slice::from_ref(&post));
    };
    seen().await;
    for (audience, is_seen) in [("only_me", false), ("friends", true)] {
        let change = json!({"audience": audience});
        author.patch(&path, &change).await.expect_status(200);
        if is_seen { seen().await } else { gone().await }
    }
    let unfriend = format!("/v1/friends/{}", friend.id);
    author.delete(&unfriend).await.expect_status(200);
    gone().await;
}

async fn a_circle_that_somebody_left_shows_them_nothing_at_once(pair: Pair) {
    let (author, friend) = pair.one.friends("author", "friend").await;
    let circle = author
        .post("/v1/circles", &json!({"name": "ring"}))
        .await
        .id();
    let member = format!("/v1/circles/{circle}/members/{}", friend.id);
    author.set(&member).await.expect_status(200);
    let only = json!({"kind": "custom", "allow": [circle]});
    let only = author.post_to(&only, "for the circle").await;
    let but = json!({"kind": "custom", "deny": [circle]});
    let but = author.post_to(&but, "for all but the circle").await;
    let there = pair.at_other(&friend);
    let statuses = async || {
        let mut found = Vec::new();
        for who in [&friend, &there] {
            for post in [&only, &but] {
                found.push(who.get(&format!("/v1/posts/{post}")).await.status);
            }
        }
        found
    };
    assert_eq!(statuses().await, [200, 404, 200, 404]);
    author.delete(&member).await.expect_status(200);
    assert_eq!(statuses().await, [404, 200, 404, 200]);
    author.set(&member).await.expect_status(200);
    assert_eq!(statuses().await, [200, 404, 200, 404]);
}

async fn a_share_hides_an_original_that_was_narrowed(pair: Pair) {
    let (author, friend) = pair.one.friends("author", "friend").await;
    let original = author.post_to(&json!("public"), "the original").await;
    let share = json!({"content": "look", "audience": "public", "shared_post_id": original});
    let share = friend
        .post("/v1/posts", &share)
        .await
        .expect_status(201)
        .id();
    let path = format!("/v1/posts/{share}");
    let there = pair.other.anyone();
    let seen = there.get(&path).await.json;
    assert_eq!(seen["shared_post"]["content"], "the original");
    let narrow = json!({"audience": "friends"});
    let change = format!("/v1/posts/{original}");
    author.patch(&change, &narrow).await.expect_status(200);
    let seen = there.get(&path).await.json;
    assert_eq!(seen["shared_post"], json!({"unavailable": true}));
    let seen = pair.at_other(&friend).get(&path).await.json;
    assert_eq!(seen["shared_post"]["content"], "the original");
}

async fn blocked_people_are_left_out_and_pages_are_filled(pair: Pair) {
    let author = pair.one.person("author").await;
    let post = author.post_to(&json!("public"), "talk").await;
    let (loud, kind) = (pair.one.person("loud").await, pair.one.person("kind").await);
    let viewer = pair.one.person("viewer").await;
    for _ in 0..30 {
        loud.comment_on(&post, "noise").await;
    }
    let mut kind_words = Vec::new();
    for _ in 0..4 {
        kind_words.push(kind.comment_on(&post, "a kind word").await);
    }
    for who in [&loud, &kind] {
        let reaction = format!("/v1/posts/{post}/reaction");
        who.put(&reaction, &json!({"kind": "like"}))
            .await
            .expect_status(200);
    }
    let there = pair.at_other(&viewer);
    let comments = format!("/v1/posts/{post}/comments");
    let reactions = format!("/v1/posts/{post}/reactions");
    assert_eq!(there.get(&comments).await.ids().len(), 20);
    assert_eq!(
        there.get(&reactions).await.json["data"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    let block = format!("/v1/users/{}/block", loud.id);
    viewer.set(&block).await.expect_status(200);
    // A page of three needs more than the entry's first rows, a page of two too.
    for limit in [2, 3, 20] {
        let page = there.get(&format!("{comments}?limit={limit}")).await.ids();
        let expected = kind_words.iter().take(limit).cloned().collect::<Vec<_>>();
        assert_eq!(page, expected, "limit {limit}");
    }
    let newest = there
        .get(&format!("{comments}?order=newest&limit=3"))
        .await
        .ids();
    let expected: Vec<String> = kind_words.iter().rev().take(3).cloned().collect();
    assert_eq!(newest, expected);
    let left = there.get(&reactions).await.json["data"].clone();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    assert_eq!(left[0]["user"]["id"], json!(kind.id));
}
