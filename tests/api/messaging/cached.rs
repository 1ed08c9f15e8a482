//! What the cache answers is what rows say, on every instance, as soon as a write is answered.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{direct, group, listed, read, said, say, seen};
use crate::support::{Session, TestApp, mode};

/// Waits where nothing tells another instance of changes: it believes itself for a second.
async fn expect<T: PartialEq + std::fmt::Debug>(expected: T, read: impl AsyncFn() -> T) {
    let patience = if mode::has_redis() { 0 } else { 1_300 };
    let began = Instant::now();
    loop {
        let found = read().await;
        if found == expected {
            return;
        }
        let waited = began.elapsed();
        assert!(
            waited < Duration::from_millis(patience),
            "{found:?} and not {expected:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn newest(page: &[(i64, String)]) -> Option<String> {
    page.first().map(|(_, text)| text.clone())
}

#[tokio::test]
async fn two_instances_say_the_same_after_every_change() {
    let one = TestApp::start().await;
    let other = one.start_beside(&[]).await;
    let (ann, ben) = one.friends("ann", "ben").await;
    let there = ben.at(&other.url);
    let id = direct(&ann, &ben).await;
    let message = say(&ann, &id, "one").await;
    let path = format!("/v1/messages/{}", message["id"].as_str().expect("an id"));
    let text = async || newest(&said(&there, &id).await);
    expect(Some("one".to_owned()), text).await;
    say(&ann, &id, "two").await;
    expect(Some("two".to_owned()), text).await;
    let unread = async || seen(&there, &id).await["unread"].as_i64();
    expect(Some(2), unread).await;
    read(&ben, &id, 1).await;
    expect(Some(1), unread).await;
    let shown = async || super::shown_reading(&ann.at(&other.url), &id, &ben).await;
    expect(json!(1), shown).await;
    // An edit replaces and does not add.
    ann.patch(&path, &json!({"content": "uno"}))
        .await
        .expect_status(200);
    let both = [(2, "two".to_owned()), (1, "uno".to_owned())];
    expect(both.to_vec(), async || said(&there, &id).await).await;
    ann.put(&format!("{path}/reaction"), &json!({"kind": "like"}))
        .await
        .expect_status(200);
    let messages = format!("/v1/conversations/{id}/messages");
    let first = async || there.get(&messages).await.json["data"][1].clone();
    expect(json!({"like": 1}), async || {
        first().await["reactions"].clone()
    })
    .await;
    ann.delete(&path).await.expect_status(204);
    expect(json!(true), async || first().await["deleted"].clone()).await;
    assert_eq!(first().await["content"], "");
}

#[tokio::test]
async fn who_is_in_and_who_is_not_is_known_everywhere_at_once() {
    let one = TestApp::start().await;
    let other = one.start_beside(&[]).await;
    let (ann, ben) = one.friends("ann", "ben").await;
    let carol = one.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    let two = direct(&ann, &ben).await;
    say(&ann, &two, "hi").await;
    let there = ben.at(&other.url);
    for id in [&id, &two] {
        seen(&there, id).await;
    }
    let member = format!("/v1/conversations/{id}/members/{}", ben.id);
    ann.delete(&member).await.expect_status(200);
    // What decides is never believed from memory that nothing keeps right.
    let top = seen(&there, &id).await;
    assert_eq!(top["viewer"]["state"], "left");
    say(&ann, &id, "without you").await;
    assert_eq!(seen(&there, &id).await["top_seq"], top["top_seq"]);
    let block = format!("/v1/users/{}/block", ben.id);
    ann.set(&block).await.expect_status(200);
    there
        .get(&format!("/v1/conversations/{two}"))
        .await
        .expect_status(404);
    ann.delete(&block).await.expect_status(200);
    seen(&there, &two).await;
    assert_eq!(listed(&there, "").await, [two.as_str()]);
    // A new name shows in what was said before.
    ann.patch("/v1/me", &json!({"display_name": "Anna"}))
        .await
        .expect_status(200);
    let author = async || {
        let path = format!("/v1/conversations/{two}/messages");
        there.get(&path).await.json["data"][0]["author"]["display_name"].clone()
    };
    expect(json!("Anna"), author).await;
}

#[tokio::test]
async fn a_message_reads_nothing_anew_that_the_one_before_has_ended() {
    let Some(app) = TestApp::with_cache(&[]).await else {
        return;
    };
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let statements = async |id: &str| {
        // The other one enters, and the cache learns who is in.
        for who in [&ann, &ben, &ann, &ann] {
            say(who, id, "before").await;
        }
        let path = format!("/v1/conversations/{id}/messages");
        let mut counts = Vec::new();
        for _ in 0..3 {
            let reply = ann.post(&path, &json!({"content": "now"})).await;
            counts.push(reply.expect_status(201).sql());
        }
        // The relay or a slow Redis may make one dearer.
        counts.into_iter().min()
    };
    // Its lock, facts, insert, author, close, commit; and who the other one is.
    assert_eq!(
        statements(&group(&ann, &[&ben, &carol]).await).await,
        Some(6)
    );
    assert_eq!(statements(&direct(&ann, &ben).await).await, Some(7));
}

#[tokio::test]
async fn a_page_of_a_conversation_that_is_kept_takes_no_statement_but_the_session() {
    let Some(app) = TestApp::with_cache(&[]).await else {
        return;
    };
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    for number in 0..30 {
        say(&ann, &id, &number.to_string()).await;
    }
    let session = ben.get("/v1/nothing").await.sql();
    let conversation = format!("/v1/conversations/{id}");
    for path in [
        conversation.clone(),
        format!("{conversation}/members"),
        format!("{conversation}/messages"),
        format!("{conversation}/messages?after_seq=3&limit=5"),
    ] {
        ben.get(&path).await.expect_status(200);
        let again = ben.get(&path).await.expect_status(200);
        assert_eq!(again.sql(), session, "{path}");
    }
    // Of the list, which conversations they are is asked; what they are is kept.
    ben.get("/v1/conversations").await.expect_status(200);
    let again = ben.get("/v1/conversations").await.expect_status(200);
    assert_eq!(again.sql(), session + 1);
}

#[tokio::test]
async fn what_one_person_is_told_is_never_told_another() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let message = say(&ann, &id, "hello").await;
    let path = format!("/v1/messages/{}", message["id"].as_str().expect("an id"));
    ben.put(&format!("{path}/reaction"), &json!({"kind": "wow"}))
        .await
        .expect_status(200);
    let own = async |who: &Session| -> (Value, Value, Value) {
        let shown = seen(who, &id).await;
        let last = &shown["last_message"];
        (
            shown["unread"].clone(),
            last["viewer"]["reaction"].clone(),
            shown["viewer"]["read_up_to"].clone(),
        )
    };
    for _ in 0..2 {
        assert_eq!(own(&ann).await, (json!(0), Value::Null, json!(1)));
        assert_eq!(own(&ben).await, (json!(1), json!("wow"), json!(0)));
    }
}

#[tokio::test]
async fn what_waits_is_counted_at_once_everywhere() {
    let one = TestApp::start().await;
    let other = one.start_beside(&[]).await;
    let (ann, ben) = one.friends("ann", "ben").await;
    let eve = one.person("eve").await;
    let there = ben.at(&other.url);
    let waiting = async || {
        let counts = there.get("/v1/me/counts").await.expect_status(200).json;
        let messages = &counts["messages"];
        [&messages["conversations"], &messages["requests"]].map(Value::as_i64)
    };
    let counted = |conversations, requests| [Some(conversations), Some(requests)];
    expect(counted(0, 0), waiting).await;
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "one").await;
    expect(counted(1, 0), waiting).await;
    read(&ben, &id, 1).await;
    expect(counted(0, 0), waiting).await;
    let message = say(&ann, &id, "two").await;
    expect(counted(1, 0), waiting).await;
    let path = format!("/v1/messages/{}", message["id"].as_str().expect("an id"));
    ann.delete(&path).await.expect_status(204);
    expect(counted(0, 0), waiting).await;
    // A stranger asks, and is answered.
    let asked = direct(&eve, &ben).await;
    say(&eve, &asked, "hello").await;
    expect(counted(0, 1), waiting).await;
    ben.post(&format!("/v1/conversations/{asked}/accept"), &json!({}))
        .await
        .expect_status(200);
    expect(counted(1, 0), waiting).await;
    let mine = format!("/v1/conversations/{asked}/me");
    for (archived, conversations) in [(true, 0), (false, 1)] {
        ben.patch(&mine, &json!({"archived": archived}))
            .await
            .expect_status(200);
        expect(counted(conversations, 0), waiting).await;
    }
    ben.set(&format!("/v1/users/{}/block", eve.id))
        .await
        .expect_status(200);
    expect(counted(0, 0), waiting).await;
    let cara = one.person("cara").await;
    let all = group(&ann, &[&ben, &cara]).await;
    say(&ann, &all, "all").await;
    expect(counted(1, 0), waiting).await;
    ben.delete(&format!("/v1/conversations/{all}/members/{}", ben.id))
        .await
        .expect_status(200);
    expect(counted(0, 0), waiting).await;
}
