//! Conversations and messages.

mod blocks;
mod cached;
mod differential;
mod groups;
mod history;
mod limits;
mod live;
mod lists;
mod marks;
mod messages;
mod opening;
mod races;
mod requests;
mod seeded;
mod together;

use serde_json::{Value, json};

use crate::support::{Reply, Session};

/// The conversation of two people.
async fn direct(one: &Session, other: &Session) -> String {
    let body = json!({"member_ids": [other.id]});
    let reply = one.post("/v1/conversations", &body).await;
    assert!(
        matches!(reply.status, 200 | 201),
        "{}: {}",
        reply.status,
        reply.json
    );
    reply.id()
}

/// A group of friends of its owner.
async fn group(owner: &Session, members: &[&Session]) -> String {
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    let body = json!({"member_ids": ids, "title": "A group"});
    let reply = owner.post("/v1/conversations", &body).await;
    reply.expect_status(201).id()
}

async fn try_say(who: &Session, id: &str, content: &str) -> Reply {
    let path = format!("/v1/conversations/{id}/messages");
    who.post(&path, &json!({"content": content})).await
}

/// Writes, and gives the message.
async fn say(who: &Session, id: &str, content: &str) -> Value {
    try_say(who, id, content).await.expect_status(201).json
}

/// A conversation as somebody sees it.
async fn seen(who: &Session, id: &str) -> Value {
    let reply = who.get(&format!("/v1/conversations/{id}")).await;
    reply.expect_status(200).json
}

/// The words of a page of messages, and where they stand.
fn words(page: &Value) -> Vec<(i64, String)> {
    let data = page["data"].as_array().expect("a list");
    let word = |message: &Value| {
        let content = message["content"].as_str().expect("text").to_owned();
        (message["seq"].as_i64().expect("a number"), content)
    };
    data.iter().map(word).collect()
}

/// The newest messages, newest first.
async fn said(who: &Session, id: &str) -> Vec<(i64, String)> {
    let reply = who.get(&format!("/v1/conversations/{id}/messages")).await;
    words(&reply.expect_status(200).json)
}

/// Ids of the conversations in a list.
async fn listed(who: &Session, query: &str) -> Vec<String> {
    let reply = who.get(&format!("/v1/conversations{query}")).await;
    reply.expect_status(200).ids()
}

async fn read(who: &Session, id: &str, up_to: i64) -> Value {
    let path = format!("/v1/conversations/{id}/read");
    let reply = who.put(&path, &json!({"up_to": up_to})).await;
    reply.expect_status(200).json
}

/// What others see of how far somebody has read.
async fn shown_reading(viewer: &Session, id: &str, of: &Session) -> Value {
    let conversation = seen(viewer, id).await;
    let members = conversation["members"].as_array().expect("members");
    let found = members.iter().find(|member| member["user"]["id"] == of.id);
    found.expect("a member")["read_up_to"].clone()
}
