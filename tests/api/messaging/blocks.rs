//! What a block does to conversations, and who sees them at all.

use std::collections::BTreeSet;

use serde_json::json;

use super::{direct, group, listed, said, say, seen, try_say};
use crate::support::{Session, TestApp};

async fn block(who: &Session, other: &Session) {
    let path = format!("/v1/users/{}/block", other.id);
    who.set(&path).await.expect_status(200);
}

#[tokio::test]
async fn a_block_hides_the_conversation_of_the_two_from_both_until_it_is_lifted() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let message = say(&ann, &id, "before").await;
    let message = format!("/v1/messages/{}", message["id"].as_str().expect("an id"));
    block(&ben, &ann).await;
    let path = format!("/v1/conversations/{id}");
    for who in [&ann, &ben] {
        for filter in ["active", "unread", "archived", "requests"] {
            assert!(listed(who, &format!("?filter={filter}")).await.is_empty());
        }
        for sub in ["", "/messages", "/members"] {
            who.get(&format!("{path}{sub}"))
                .await
                .expect_problem(404, "not_found");
        }
        try_say(who, &id, "after").await.expect_status(404);
        who.put(&format!("{path}/read"), &json!({"up_to": 1}))
            .await
            .expect_status(404);
        who.put(&format!("{message}/reaction"), &json!({"kind": "like"}))
            .await
            .expect_status(404);
        who.delete(&message).await.expect_status(404);
        let other = if who.id == ann.id { &ben } else { &ann };
        let body = json!({"member_ids": [other.id]});
        who.post("/v1/conversations", &body)
            .await
            .expect_problem(404, "not_found");
    }
    ben.delete(&format!("/v1/users/{}/block", ann.id))
        .await
        .expect_status(200);
    assert_eq!(said(&ann, &id).await, [(1, "before".to_owned())]);
    assert_eq!(listed(&ben, "").await, [id.as_str()]);
}

#[tokio::test]
async fn in_a_group_a_block_hides_nothing_and_stops_being_added() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    block(&ben, &carol).await;
    say(&carol, &id, "hello all").await;
    assert_eq!(said(&ben, &id).await[0].1, "hello all");
    assert_eq!(seen(&ben, &id).await["member_count"], 3);
    assert_eq!(seen(&carol, &id).await["unread"], 0);
    say(&ben, &id, "hello").await;
    assert_eq!(seen(&carol, &id).await["last_message"]["content"], "hello");
    // Neither adds the other anywhere.
    for (who, other) in [(&ben, &carol), (&carol, &ben)] {
        let new = json!({"member_ids": [ann.id, other.id]});
        who.post("/v1/conversations", &new)
            .await
            .expect_problem(404, "not_found");
    }
    let other = group(&carol, &[&ann, &app.person("dora").await]).await;
    let path = format!("/v1/conversations/{other}/members/{}", ben.id);
    carol.set(&path).await.expect_problem(404, "not_found");
    // Somebody else may.
    ann.set(&path).await.expect_status(200);
    assert_eq!(seen(&ben, &other).await["viewer"]["state"], "active");
}

/// Who is there for whom, on all paths that read, against a naive rule.
#[tokio::test]
async fn every_path_shows_conversations_to_those_alone_for_whom_they_are() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for name in ["ann", "ben", "carol", "dora"] {
        people.push(app.person(name).await);
    }
    // All pairs but the last are friends; everybody has written to everybody.
    let mut conversations: Vec<(String, BTreeSet<usize>)> = Vec::new();
    for one in 0..4 {
        for other in one + 1..4 {
            if (one, other) != (2, 3) {
                people[one].befriend(&people[other]).await;
            }
            let id = direct(&people[one], &people[other]).await;
            say(&people[one], &id, "hi").await;
            conversations.push((id, BTreeSet::from([one, other])));
        }
    }
    let id = group(&people[0], &[&people[1], &people[2]]).await;
    conversations.push((id, BTreeSet::from([0, 1, 2])));
    let empty = app.person("empty").await;
    people[0].befriend(&empty).await;
    people.push(empty);
    let id = direct(&people[0], &people[4]).await;
    conversations.push((id, BTreeSet::from([0])));
    block(&people[1], &people[3]).await;
    let blocked = BTreeSet::from([1, 3]);
    for (number, person) in people.iter().enumerate() {
        let mut shown: BTreeSet<String> = BTreeSet::new();
        for filter in ["active", "requests", "archived"] {
            shown.extend(listed(person, &format!("?filter={filter}&limit=100")).await);
        }
        for (id, members) in &conversations {
            let expected = members.contains(&number) && *members != blocked;
            let context = format!("{} and {members:?}", person.username);
            assert_eq!(shown.contains(id), expected, "{context}");
            let status = if expected { 200 } else { 404 };
            for sub in ["", "/messages", "/members"] {
                let path = format!("/v1/conversations/{id}{sub}");
                assert_eq!(person.get(&path).await.status, status, "{context} {sub}");
            }
        }
    }
}
