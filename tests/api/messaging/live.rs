//! What is told live: which events a conversation's stream gets, what they show, who may listen, and
//! what frames do.

use kith::domains::messaging::LIVE;
use kith::platform::realtime::{Channel, Command, Inbound, Told, Topic};
use kith::platform::sessions::{CurrentUser, Role};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{direct, group, read, said, say, seen};
use crate::support::{Session, TestApp};

fn current(who: &Session) -> CurrentUser {
    CurrentUser {
        id: who.id.parse().expect("an id"),
        session_id: who.session_id.parse().expect("an id"),
        role: Role::User,
    }
}

fn topic() -> &'static Topic {
    let found = LIVE.topics.iter().find(|topic| topic.name == "conv");
    found.expect("the topic")
}

fn command(op: &str) -> &'static Command {
    let found = LIVE.commands.iter().find(|command| command.op == op);
    found.unwrap_or_else(|| panic!("no command {op}"))
}

fn frame(op_id: Option<&str>, d: Value) -> Inbound {
    Inbound {
        d,
        op_id: op_id.map(str::to_owned),
    }
}

type Row = (i64, String, Option<Uuid>, Option<Uuid>, Option<Value>);

/// The stream of a conversation, in order.
async fn stream(app: &TestApp, id: &str) -> Vec<Told> {
    let rows: Vec<Row> = sqlx::query_as(
        "select number, kind, object_id, actor_id, detail from stream_event
         where topic = 'conv' and id = $1::uuid order by number",
    )
    .bind(id)
    .fetch_all(&app.db)
    .await
    .expect("events");
    let told = rows
        .into_iter()
        .map(|(offset, kind, object_id, actor, detail)| Told {
            channel: Channel::new("conv", id.parse().expect("an id")),
            offset,
            kind,
            object_id,
            actor: actor.map(|id| id.to_string().parse().expect("an id")),
            detail: detail.unwrap_or(Value::Null),
            op_id: None,
            at: app.ctx.now(),
        });
    told.collect()
}

async fn kinds(app: &TestApp, id: &str) -> Vec<String> {
    let told = stream(app, id).await.into_iter();
    told.map(|event| event.kind).collect()
}

async fn rendered(app: &TestApp, id: &str) -> Vec<(String, Option<Value>)> {
    let told = stream(app, id).await;
    let kinds: Vec<String> = told.iter().map(|event| event.kind.clone()).collect();
    let rendering = LIVE.renderings.first().expect("a rendering");
    let shown = (rendering.render)(app.ctx.clone(), None, told).await;
    kinds.into_iter().zip(shown.expect("rendered")).collect()
}

#[tokio::test]
async fn every_change_is_an_event_of_the_conversation_in_the_order_of_its_commits() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    let message = say(&ben, &id, "frist").await;
    let path = format!("/v1/messages/{}", message["id"].as_str().expect("an id"));
    ben.patch(&path, &json!({"content": "first"})).await;
    let reaction = format!("{path}/reaction");
    for _ in 0..2 {
        ann.put(&reaction, &json!({"kind": "like"})).await;
    }
    for _ in 0..2 {
        ann.delete(&reaction).await.expect_status(200);
    }
    read(&carol, &id, 2).await;
    read(&carol, &id, 1).await;
    let private = json!({"up_to": 3, "private": true});
    let marks = format!("/v1/conversations/{id}/read");
    carol.put(&marks, &private).await.expect_status(200);
    ben.delete(&path).await.expect_status(204);
    let conversation = format!("/v1/conversations/{id}");
    ann.patch(&conversation, &json!({"title": "Ours"})).await;
    let member = format!("{conversation}/members/{}", carol.id);
    ann.delete(&member).await.expect_status(200);
    let expected = [
        "message.created",
        "message.created",
        "message.edited",
        "reaction.added",
        "reaction.removed",
        "message.read",
        "message.deleted",
        "message.created",
        "conversation.updated",
        "message.created",
        "conversation.member_removed",
    ];
    assert_eq!(kinds(&app, &id).await, expected);
    let last = stream(&app, &id).await.pop().expect("an event");
    assert_eq!(last.detail, json!({"removed": carol.id}));
    let stored: i64 = sqlx::query_scalar(
        "select count(*) from stream_event e where e::text like '%first%' or e::text like '%Ours%'",
    )
    .fetch_one(&app.db)
    .await
    .expect("a count");
    assert_eq!(stored, 0, "streams hold no content");
    app.ctx.db().close().await;
}

#[tokio::test]
async fn whoever_stays_is_told_who_the_owner_is_when_the_owner_leaves() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    let before = kinds(&app, &id).await.len();
    ann.delete(&format!("/v1/conversations/{id}/members/{}", ann.id))
        .await
        .expect_status(200);
    let told = rendered(&app, &id).await.split_off(before);
    let (kind, shown) = told.first().expect("an event");
    assert_eq!(kind, "conversation.updated", "{told:?}");
    assert!(shown.is_some(), "{told:?}");
    assert_eq!(seen(&ben, &id).await["viewer"]["role"], "owner");
}

#[tokio::test]
async fn a_replay_shows_what_there_is_now_and_nothing_that_is_gone() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let kept = say(&ann, &id, "kept").await;
    let gone = say(&ann, &id, "a secret").await;
    let gone = format!("/v1/messages/{}", gone["id"].as_str().expect("an id"));
    ann.patch(&gone, &json!({"content": "a greater secret"}))
        .await
        .expect_status(200);
    read(&ben, &id, 2).await;
    ann.delete(&gone).await.expect_status(204);
    let shown = rendered(&app, &id).await;
    let content = |place: usize| shown[place].1.clone().unwrap_or_default();
    assert_eq!(content(0)["message"]["content"], "kept");
    assert_eq!(content(0)["message"]["id"], kept["id"]);
    assert!(content(0)["message"]["viewer"].is_null());
    assert!(content(0)["message"]["op_id"].is_null());
    assert_eq!(content(1)["message"]["deleted"], true);
    assert_eq!(
        (shown[2].0.as_str(), &shown[2].1),
        ("message.edited", &None)
    );
    assert_eq!(
        content(3),
        json!({"user_id": ben.id, "up_to": 2, "top_seq": 2})
    );
    assert_eq!(shown[4].0, "message.deleted");
    let all = serde_json::to_string(&shown.iter().map(|(_, d)| d).collect::<Vec<_>>());
    assert!(!all.expect("JSON").contains("secret"));
    for (kind, d) in &shown {
        let tells = d.as_ref().is_none_or(|d| d["top_seq"] == 2);
        assert!(tells, "{kind}: {d:?}");
    }
    // Who no longer tells what they read is not told of.
    let off = json!({"read_receipts": false});
    ben.patch("/v1/me/settings", &off).await.expect_status(200);
    assert_eq!(rendered(&app, &id).await[3].1, None);
    app.ctx.db().close().await;
}

#[tokio::test]
async fn only_those_who_are_in_a_conversation_may_listen() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let stranger = app.person("stranger").await;
    let id = group(&ann, &[&ben, &stranger]).await;
    let two = direct(&ann, &ben).await;
    let asked = direct(&stranger, &ben).await;
    say(&stranger, &asked, "hello").await;
    let may = async |who: &Session, id: &str| {
        let (me, id) = (current(who).id, id.parse().expect("an id"));
        (topic().may_join)(app.ctx.clone(), me, id).await.is_ok()
    };
    assert!(may(&ann, &id).await && may(&ben, &id).await);
    assert!(!may(&stranger, &id).await, "asked, and has not accepted");
    assert!(!may(&stranger, &two).await);
    assert!(!may(&ben, &two).await, "nothing was said yet");
    assert!(!may(&ben, &asked).await && may(&stranger, &asked).await);
    ann.delete(&format!("/v1/conversations/{id}/members/{}", ben.id))
        .await
        .expect_status(200);
    assert!(!may(&ben, &id).await);
    let id = id.parse().expect("an id");
    let tag = topic().member_tag.expect("a tag");
    assert_eq!(tag(id), format!("members:{id}"));
    let snapshot = topic().snapshot.expect("a snapshot");
    let newest = snapshot(app.ctx.clone(), current(&ann).id, id, 1).await;
    let newest = newest.expect("a snapshot");
    assert_eq!(newest["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(newest["top_seq"], newest["messages"][0]["seq"]);
    app.ctx.db().close().await;
}

#[tokio::test]
async fn a_frame_does_what_its_request_does_and_both_are_one_operation() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let act = async |who: &Session, op: &str, op_id: Option<&str>, d: Value| {
        let run = command(op).run;
        run(app.ctx.clone(), current(who), frame(op_id, d)).await
    };
    let d = json!({"conversation_id": id, "content": "by frame"});
    let sent = act(&ann, "message.send", Some("op-1"), d.clone()).await;
    let sent = sent.expect("sent");
    let again = act(&ann, "message.send", Some("op-1"), d).await;
    assert_eq!(again.expect("the same"), sent);
    let path = format!("/v1/conversations/{id}/messages");
    let request = ann.request(reqwest::Method::POST, &path);
    let request = request.header("Idempotency-Key", "op-1");
    let request = request.json(&json!({"content": "by frame"}));
    let replayed = ann.send(request).await.expect_status(201);
    assert_eq!(replayed.json, sent["message"]);
    assert_eq!(said(&ben, &id).await, [(1, "by frame".to_owned())]);
    let message = &sent["message"]["id"];
    let on = |more: Value| {
        let mut d = json!({"message_id": message});
        if let (Some(d), Some(more)) = (d.as_object_mut(), more.as_object()) {
            d.extend(more.clone());
        }
        d
    };
    let edit = on(json!({"content": "edited"}));
    let edited = act(&ann, "message.edit", Some("op-2"), edit.clone()).await;
    assert_eq!(edited.expect("edited")["message"]["content"], "edited");
    let like = on(json!({"kind": "like"}));
    let liked = act(&ben, "reaction.add", None, like).await.expect("liked");
    assert_eq!(liked["message"]["reactions"], json!({"like": 1}));
    let plain = act(&ben, "reaction.remove", None, on(json!({}))).await;
    assert_eq!(
        plain.expect("taken back")["message"]["reactions"],
        json!({})
    );
    let up_to = json!({"conversation_id": id, "up_to": 1});
    let marked = act(&ben, "read.mark", None, up_to.clone()).await;
    assert_eq!(marked.expect("read")["conversation"]["unread"], 0);
    act(&ben, "delivered.mark", None, up_to)
        .await
        .expect("delivered");
    // Strangers, and what does not fit, are refused as requests are.
    let carol = app.person("carol").await;
    for (op, d) in [
        (
            "message.send",
            json!({"conversation_id": id, "content": "x"}),
        ),
        ("message.edit", edit),
        ("message.delete", on(json!({}))),
        ("read.mark", json!({"conversation_id": id, "up_to": 1})),
    ] {
        let refused = act(&carol, op, None, d).await.expect_err(op);
        assert_eq!(refused.code().as_str(), "not_found", "{op}");
    }
    for (op, d) in [
        ("message.send", json!({"content": "x"})),
        (
            "message.send",
            json!({"conversation_id": id, "content": ""}),
        ),
        ("message.delete", on(json!({"hard": true}))),
        ("read.mark", json!({"conversation_id": id})),
    ] {
        let refused = act(&ann, op, None, d).await.expect_err(op);
        assert_eq!(refused.code().as_str(), "validation_failed", "{op}");
    }
    act(&ann, "message.delete", None, on(json!({})))
        .await
        .expect("deleted");
    assert_eq!(seen(&ben, &id).await["last_message"]["deleted"], true);
    app.ctx.db().close().await;
}
