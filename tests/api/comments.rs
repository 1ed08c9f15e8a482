//! Comments and replies.

use serde_json::{Value, json};

use crate::support::{Session, TestApp};

async fn reply_to(who: &Session, post: &str, parent: &str, content: &str) -> String {
    let body = json!({"content": content, "parent_id": parent});
    who.post(&format!("/v1/posts/{post}/comments"), &body)
        .await
        .expect_status(201)
        .id()
}

async fn comment_count(who: &Session, post: &str) -> Value {
    who.get(&format!("/v1/posts/{post}"))
        .await
        .expect_status(200)
        .json["counts"]["comments"]
        .clone()
}

#[tokio::test]
async fn a_thread_is_walked_oldest_first_or_newest_first_or_around_a_comment() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "a post").await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(friend.comment_on(&post, &format!("comment {number}")).await);
    }
    let path = format!("/v1/posts/{post}/comments");
    let walked = |items: Vec<Value>| -> Vec<String> {
        items
            .iter()
            .map(|item| item["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    assert_eq!(walked(author.walk(&path, 2).await), ids);
    let newest = format!("{path}?order=newest");
    let backwards: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(walked(author.walk(&newest, 2).await), backwards);
    let around = author
        .get(&format!("{path}?limit=3&around={}", ids[2]))
        .await;
    assert_eq!(around.expect_status(200).ids(), ids[1..4]);
    author
        .get(&format!("{path}?around=nonsense"))
        .await
        .expect_status(404);
    author
        .get(&format!("{path}?order=best"))
        .await
        .expect_status(422);
    assert_eq!(comment_count(&author, &post).await, 5);
}

#[tokio::test]
async fn replies_stand_under_their_parent_and_end_at_depth_eight() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let post = author.post_to(&json!("public"), "a post").await;
    let top = author.comment_on(&post, "top").await;
    let mut parent = top.clone();
    for depth in 1..=8 {
        let reply = reply_to(&author, &post, &parent, "deeper").await;
        let shown = author
            .get(&format!("/v1/comments/{reply}"))
            .await
            .expect_status(200);
        assert_eq!(
            (&shown.json["depth"], &shown.json["parent_id"]),
            (&json!(depth), &json!(parent))
        );
        assert_eq!(shown.json["viewer"]["can_reply"], depth < 8);
        parent = reply;
    }
    let path = format!("/v1/posts/{post}/comments");
    let refused = author
        .post(&path, &json!({"content": "no", "parent_id": parent}))
        .await;
    assert_eq!(
        refused.expect_status(422).json["errors"][0]["code"],
        "too_deep"
    );
    let other = author.post_to(&json!("public"), "another post").await;
    let elsewhere = author.comment_on(&other, "elsewhere").await;
    author
        .post(&path, &json!({"content": "no", "parent_id": elsewhere}))
        .await
        .expect_status(404);

    for number in 0..3 {
        reply_to(&author, &post, &top, &format!("reply {number}")).await;
    }
    let shown = author
        .get(&format!("{path}?expand=replies"))
        .await
        .expect_status(200);
    assert_eq!(shown.ids(), [&*top]);
    let comment = &shown.json["data"][0];
    assert_eq!(comment["counts"]["replies"], 4);
    assert_eq!(comment["replies"].as_array().map(Vec::len), Some(2));
    let replies = author.walk(&format!("/v1/comments/{top}/replies"), 3).await;
    assert_eq!(replies.len(), 4);
    assert_eq!(comment["replies"][0]["id"], replies[0]["id"]);
    assert_eq!(comment_count(&author, &post).await, 12);
}

#[tokio::test]
async fn a_comment_is_edited_by_its_author_with_the_version_they_saw() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "a post").await;
    let comment = friend.comment_on(&post, "first").await;
    let path = format!("/v1/comments/{comment}");
    let etag = friend.get(&path).await.header("etag").expect("a tag");
    let patch = |content: &'static str| {
        friend
            .request(reqwest::Method::PATCH, &path)
            .header("If-Match", &etag)
            .json(&json!({"content": content}))
    };
    let edited = friend.send(patch("second")).await.expect_status(200);
    assert_eq!(edited.json["content"], "second");
    assert!(edited.json["edited_at"].is_string());
    friend
        .send(patch("third"))
        .await
        .expect_problem(412, "precondition_failed");
    author
        .patch(&path, &json!({"content": "mine"}))
        .await
        .expect_status(403);
    friend
        .patch(&path, &json!({"content": ""}))
        .await
        .expect_status(422);
    let known = friend
        .request(reqwest::Method::GET, &path)
        .header("If-None-Match", edited.header("etag").expect("a tag"));
    friend.send(known).await.expect_status(304);
}

#[tokio::test]
async fn a_deleted_comment_stays_as_a_stone_while_something_below_it_is_alive() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("public"), "a post").await;
    let top = friend.comment_on(&post, "top").await;
    let middle = reply_to(&author, &post, &top, "middle").await;
    let leaf = reply_to(&friend, &post, &middle, "leaf").await;
    let stranger = app.person("stranger").await;
    stranger
        .delete(&format!("/v1/comments/{top}"))
        .await
        .expect_status(403);
    // The author of the post may delete what others say under it.
    for id in [&top, &middle] {
        author
            .delete(&format!("/v1/comments/{id}"))
            .await
            .expect_status(204);
    }
    author
        .delete(&format!("/v1/comments/{top}"))
        .await
        .expect_status(404);
    let list = format!("/v1/posts/{post}/comments");
    let shown = app.anyone().get(&list).await.expect_status(200);
    assert_eq!(shown.ids(), [&*top]);
    let stone = &shown.json["data"][0];
    assert_eq!(
        (&stone["deleted"], &stone["content"]),
        (&json!(true), &json!(""))
    );
    assert_eq!(stone["author"]["deleted"], true);
    assert!(!stone.to_string().contains(&friend.id), "{stone}");
    assert_eq!(stone["counts"]["replies"], 0);
    assert_eq!(comment_count(&author, &post).await, 1);
    friend
        .post(&list, &json!({"content": "no", "parent_id": top}))
        .await
        .expect_status(404);
    friend
        .delete(&format!("/v1/comments/{leaf}"))
        .await
        .expect_status(204);
    assert!(app.anyone().get(&list).await.ids().is_empty());
    friend
        .get(&format!("/v1/comments/{top}"))
        .await
        .expect_status(404);
    assert_eq!(comment_count(&author, &post).await, 0);
}

#[tokio::test]
async fn a_comment_is_seen_where_its_post_is_unless_viewer_and_commenter_block_each_other() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let (stranger, other) = (app.person("stranger").await, app.person("other").await);
    let post = author.post_to(&json!("public"), "a post").await;
    let (a, b) = (
        friend.comment_on(&post, "a").await,
        other.comment_on(&post, "b").await,
    );
    let path = format!("/v1/posts/{post}/comments");
    assert_eq!(app.anyone().get(&path).await.ids(), [a.clone(), b.clone()]);
    assert_eq!(
        app.anyone().get(&path).await.json["data"][0]["viewer"],
        Value::Null
    );
    other
        .set(&format!("/v1/users/{}/block", stranger.id))
        .await
        .expect_status(200);
    assert_eq!(stranger.get(&path).await.ids(), [&*a]);
    stranger
        .get(&format!("/v1/comments/{b}"))
        .await
        .expect_status(404);
    stranger
        .put(
            &format!("/v1/comments/{b}/reaction"),
            &json!({"kind": "like"}),
        )
        .await
        .expect_status(404);
    // The count is the same for everybody.
    assert_eq!(comment_count(&stranger, &post).await, 2);

    author
        .patch(
            &format!("/v1/posts/{post}"),
            &json!({"audience": "friends"}),
        )
        .await
        .expect_status(200);
    stranger.get(&path).await.expect_status(404);
    stranger
        .get(&format!("/v1/comments/{a}"))
        .await
        .expect_status(404);
    stranger
        .post(&path, &json!({"content": "no"}))
        .await
        .expect_status(404);
    app.anyone()
        .post(&path, &json!({"content": "no"}))
        .await
        .expect_status(401);
}

#[tokio::test]
async fn a_comment_is_made_once_for_a_key_and_reacted_to_once_by_a_person() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "a post").await;
    let path = format!("/v1/posts/{post}/comments");
    let body = json!({"content": "@Nobody, see #This and https://example.org"});
    let made = friend
        .post_with_key(&path, "key-1", &body)
        .await
        .expect_status(201);
    let again = friend
        .post_with_key(&path, "key-1", &body)
        .await
        .expect_status(201);
    assert_eq!(made.id(), again.id());
    assert_eq!(made.json["op_id"], "key-1");
    assert_eq!(made.json["entities"].as_array().map(Vec::len), Some(3));
    let at = format!("/v1/comments/{}", made.id());
    assert_eq!(made.header("location"), Some(at.clone()));
    assert_eq!(author.get(&at).await.json["op_id"], Value::Null);

    let reaction = format!("{at}/reaction");
    for _ in 0..2 {
        let set = author
            .put(&reaction, &json!({"kind": "love"}))
            .await
            .expect_status(200);
        assert_eq!(set.json["counts"]["reactions"], json!({"love": 1}));
        assert_eq!(set.json["viewer"]["reaction"], "love");
    }
    for _ in 0..2 {
        let gone = author.delete(&reaction).await.expect_status(200);
        assert_eq!(gone.json["counts"]["reactions"], json!({}));
        assert_eq!(gone.json["viewer"]["reaction"], Value::Null);
    }
}

#[tokio::test]
async fn posts_and_comments_show_what_stands_below_them_to_those_who_ask() {
    let app = TestApp::start().await;
    let (author, reader) = app.friends("author", "reader").await;
    let other = app.person("other").await;
    let post = author.post_to(&json!("public"), "x").await;
    let silent = author.post_to(&json!("public"), "y").await;
    let liked = other.comment_on(&post, "liked").await;
    let loved = author.comment_on(&post, "loved").await;
    let newest = reader.comment_on(&post, "newest").await;
    for (who, comment) in [(&author, &loved), (&other, &loved), (&author, &liked)] {
        let path = format!("/v1/comments/{comment}/reaction");
        who.put(&path, &json!({"kind": "love"}))
            .await
            .expect_status(200);
    }
    let top = |post: &Value| -> Vec<String> {
        let shown = post["top_comments"].as_array().expect("a list");
        let id = |comment: &Value| comment["id"].as_str().expect("an id").to_owned();
        shown.iter().map(id).collect()
    };
    let path = format!("/v1/posts/{post}");
    let plain = reader.get(&path).await.expect_status(200);
    assert_eq!(plain.json.get("top_comments"), None);
    let wanted = format!("{path}?expand=top_comments");
    let seen = app.anyone().get(&wanted).await.expect_status(200);
    assert_eq!(top(&seen.json), [loved.clone(), liked.clone()]);
    let own = reader.get(&format!("/v1/comments/{loved}")).await;
    let seen = reader.get(&wanted).await.expect_status(200);
    assert_eq!(seen.json["top_comments"][0], own.json);
    for path in [
        format!("/v1/posts?ids={silent},{post}&expand=top_comments"),
        "/v1/feed?expand=top_comments".to_owned(),
        format!("/v1/users/{}/posts?expand=top_comments", author.id),
    ] {
        let page = reader.get(&path).await.expect_status(200);
        assert!(top(&page.json["data"][0]).is_empty(), "{path}");
        assert_eq!(top(&page.json["data"][1]), [loved.clone(), liked.clone()]);
    }
    // Whoever has blocked a commenter gets the next one instead.
    reader
        .set(&format!("/v1/users/{}/block", other.id))
        .await
        .expect_status(200);
    let seen = reader.get(&wanted).await.expect_status(200);
    assert_eq!(top(&seen.json), [loved.clone(), newest]);
    let reply = reply_to(&author, &post, &loved, "so it is").await;
    let path = format!("/v1/comments/{loved}?expand=replies");
    let seen = reader.get(&path).await.expect_status(200);
    assert_eq!(seen.json["replies"][0]["id"], json!(reply));
}
