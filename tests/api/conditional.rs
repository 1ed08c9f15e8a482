//! Entity tags, conditions and what may be kept by whom.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Reply, Session, TestApp};

async fn get_if_changed(who: &Session, path: &str, tag: &str) -> Reply {
    let request = who.request(Method::GET, path);
    who.send(request.header("If-None-Match", tag)).await
}

async fn patch_if(who: &Session, path: &str, tag: &str, change: &Value) -> Reply {
    let request = who.request(Method::PATCH, path).header("If-Match", tag);
    who.send(request.json(change)).await
}

fn tag_of(reply: &Reply) -> String {
    reply.header("etag").expect("a tag")
}

/// Objects with tags, each with an edit of it.
async fn objects(me: &Session) -> Vec<(String, Value)> {
    let post = me.post_to(&json!("friends"), "a post").await;
    let comment = me.comment_on(&post, "a comment").await;
    let circle = me.post("/v1/circles", &json!({"name": "c"})).await.id();
    vec![
        (format!("/v1/posts/{post}"), json!({"content": "edited"})),
        (
            format!("/v1/comments/{comment}"),
            json!({"content": "edited"}),
        ),
        (format!("/v1/circles/{circle}"), json!({"name": "renamed"})),
        ("/v1/me".to_owned(), json!({"bio": "edited"})),
        ("/v1/me/settings".to_owned(), json!({"searchable": false})),
    ]
}

#[tokio::test]
async fn a_copy_is_current_until_the_object_changes_and_an_edit_needs_the_current_one() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    for (path, change) in objects(&me).await {
        let first = me.get(&path).await.expect_status(200);
        let tag = tag_of(&first);
        let known = get_if_changed(&me, &path, &tag).await.expect_status(304);
        assert_eq!(known.json, Value::Null);
        assert_eq!(
            (tag_of(&known), tag_of(&me.get(&path).await)),
            (tag.clone(), tag.clone())
        );
        assert_eq!(known.header("cache-control"), first.header("cache-control"));
        for stale in [
            "\"0-0011223344556677\"",
            "\"999-0011223344556677\"",
            "\"x\"",
            "x",
        ] {
            get_if_changed(&me, &path, stale).await.expect_status(200);
            patch_if(&me, &path, stale, &change)
                .await
                .expect_problem(412, "precondition_failed");
        }
        let edited = patch_if(&me, &path, &tag, &change).await.expect_status(200);
        let new_tag = tag_of(&edited);
        assert_ne!(new_tag, tag, "{path}");
        assert_eq!(
            new_tag,
            tag_of(&me.get(&path).await),
            "{path}: the answer's tag is the object's"
        );
        get_if_changed(&me, &path, &tag).await.expect_status(200);
        patch_if(&me, &path, &tag, &change)
            .await
            .expect_problem(412, "precondition_failed");
        patch_if(&me, &path, "*", &change).await.expect_status(200);
    }
}

#[tokio::test]
async fn a_like_between_reading_and_saving_makes_no_edit_stale_but_every_copy() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let post = me.post_to(&json!("friends"), "a post").await;
    let comment = me.comment_on(&post, "a comment").await;
    for path in [
        format!("/v1/posts/{post}"),
        format!("/v1/comments/{comment}"),
    ] {
        let tag = tag_of(&me.get(&path).await);
        friend
            .put(&format!("{path}/reaction"), &json!({"kind": "like"}))
            .await
            .expect_status(200);
        get_if_changed(&me, &path, &tag).await.expect_status(200);
        patch_if(&me, &path, &tag, &json!({"content": "edited"}))
            .await
            .expect_status(200);
    }
}

#[tokio::test]
async fn a_copy_is_not_confirmed_to_those_who_may_no_longer_see_the_object() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let post = me.post_to(&json!("friends"), "a post").await;
    let comment = me.comment_on(&post, "a comment").await;
    let paths = [
        format!("/v1/posts/{post}"),
        format!("/v1/comments/{comment}"),
    ];
    let mut tags = Vec::new();
    for path in &paths {
        let tag = tag_of(&friend.get(path).await);
        get_if_changed(&friend, path, &tag).await.expect_status(304);
        tags.push(tag);
    }
    let expect_gone = async || {
        for (path, tag) in paths.iter().zip(&tags) {
            for tag in [tag, "*"] {
                let reply = get_if_changed(&friend, path, tag).await;
                reply.expect_problem(404, "not_found");
            }
        }
    };
    friend
        .delete(&format!("/v1/friends/{}", me.id))
        .await
        .expect_status(200);
    expect_gone().await;
    me.befriend(&friend).await;
    friend.get(&paths[0]).await.expect_status(200);
    let narrower = json!({"audience": {"kind": "custom", "deny": [friend.id]}});
    me.patch(&paths[0], &narrower).await.expect_status(200);
    expect_gone().await;
    me.patch(&paths[0], &json!({"audience": "friends"}))
        .await
        .expect_status(200);
    friend.get(&paths[0]).await.expect_status(200);
    let profile = format!("/v1/users/{}", me.id);
    let of_profile = tag_of(&friend.get(&profile).await);
    me.set(&format!("/v1/users/{}/block", friend.id))
        .await
        .expect_status(200);
    expect_gone().await;
    get_if_changed(&friend, &profile, &of_profile)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_tag_belongs_to_what_one_viewer_sees() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let stranger = app.person("stranger").await;
    let post = me.post_to(&json!("public"), "a post").await;
    for path in [format!("/v1/posts/{post}"), format!("/v1/users/{}", me.id)] {
        let mine = tag_of(&me.get(&path).await);
        let theirs = tag_of(&stranger.get(&path).await);
        assert_ne!(mine, theirs, "{path}: an author may do more");
        get_if_changed(&stranger, &path, &mine)
            .await
            .expect_status(200);
    }
    // An audience that changes is told to those who see the post before and after.
    let path = format!("/v1/posts/{post}");
    let tag = tag_of(&friend.get(&path).await);
    me.patch(&path, &json!({"audience": "friends"}))
        .await
        .expect_status(200);
    get_if_changed(&friend, &path, &tag)
        .await
        .expect_status(200);
    // A profile changes for a friend who is one no longer.
    let path = format!("/v1/users/{}", me.id);
    let tag = tag_of(&friend.get(&path).await);
    friend
        .delete(&format!("/v1/friends/{}", me.id))
        .await
        .expect_status(200);
    get_if_changed(&friend, &path, &tag)
        .await
        .expect_status(200);
}

#[tokio::test]
async fn a_share_whose_original_is_gone_is_another_object() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let original = me.post_to(&json!("public"), "the original").await;
    let share = json!({"shared_post_id": original, "audience": "public"});
    let share = friend.post("/v1/posts", &share).await.expect_status(201);
    let path = format!("/v1/posts/{}", share.id());
    let tag = tag_of(&friend.get(&path).await);
    me.delete(&format!("/v1/posts/{original}"))
        .await
        .expect_status(204);
    let seen = get_if_changed(&friend, &path, &tag)
        .await
        .expect_status(200);
    assert_eq!(seen.json["shared_post"]["unavailable"], true);
}

#[tokio::test]
async fn nothing_is_kept_by_anybody_else_and_secrets_by_nobody() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let post = me.post_to(&json!("public"), "a post").await;
    let comment = me.comment_on(&post, "a comment").await;
    let circle = me.post("/v1/circles", &json!({"name": "c"})).await.id();
    let document = serde_json::to_value(kith::app::document()).expect("JSON");
    let mut met = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        if item.get("get").is_none() || !path.starts_with("/v1/") || path == "/v1/realtime/sse" {
            // A stream of events does not end.
            continue;
        }
        let id = match path.split('/').nth(2) {
            Some("posts") => &post,
            Some("comments") => &comment,
            Some("circles") => &circle,
            _ => &me.id,
        };
        let query = match path.as_str() {
            "/v1/posts" => format!("?ids={post}"),
            "/v1/users" | "/v1/relationships" => format!("?ids={}", friend.id),
            path if path.starts_with("/v1/search") => "?q=friend".to_owned(),
            _ => String::new(),
        };
        let reply = me
            .get(&format!("{}{query}", path.replace("{id}", id)))
            .await;
        let rule = reply.header("cache-control");
        let secret = ["/v1/me/sessions", "/v1/me/security-log"].contains(&path.as_str())
            || path.starts_with("/v1/conversations")
            || path.starts_with("/v1/realtime");
        if reply.status == 200 {
            met += 1;
            let expected = if secret {
                "no-store"
            } else {
                "private, no-cache"
            };
            assert_eq!(rule.as_deref(), Some(expected), "{path}");
        } else {
            let rule = rule.expect("a rule");
            assert!(!rule.contains("public"), "{path}: {rule}");
        }
        let vary = reply.header("vary").expect("Vary");
        assert!(vary.contains("Authorization"), "{path}: {vary}");
    }
    assert!(met >= 20, "{met}");
    let login = json!({"login": me.username, "password": PASSWORD});
    let signed_in = app.anyone().post("/v1/auth/login", &login).await;
    let signed_in = signed_in.expect_status(200);
    assert_eq!(
        signed_in.header("cache-control").as_deref(),
        Some("no-store")
    );
    let refresh = json!({"refresh_token": signed_in.json["refresh_token"]});
    let refreshed = app.anyone().post("/v1/auth/refresh", &refresh).await;
    let rule = refreshed.expect_status(200).header("cache-control");
    assert_eq!(rule.as_deref(), Some("no-store"));
    // What looks like a file to a cache in between is not there at all.
    me.get("/v1/me/x.css").await.expect_status(404);
}
