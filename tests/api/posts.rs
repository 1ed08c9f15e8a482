//! Posts from their making to their restoring.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Session, TestApp};

async fn post(author: &Session, content: &str) -> String {
    author.post_to(&json!("public"), content).await
}

#[tokio::test]
async fn a_post_is_shown_as_the_contract_says() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let body = json!({"content": "🙂 #Ahoj https://example.org @Nobody", "audience": "public"});
    let made = author.post_with_key("/v1/posts", "key-1", &body).await;
    let made = made.expect_status(201);
    let path = format!("/v1/posts/{}", made.id());
    assert_eq!(made.header("location").as_deref(), Some(path.as_str()));
    let own = &made.json;
    assert_eq!(
        own["url"],
        format!("{}{}", app.ctx.web_url(), path.replace("/v1", ""))
    );
    assert_eq!(own["author"]["username"], json!(author.username));
    assert_eq!(
        own["entities"],
        json!([
            {"kind": "hashtag", "start": 2, "end": 7, "tag": "ahoj"},
            {"kind": "link", "start": 8, "end": 27, "url": "https://example.org"},
            {"kind": "mention", "start": 28, "end": 35, "username": "nobody"}
        ])
    );
    assert_eq!(
        own["counts"],
        json!({"comments": 0, "shares": 0, "views": 0, "reactions": {}})
    );
    assert_eq!(
        own["viewer"],
        json!({"reaction": null, "saved": false, "can_comment": true, "can_share": true,
               "can_edit": true, "can_delete": true})
    );
    assert_eq!(
        (&own["op_id"], &own["media"]),
        (&json!("key-1"), &json!([]))
    );
    assert_eq!(
        (&own["edited_at"], &own["deleted"]),
        (&Value::Null, &json!(false))
    );
    let seen = app.anyone().get(&path).await.expect_status(200);
    assert_eq!(
        (&seen.json["viewer"], &seen.json["op_id"]),
        (&Value::Null, &Value::Null)
    );
    let tag = seen.header("etag").expect("a tag");
    let request = app.anyone().request(Method::GET, &path);
    let again = app
        .anyone()
        .send(request.header("If-None-Match", tag))
        .await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn a_post_is_for_the_default_audience_unless_it_says_otherwise() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let made = author.post("/v1/posts", &json!({"content": "x"})).await;
    assert_eq!(made.expect_status(201).json["audience"]["kind"], "friends");
    let settings = json!({"default_audience": "only_me"});
    author
        .patch("/v1/me/settings", &settings)
        .await
        .expect_status(200);
    let made = author.post("/v1/posts", &json!({"content": "x"})).await;
    assert_eq!(made.expect_status(201).json["audience"]["kind"], "only_me");
}

#[tokio::test]
async fn a_repeated_creation_answers_the_same_and_posts_once() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let body = json!({"content": "once", "audience": "public"});
    let first = author
        .post_with_key("/v1/posts", "k", &body)
        .await
        .expect_status(201);
    let second = author
        .post_with_key("/v1/posts", "\"k\"", &body)
        .await
        .expect_status(201);
    assert_eq!(second.json, first.json);
    assert_eq!(
        second.header("idempotent-replayed").as_deref(),
        Some("true")
    );
    let other = json!({"content": "twice", "audience": "public"});
    let refused = author.post_with_key("/v1/posts", "k", &other).await;
    refused.expect_problem(422, "idempotency_conflict");
    let list = format!("/v1/users/{}/posts", author.id);
    assert_eq!(author.walk(&list, 5).await.len(), 1);
}

#[tokio::test]
async fn a_post_says_something_that_can_be_seen() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    for (body, code) in [
        (json!({}), "required"),
        (json!({"content": " \u{200b}\n"}), "too_short"),
        (json!({"content": "x".repeat(10_001)}), "too_long"),
        (json!({"content": "a\u{202e}b"}), "forbidden_character"),
    ] {
        let refused = author.post("/v1/posts", &body).await;
        let error = &refused.expect_problem(422, "validation_failed").json["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!("/content"), &json!(code))
        );
    }
    let id = post(&author, "x").await;
    let blank = json!({"content": "  "});
    let refused = author.patch(&format!("/v1/posts/{id}"), &blank).await;
    refused.expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn an_edit_keeps_the_former_text_and_guards_against_races() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let path = format!("/v1/posts/{}", post(&author, "one").await);
    let tag = author.get(&path).await.header("etag").expect("a tag");
    let edit = |body: &Value| {
        let request = author.request(Method::PATCH, &path);
        author.send(request.header("If-Match", &tag).json(body))
    };
    let edited = edit(&json!({"content": "two"})).await.expect_status(200);
    assert_eq!(edited.json["content"], "two");
    assert_ne!(edited.json["edited_at"], Value::Null);
    edit(&json!({"content": "three"}))
        .await
        .expect_problem(412, "precondition_failed");
    let same = json!({"content": "two", "audience": {"kind": "public"}});
    let same = author.patch(&path, &same).await.expect_status(200);
    assert_eq!(same.header("etag"), edited.header("etag"));
    author
        .patch(&path, &json!({"audience": "friends"}))
        .await
        .expect_status(200);
    let history = friend.walk(&format!("{path}/history"), 2).await;
    let told: Vec<_> = history
        .iter()
        .map(|old| (&old["version"], &old["content"], &old["audience"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(3), &json!("two"), &json!("friends")),
            (&json!(2), &json!("two"), &json!("public")),
            (&json!(1), &json!("one"), &json!("public")),
        ]
    );
    let theirs = friend.patch(&path, &json!({"content": "mine"})).await;
    theirs.expect_problem(403, "forbidden");
    let null = author.patch(&path, &json!({"content": null})).await;
    null.expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn of_what_a_post_said_before_the_newest_fifty_are_kept() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let path = format!("/v1/posts/{}", post(&author, "edit 0").await);
    for number in 1..=53 {
        let edit = json!({"content": format!("edit {number}")});
        author.patch(&path, &edit).await.expect_status(200);
    }
    let history = author.walk(&format!("{path}/history"), 20).await;
    let versions: Vec<i64> = (history.iter())
        .filter_map(|old| old["version"].as_i64())
        .collect();
    let expected: Vec<i64> = (4..=54).rev().collect();
    assert_eq!(versions, expected, "the present one and fifty before it");
    assert_eq!(history[50]["content"], "edit 3");
}

#[tokio::test]
async fn a_deleted_post_can_be_restored_for_thirty_days() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let id = post(&author, "back soon").await;
    let path = format!("/v1/posts/{id}");
    friend.delete(&path).await.expect_problem(403, "forbidden");
    author.delete(&path).await.expect_status(204);
    for who in [&*author, &*friend, &app.anyone()] {
        who.get(&path).await.expect_problem(404, "not_found");
    }
    author.delete(&path).await.expect_problem(404, "not_found");
    let bin = format!("/v1/users/{}/posts?state=deleted", author.id);
    let deleted = author.walk(&bin, 5).await;
    assert_eq!(
        (&deleted[0]["id"], &deleted[0]["deleted"]),
        (&json!(id), &json!(true))
    );
    let both = author.get(&format!("{bin}&expand=top_comments")).await;
    let both = both.expect_problem(422, "validation_failed");
    assert_eq!(both.json["errors"][0]["pointer"], "?expand");
    friend.get(&bin).await.expect_problem(403, "forbidden");
    app.anyone()
        .get(&bin)
        .await
        .expect_problem(401, "unauthenticated");
    let restore = format!("{path}/restore");
    friend.act(&restore).await.expect_problem(404, "not_found");
    for _ in 0..2 {
        let restored = author.act(&restore).await.expect_status(200);
        assert_eq!(restored.json["deleted"], false);
    }
    friend.get(&path).await.expect_status(200);
    author.delete(&path).await.expect_status(204);
    sqlx::query("update post set deleted_at = deleted_at - interval '31 days'")
        .execute(&app.db)
        .await
        .expect("time passes");
    author.act(&restore).await.expect_problem(410, "gone");
    assert!(author.walk(&bin, 5).await.is_empty());
}

#[tokio::test]
async fn saved_posts_are_listed_by_when_they_were_saved() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let mut posts = Vec::new();
    for n in 0..5 {
        posts.push(
            author
                .post_to(&json!("friends"), &format!("post {n}"))
                .await,
        );
    }
    for index in [2, 0, 4, 1, 3] {
        let path = format!("/v1/posts/{}/saved", posts[index]);
        for _ in 0..2 {
            let marks = friend.set(&path).await.expect_status(200);
            assert_eq!(marks.json["viewer"]["saved"], true);
        }
    }
    let path = format!("/v1/posts/{}/saved", posts[0]);
    let marks = friend.delete(&path).await.expect_status(200);
    assert_eq!(marks.json["viewer"]["saved"], false);
    let hide = json!({"audience": "only_me"});
    let path = format!("/v1/posts/{}", posts[4]);
    author.patch(&path, &hide).await.expect_status(200);
    let saved = friend.walk("/v1/me/saved", 1).await;
    let ids: Vec<_> = saved.iter().map(|post| post["id"].clone()).collect();
    assert_eq!(ids, [json!(posts[3]), json!(posts[1]), json!(posts[2])]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hiding_a_post_is_repeatable_and_can_be_undone() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let id = post(&author, "not for me").await;
    let path = format!("/v1/posts/{id}/hidden");
    let hidden = "select count(*) from hidden_post";
    for (set, count) in [(true, 1), (true, 1), (false, 0), (false, 0)] {
        let reply = if set {
            friend.set(&path).await
        } else {
            friend.delete(&path).await
        };
        reply.expect_status(200);
        let found: i64 = sqlx::query_scalar(hidden)
            .fetch_one(&app.db)
            .await
            .expect("a count");
        assert_eq!(found, count);
    }
    friend
        .get(&format!("/v1/posts/{id}"))
        .await
        .expect_status(200);
}

#[tokio::test]
async fn posts_by_id_keep_the_order_asked_for() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let (one, two) = (post(&author, "1").await, post(&author, "2").await);
    let mine = author.post_to(&json!("only_me"), "3").await;
    let path = format!("/v1/posts?ids={two},{mine},nonsense,{one},{two}");
    let seen = app.anyone().get(&path).await.expect_status(200);
    assert_eq!(seen.ids(), [two.clone(), one.clone()]);
    assert_eq!(author.get(&path).await.ids(), [two, mine, one]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_counters_of_an_author_follow_their_posts() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let counts = async || -> (i32, i32, i32) {
        sqlx::query_as("select posts_public, posts_friends, posts_private from user_counter")
            .fetch_one(&app.db)
            .await
            .expect("a row")
    };
    let path = format!("/v1/posts/{}", post(&author, "x").await);
    author.post_to(&json!({"kind": "custom"}), "y").await;
    assert_eq!(counts().await, (1, 0, 1));
    author
        .patch(&path, &json!({"audience": "friends"}))
        .await
        .expect_status(200);
    assert_eq!(counts().await, (0, 1, 1));
    author.delete(&path).await.expect_status(204);
    assert_eq!(counts().await, (0, 0, 1));
    author
        .act(&format!("{path}/restore"))
        .await
        .expect_status(200);
    assert_eq!(counts().await, (0, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recount_mends_counters_that_drifted_and_no_others() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let id = post(&author, "x").await;
    post(&author, "y").await;
    let mut conn = app.ctx.conn().await.expect("a connection");
    let recounted = kith::domains::posts::recount(&mut conn).await;
    assert_eq!(recounted.expect("counts"), 0);
    sqlx::query("update post_counter set shares = 7 where post_id = $1::uuid")
        .bind(&id)
        .execute(&app.db)
        .await
        .expect("drift");
    let recounted = kith::domains::posts::recount(&mut conn).await;
    assert_eq!(recounted.expect("counts"), 1);
    let seen = author.get(&format!("/v1/posts/{id}")).await;
    assert_eq!(seen.json["counts"]["shares"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recount_leaves_a_deleted_post_alone_whose_comments_have_gone() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let id = post(&author, "x").await;
    let comment = author.comment_on(&id, "a comment").await;
    let left = author.comment_on(&id, "the next to go").await;
    author
        .delete(&format!("/v1/posts/{id}"))
        .await
        .expect_status(204);
    let purged = "with gone as (delete from comment_counter where comment_id = $1::uuid)
                  delete from comment where comment_id = $1::uuid";
    sqlx::query(purged)
        .bind(&comment)
        .execute(&app.db)
        .await
        .expect("what the job does after 30 days");
    sqlx::query("update comment_counter set replies = 1 where comment_id = $1::uuid")
        .bind(&left)
        .execute(&app.db)
        .await
        .expect("as if its reply had gone before it");
    let mut conn = app.ctx.conn().await.expect("a connection");
    let recounted = kith::domains::posts::recount(&mut conn).await;
    assert_eq!(recounted.expect("counts"), 0);
    let recounted = kith::domains::comments::recount(&mut conn).await;
    assert_eq!(recounted.expect("counts"), 0);
}
