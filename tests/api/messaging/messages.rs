//! What happens to a message after it was written.

use serde_json::{Value, json};

use super::{direct, group, said, say, seen};
use crate::support::{Session, TestApp};

fn path(message: &Value) -> String {
    format!("/v1/messages/{}", message["id"].as_str().expect("an id"))
}

async fn answer_to(who: &Session, id: &str, message: &Value, content: &str) -> Value {
    let body = json!({"content": content, "reply_to": message["id"]});
    let path = format!("/v1/conversations/{id}/messages");
    who.post(&path, &body).await.expect_status(201).json
}

#[tokio::test]
async fn its_author_edits_a_message_and_nobody_else() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let message = say(&ann, &id, "frist").await;
    let change = json!({"content": "first"});
    let edited = ann.patch(&path(&message), &change).await;
    let edited = edited.expect_status(200);
    assert_eq!(edited.json["content"], "first");
    assert_eq!(edited.json["seq"], 1);
    assert!(edited.json["edited_at"].is_string());
    let tag = edited.header("etag").expect("a tag");
    assert_eq!(said(&ben, &id).await, [(1, "first".to_owned())]);
    assert_eq!(seen(&ben, &id).await["last_message"]["content"], "first");
    ben.patch(&path(&message), &change)
        .await
        .expect_problem(403, "forbidden");
    // Nothing changes by what says the same, and an edit from before is refused.
    let same = ann.patch(&path(&message), &change).await;
    assert_eq!(same.header("etag"), Some(tag));
    let request = ann.request(reqwest::Method::PATCH, &path(&message));
    let request = request.header("If-Match", "\"1-0011223344556677\"");
    ann.send(request.json(&json!({"content": "late"})))
        .await
        .expect_problem(412, "precondition_failed");
}

#[tokio::test]
async fn a_deleted_message_stays_in_its_place_without_words_or_reactions() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let message = say(&ann, &id, "a secret").await;
    let reaction = format!("{}/reaction", path(&message));
    ben.put(&reaction, &json!({"kind": "wow"}))
        .await
        .expect_status(200);
    let answered = answer_to(&ben, &id, &message, "really?").await;
    assert_eq!(answered["reply_to"]["excerpt"], "a secret");
    ben.delete(&path(&message))
        .await
        .expect_problem(403, "forbidden");
    for _ in 0..2 {
        ann.delete(&path(&message)).await.expect_status(204);
    }
    let messages = format!("/v1/conversations/{id}/messages?after_seq=0");
    let page = ben.get(&messages).await.expect_status(200).json;
    let gone = &page["data"][0];
    assert_eq!(
        (&gone["content"], &gone["deleted"]),
        (&json!(""), &json!(true))
    );
    assert_eq!((&gone["seq"], &gone["reactions"]), (&json!(1), &json!({})));
    assert!(gone["viewer"]["reaction"].is_null());
    assert!(page["data"][1]["reply_to"]["excerpt"].is_null());
    let stored: i64 =
        sqlx::query_scalar("select count(*) from message where content like '%secret%'")
            .fetch_one(&app.db)
            .await
            .expect("a count");
    assert_eq!(stored, 0);
    ann.patch(&path(&message), &json!({"content": "back"}))
        .await
        .expect_problem(410, "gone");
    ben.put(&reaction, &json!({"kind": "sad"}))
        .await
        .expect_problem(410, "gone");
    // It can no longer be answered.
    let body = json!({"content": "x", "reply_to": message["id"]});
    ben.post(&format!("/v1/conversations/{id}/messages"), &body)
        .await
        .expect_problem(422, "validation_failed");
    // What nobody can read does not wait to be read.
    assert_eq!(seen(&ben, &id).await["unread"], 0);
}

#[tokio::test]
async fn a_reaction_is_one_a_person_and_is_counted() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let message = say(&ann, &id, "good news").await;
    let reaction = format!("{}/reaction", path(&message));
    for (who, kind) in [(&ann, "love"), (&ben, "like"), (&ben, "love")] {
        let set = who.put(&reaction, &json!({"kind": kind})).await;
        assert_eq!(set.expect_status(200).json["viewer"]["reaction"], kind);
    }
    let page = ben.get(&format!("/v1/conversations/{id}/messages")).await;
    assert_eq!(page.json["data"][0]["reactions"], json!({"love": 2}));
    assert_eq!(page.json["data"][0]["viewer"]["reaction"], "love");
    for _ in 0..2 {
        let taken = ben.delete(&reaction).await.expect_status(200);
        assert_eq!(taken.json["reactions"], json!({"love": 1}));
        assert!(taken.json["viewer"]["reaction"].is_null());
    }
    app.expect_no_drift().await;
}

#[tokio::test]
async fn an_answer_shows_what_it_answers_and_only_of_its_own_conversation() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let (id, other) = (direct(&ann, &ben).await, direct(&ann, &carol).await);
    let long = "long ".repeat(60);
    let question = say(&ann, &id, &long).await;
    let answer = answer_to(&ben, &id, &question, "yes").await;
    let shown = &answer["reply_to"];
    assert_eq!((&shown["id"], &shown["seq"]), (&question["id"], &json!(1)));
    assert_eq!(shown["author"]["id"], ann.id);
    let excerpt = shown["excerpt"].as_str().expect("text");
    assert!(excerpt.starts_with("long long") && excerpt.chars().count() <= 101);
    let body = json!({"content": "x", "reply_to": question["id"]});
    let refused = ann
        .post(&format!("/v1/conversations/{other}/messages"), &body)
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(refused.json["errors"][0]["pointer"], "/reply_to");
}

#[tokio::test]
async fn what_tells_what_happened_is_nobodys_to_change() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    let messages = format!("/v1/conversations/{id}/messages");
    let told = ann.get(&messages).await.json["data"][0].clone();
    assert_eq!(told["system"]["action"], "created");
    assert_eq!(told["content"], "A group");
    ann.patch(&path(&told), &json!({"content": "x"}))
        .await
        .expect_problem(403, "forbidden");
    ann.delete(&path(&told)).await.expect_status(403);
    ann.put(
        &format!("{}/reaction", path(&told)),
        &json!({"kind": "like"}),
    )
    .await
    .expect_status(403);
    // Who manages the group deletes what others say, and members do not.
    let message = say(&ben, &id, "rude").await;
    carol.delete(&path(&message)).await.expect_status(403);
    ann.delete(&path(&message)).await.expect_status(204);
}

#[tokio::test]
async fn who_left_is_not_shown_how_others_react_after_that() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    let message = say(&ann, &id, "what do you think?").await;
    let other = say(&ann, &id, "and of this?").await;
    let react = async |who: &Session, to: &Value, kind: &str| {
        let path = format!(
            "/v1/messages/{}/reaction",
            to["id"].as_str().expect("an id")
        );
        let reacted = who.put(&path, &json!({"kind": kind})).await;
        reacted.expect_status(200);
    };
    react(&ann, &message, "like").await;
    react(&ben, &message, "like").await;
    let own = format!("/v1/conversations/{id}/members/{}", ben.id);
    ben.delete(&own).await.expect_status(200);
    react(&carol, &message, "love").await;
    react(&carol, &other, "love").await;
    let shown = async |who: &Session| {
        let page = who.get(&format!("/v1/conversations/{id}/messages")).await;
        let page = page.expect_status(200).json["data"].clone();
        let of = |message: &Value| {
            let mut all = page.as_array().expect("messages").iter();
            let found = all.find(|one| one["id"] == message["id"]);
            let found = found.expect("it is there");
            (
                found["reactions"].clone(),
                found["viewer"]["reaction"].clone(),
            )
        };
        [of(&message), of(&other)]
    };
    let then = [
        (json!({"like": 2}), json!("like")),
        (json!({}), Value::Null),
    ];
    assert_eq!(shown(&ben).await, then);
    let now = shown(&carol).await.map(|(reactions, _)| reactions);
    let both = json!({"like": 2, "love": 1});
    assert_eq!(now, [both, json!({"love": 1})]);
}
