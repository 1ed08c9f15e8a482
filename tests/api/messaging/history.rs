//! Pages of messages.

use super::{direct, group, say, words};
use crate::support::{Reply, Session, TestApp};
use serde_json::json;

async fn page(who: &Session, id: &str, query: &str) -> Reply {
    let path = format!("/v1/conversations/{id}/messages{query}");
    who.get(&path).await.expect_status(200)
}

fn seqs(reply: &Reply) -> Vec<i64> {
    words(&reply.json).into_iter().map(|(seq, _)| seq).collect()
}

#[tokio::test]
async fn pages_go_by_place_in_both_directions_whether_they_are_kept_or_not() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "1").await;
    // As many as make the entry of the newest ones reach not all.
    sqlx::query(
        "with more as (
             insert into message (message_id, conversation_id, seq, author_id, content, created_at)
             select gen_random_uuid(), $1::uuid, n, $2::uuid, n::text, now()
             from generate_series(2, 250) n
         )
         update conversation set top_seq = 250 where conversation_id = $1::uuid",
    )
    .bind(&id)
    .bind(&ann.id)
    .execute(&app.db)
    .await
    .expect("messages");
    app.wait_until_voids_are_delivered().await;
    let first = page(&ben, &id, "?limit=3").await;
    assert_eq!(seqs(&first), [250, 249, 248]);
    assert_eq!(words(&first.json)[0].1, "250");
    let path = format!("/v1/conversations/{id}/messages");
    let all = ben.walk(&path, 70).await;
    let all: Vec<i64> = all.iter().filter_map(|one| one["seq"].as_i64()).collect();
    assert_eq!(all, (1..=250).rev().collect::<Vec<_>>());
    let oldest = ben.walk(&format!("{path}?after_seq=240"), 4).await;
    let oldest: Vec<i64> = oldest
        .iter()
        .filter_map(|one| one["seq"].as_i64())
        .collect();
    assert_eq!(oldest, (241..=250).collect::<Vec<_>>());
    assert_eq!(
        seqs(&page(&ben, &id, "?before_seq=5&limit=3").await),
        [4, 3, 2]
    );
    assert_eq!(
        seqs(&page(&ben, &id, "?before_seq=201&limit=2").await),
        [200, 199]
    );
    assert_eq!(
        seqs(&page(&ben, &id, "?after_seq=148&before_seq=153").await),
        [149, 150, 151, 152]
    );
    assert!(seqs(&page(&ben, &id, "?after_seq=250").await).is_empty());
    assert!(seqs(&page(&ben, &id, "?before_seq=-9").await).is_empty());
    // What is newer comes by `prev`, later too.
    let prev = first.prev().expect("a cursor");
    say(&ann, &id, "251").await;
    let newer = page(&ben, &id, &format!("?limit=3&cursor={prev}")).await;
    assert_eq!(seqs(&newer), [251]);
}

#[tokio::test]
async fn a_page_around_a_message_has_it_in_its_middle() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let mut ids = Vec::new();
    for number in 1..=9 {
        let said = say(&ann, &id, &number.to_string()).await;
        ids.push(said["id"].as_str().expect("an id").to_owned());
    }
    let around = page(&ben, &id, &format!("?around={}&limit=5", ids[4])).await;
    assert_eq!(seqs(&around), [7, 6, 5, 4, 3]);
    let next = around.next().expect("older ones");
    let older = page(&ben, &id, &format!("?limit=5&cursor={next}")).await;
    assert_eq!(seqs(&older), [2, 1]);
    let prev = around.prev().expect("newer ones");
    let newer = page(&ben, &id, &format!("?limit=5&cursor={prev}")).await;
    assert_eq!(seqs(&newer), [9, 8]);
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let other = direct(&ann, &carol).await;
    let elsewhere = say(&ann, &other, "elsewhere").await;
    for stray in [elsewhere["id"].as_str().expect("an id"), "none"] {
        let path = format!("/v1/conversations/{id}/messages?around={stray}");
        ben.get(&path).await.expect_problem(404, "not_found");
    }
    let both = format!(
        "/v1/conversations/{id}/messages?around={}&after_seq=1",
        ids[0]
    );
    ben.get(&both)
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn a_page_costs_the_same_for_few_messages_and_for_many() {
    let app = TestApp::start_with(&[("KITH_CACHE", "off")]).await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    for who in [&ann, &ben, &carol] {
        say(who, &id, "one").await;
    }
    let few = page(&ben, &id, "?limit=2").await.sql();
    for number in 0..15 {
        let answered = say(&ann, &id, "a question").await;
        let body = json!({"content": number.to_string(), "reply_to": answered["id"]});
        let path = format!("/v1/conversations/{id}/messages");
        carol.post(&path, &body).await.expect_status(201);
    }
    let many = page(&ben, &id, "?limit=30").await.sql();
    assert!(
        many <= few + 1,
        "{few} and {many}: answers are one more read"
    );
    let list = async || ben.get("/v1/conversations").await.expect_status(200).sql();
    let begin = async |name: &str| {
        let other = app.person(name).await;
        ben.befriend(&other).await;
        let id = direct(&other, &ben).await;
        say(&other, &id, "hi").await;
    };
    begin("first").await;
    let one = list().await;
    for name in ["second", "third", "fourth", "fifth"] {
        begin(name).await;
    }
    assert_eq!(list().await, one);
}
