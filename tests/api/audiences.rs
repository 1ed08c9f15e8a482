//! Who sees which post, on every path that reads posts.

use serde_json::{Value, json};

use crate::support::{Anyone, Session, TestApp};

/// Whether somebody sees a post, as every path agrees.
async fn sees(who: &Anyone, author: &Session, post_id: &str) -> bool {
    let alone = who.get(&format!("/v1/posts/{post_id}")).await.status == 200;
    let batch = who.get(&format!("/v1/posts?ids={post_id}")).await;
    let listed = who.walk(&format!("/v1/users/{}/posts", author.id), 2).await;
    let history = who.get(&format!("/v1/posts/{post_id}/history")).await;
    let reactions = who.get(&format!("/v1/posts/{post_id}/reactions")).await;
    assert_eq!(!batch.expect_status(200).ids().is_empty(), alone);
    assert_eq!(listed.iter().any(|post| post["id"] == post_id), alone);
    assert_eq!(history.status, if alone { 200 } else { 404 });
    assert_eq!(reactions.status, if alone { 200 } else { 404 });
    alone
}

async fn circle_of(owner: &Session, name: &str, members: &[&Session]) -> String {
    let circle = owner
        .post("/v1/circles", &json!({"name": name}))
        .await
        .expect_status(201)
        .id();
    for member in members {
        owner
            .set(&format!("/v1/circles/{circle}/members/{}", member.id))
            .await
            .expect_status(200);
    }
    circle
}

#[tokio::test]
async fn an_audience_is_who_sees_a_post() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let other = app.person("other").await;
    author.befriend(&other).await;
    let stranger = app.person("stranger").await;
    let anyone = app.anyone();
    let custom = |lists: Value| {
        let mut audience = json!({"kind": "custom"});
        for (name, list) in lists.as_object().expect("lists") {
            audience[name] = list.clone();
        }
        audience
    };
    let (f, o, s) = (&friend.id, &other.id, &stranger.id);
    let cases = [
        (json!("public"), [true, true, true, true]),
        (json!("friends"), [true, true, false, false]),
        (json!("only_me"), [false, false, false, false]),
        (custom(json!({})), [true, true, false, false]),
        (custom(json!({"allow": [f]})), [true, false, false, false]),
        (custom(json!({"deny": [f]})), [false, true, false, false]),
        (
            custom(json!({"allow": [f, o], "deny": [f]})),
            [false, true, false, false],
        ),
        (custom(json!({"allow": [s]})), [false, false, false, false]),
    ];
    for (audience, expected) in cases {
        let post = author.post_to(&audience, "who sees this?").await;
        assert!(sees(&author, &author, &post).await, "{audience}");
        let seen = [
            sees(&friend, &author, &post).await,
            sees(&other, &author, &post).await,
            sees(&stranger, &author, &post).await,
            sees(&anyone, &author, &post).await,
        ];
        assert_eq!(seen, expected, "{audience}");
    }
}

#[tokio::test]
async fn a_circle_stands_for_its_members_and_deleting_it_never_widens() {
    let app = TestApp::start().await;
    let (author, near) = app.friends("author", "near").await;
    let far = app.person("far").await;
    author.befriend(&far).await;
    let circle = circle_of(&author, "near ones", &[&near]).await;
    let allowed = json!({"kind": "custom", "allow": [circle]});
    let allowed = author.post_to(&allowed, "for the circle").await;
    let denied = json!({"kind": "custom", "deny": [circle]});
    let denied = author.post_to(&denied, "for all but the circle").await;
    for deleted in [false, true] {
        if deleted {
            author
                .delete(&format!("/v1/circles/{circle}"))
                .await
                .expect_status(204);
        }
        assert!(sees(&near, &author, &allowed).await);
        assert!(!sees(&far, &author, &allowed).await);
        assert!(!sees(&near, &author, &denied).await);
        assert!(sees(&far, &author, &denied).await);
    }
    // An edit may name what is in the lists already, and a new post may not.
    let again = json!({"audience": {"kind": "custom", "allow": [circle, far.id]}});
    let path = format!("/v1/posts/{allowed}");
    author.patch(&path, &again).await.expect_status(200);
    assert!(sees(&far, &author, &allowed).await);
    let new = json!({"content": "x", "audience": {"kind": "custom", "allow": [circle]}});
    let refused = author.post("/v1/posts", &new).await;
    refused.expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn narrowing_and_blocking_take_effect_at_once() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("public"), "now you see me").await;
    let path = format!("/v1/posts/{post}");
    let tag = friend.get(&path).await.header("etag").expect("a tag");
    let narrow = |audience: &str| json!({"audience": audience});
    author
        .patch(&path, &narrow("friends"))
        .await
        .expect_status(200);
    let reply = friend.get(&path).await.expect_status(200);
    assert_ne!(reply.header("etag").expect("a tag"), tag);
    app.anyone()
        .get(&path)
        .await
        .expect_problem(404, "not_found");
    author
        .patch(&path, &narrow("only_me"))
        .await
        .expect_status(200);
    friend.get(&path).await.expect_problem(404, "not_found");
    friend
        .put(&format!("{path}/reaction"), &json!({"kind": "like"}))
        .await
        .expect_problem(404, "not_found");
    author
        .patch(&path, &narrow("public"))
        .await
        .expect_status(200);
    assert!(sees(&friend, &author, &post).await);
    author
        .set(&format!("/v1/users/{}/block", friend.id))
        .await
        .expect_status(200);
    friend.get(&path).await.expect_problem(404, "not_found");
    let list = format!("/v1/users/{}/posts", author.id);
    friend.get(&list).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn only_the_author_sees_the_lists_and_they_are_checked() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let audience = json!({"kind": "custom", "allow": [friend.id]});
    let post = author.post_to(&audience, "for you").await;
    let path = format!("/v1/posts/{post}");
    let own = author.get(&path).await.json["audience"].clone();
    assert_eq!(
        own,
        json!({"kind": "custom", "allow": [friend.id], "deny": []})
    );
    let theirs = friend.get(&path).await.json["audience"].clone();
    assert_eq!(theirs, json!({"kind": "custom"}));
    let nobody = "01938b2f-5a00-7000-8000-000000000001";
    for (audience, pointer, code) in [
        (
            json!({"kind": "custom", "allow": [nobody]}),
            "/audience/allow/0",
            "unknown_audience_member",
        ),
        (
            json!({"kind": "custom", "deny": [friend.id, nobody]}),
            "/audience/deny/1",
            "unknown_audience_member",
        ),
        (
            json!({"kind": "custom", "allow": []}),
            "/audience/allow",
            "too_few",
        ),
        (
            json!({"kind": "friends", "deny": [nobody]}),
            "/audience/deny",
            "not_custom",
        ),
        (json!("everybody"), "/audience", "invalid_value"),
    ] {
        let body = json!({"content": "x", "audience": audience});
        let reply = author.post("/v1/posts", &body).await;
        let error = &reply.expect_problem(422, "validation_failed").json["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(pointer), &json!(code))
        );
    }
}

#[tokio::test]
async fn a_share_never_widens_the_audience_of_its_original() {
    let app = TestApp::start().await;
    let (author, sharer) = app.friends("author", "sharer").await;
    let stranger = app.person("stranger").await;
    let original = author.post_to(&json!("friends"), "among friends").await;
    let share = json!({"content": "look", "audience": "public", "shared_post_id": original});
    let share = sharer.post("/v1/posts", &share).await.expect_status(201);
    assert_eq!(share.json["shared_post"]["content"], "among friends");
    let path = format!("/v1/posts/{}", share.id());
    for reader in [&*stranger, &app.anyone()] {
        let seen = reader.get(&path).await.expect_status(200);
        assert_eq!(seen.json["shared_post"], json!({"unavailable": true}));
        assert_ne!(seen.json["viewer"]["can_share"], true);
    }
    // Sharing the share shares the original, and its audience decides.
    let again = json!({"audience": "public", "shared_post_id": share.id()});
    let refused = stranger.post("/v1/posts", &again).await;
    let error = &refused.expect_problem(422, "validation_failed").json["errors"][0];
    assert_eq!(
        (&error["pointer"], &error["code"]),
        (&json!("/shared_post_id"), &json!("not_found"))
    );
    let second = author.post("/v1/posts", &again).await.expect_status(201);
    assert_eq!(second.json["shared_post"]["id"], json!(original));
    let counted = format!("/v1/posts/{original}");
    assert_eq!(author.get(&counted).await.json["counts"]["shares"], 2);
    sharer.delete(&path).await.expect_status(204);
    assert_eq!(author.get(&counted).await.json["counts"]["shares"], 1);
    sharer
        .act(&format!("{path}/restore"))
        .await
        .expect_status(200);
    assert_eq!(author.get(&counted).await.json["counts"]["shares"], 2);
    let narrow = json!({"audience": "only_me"});
    author.patch(&counted, &narrow).await.expect_status(200);
    let seen = sharer.get(&path).await.expect_status(200);
    assert_eq!(seen.json["shared_post"], json!({"unavailable": true}));
}

#[tokio::test]
async fn a_chosen_audience_is_not_passed_on_by_others() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let audience = json!({"kind": "custom", "allow": [friend.id]});
    let post = author.post_to(&audience, "between us").await;
    let seen = friend.get(&format!("/v1/posts/{post}")).await;
    assert_eq!(seen.json["viewer"]["can_share"], false);
    let share = json!({"content": "x", "shared_post_id": post});
    let refused = friend.post("/v1/posts", &share).await;
    let error = &refused.expect_problem(422, "validation_failed").json["errors"][0];
    assert_eq!(error["code"], "not_shareable");
    author.post("/v1/posts", &share).await.expect_status(201);
}
