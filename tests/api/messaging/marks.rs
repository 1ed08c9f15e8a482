//! How far one has read, and what else a conversation is to oneself.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{direct, group, listed, read, said, say, seen, shown_reading};
use crate::support::{Session, TestApp};

async fn change(who: &Session, id: &str, change: &Value) -> crate::support::Reply {
    let path = format!("/v1/conversations/{id}/me");
    who.patch(&path, change).await
}

#[tokio::test]
async fn a_mark_of_reading_only_moves_forward_and_is_told() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    for text in ["1", "2", "3"] {
        say(&ann, &id, text).await;
    }
    assert_eq!(seen(&ben, &id).await["unread"], 3);
    let state = read(&ben, &id, 2).await;
    assert_eq!(
        (&state["unread"], &state["viewer"]["read_up_to"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(shown_reading(&ann, &id, &ben).await, 2);
    let back = read(&ben, &id, 1).await;
    assert_eq!(back["viewer"]["read_up_to"], 2);
    // Beyond the newest there is nothing that could have been read.
    let beyond = read(&ben, &id, 99).await;
    assert_eq!(beyond["viewer"]["read_up_to"], 3);
    say(&ann, &id, "4").await;
    assert_eq!(seen(&ben, &id).await["unread"], 1);
    // Who writes has read.
    say(&ben, &id, "5").await;
    let shown = seen(&ben, &id).await;
    assert_eq!(
        (&shown["unread"], &shown["viewer"]["read_up_to"]),
        (&json!(0), &json!(5))
    );
    assert_eq!(seen(&ann, &id).await["unread"], 1, "one's own do not count");
    let path = format!("/v1/conversations/{id}/read");
    ben.put(&path, &json!({"up_to": -1}))
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn what_is_unread_is_what_others_have_said_since_and_is_there_still() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let id = group(&ann, &[&ben, &carol]).await;
    let unread = async |who: &Session| seen(who, &id).await["unread"].clone();
    let mut said = Vec::new();
    for (who, text) in [
        (&ann, "1"),
        (&carol, "2"),
        (&ben, "3"),
        (&ann, "4"),
        (&carol, "5"),
    ] {
        said.push(say(who, &id, text).await);
    }
    // Ben has read up to his own.
    assert_eq!(unread(&ben).await, 2);
    let delete = async |who: &Session, place: usize| {
        let path = format!(
            "/v1/messages/{}",
            said[place]["id"].as_str().expect("an id")
        );
        who.delete(&path).await.expect_status(204);
    };
    // What was deleted before the mark does not count, what was after it counts no more.
    delete(&carol, 1).await;
    assert_eq!(unread(&ben).await, 2);
    delete(&ann, 3).await;
    assert_eq!(unread(&ben).await, 1);
    // Who was removed is told of nothing that came later.
    let path = format!("/v1/conversations/{id}/members/{}", ben.id);
    ann.delete(&path).await.expect_status(200);
    let before = unread(&ben).await;
    assert_ne!(before, 0);
    say(&ann, &id, "6").await;
    assert_eq!(unread(&ben).await, before);
    let counted: i64 = sqlx::query_scalar(
        "select count(*) from message s
         join conversation_mark k using (conversation_id)
         join conversation_member m using (conversation_id, user_id)
         where k.conversation_id = $1::uuid and k.user_id = $2::uuid
           and s.seq > greatest(k.read_up_to, k.cleared_up_to) and s.author_id <> k.user_id
           and s.deleted_at is null and s.seq <= m.left_seq",
    )
    .bind(&id)
    .bind(&ben.id)
    .fetch_one(&app.db)
    .await
    .expect("a count");
    assert_eq!(before, counted);
}

#[tokio::test]
async fn private_reading_counts_for_oneself_and_is_told_nobody() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "1").await;
    say(&ann, &id, "2").await;
    let path = format!("/v1/conversations/{id}/read");
    let private = json!({"up_to": 2, "private": true});
    let state = ben.put(&path, &private).await.expect_status(200).json;
    assert_eq!(state["unread"], 0);
    assert_eq!(shown_reading(&ann, &id, &ben).await, 0);
    // What was read in private is told when it is read openly.
    read(&ben, &id, 1).await;
    assert_eq!(shown_reading(&ann, &id, &ben).await, 1);
    let off = json!({"read_receipts": false});
    ben.patch("/v1/me/settings", &off).await.expect_status(200);
    assert!(shown_reading(&ann, &id, &ben).await.is_null());
    assert!(shown_reading(&ben, &id, &ann).await.is_null(), "both ways");
    read(&ben, &id, 2).await;
    let on = json!({"read_receipts": true});
    ben.patch("/v1/me/settings", &on).await.expect_status(200);
    assert_eq!(shown_reading(&ann, &id, &ben).await, 1, "nor afterwards");
}

#[tokio::test]
async fn how_far_messages_have_arrived_only_moves_forward() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "1").await;
    say(&ann, &id, "2").await;
    let path = format!("/v1/conversations/{id}/delivered");
    let delivered = async |up_to: i64| {
        let told = ben.put(&path, &json!({"up_to": up_to})).await;
        told.expect_status(200);
        let shown = seen(&ann, &id).await;
        let members = shown["members"].as_array().expect("members").clone();
        let found = members.into_iter().find(|one| one["user"]["id"] == ben.id);
        found.expect("a member")["delivered_up_to"].clone()
    };
    assert_eq!(delivered(2).await, 2);
    assert_eq!(delivered(1).await, 2);
    assert_eq!(delivered(9).await, 2);
    assert_eq!(shown_reading(&ann, &id, &ben).await, 0);
}

#[tokio::test]
async fn a_conversation_is_quiet_put_away_or_on_top_for_oneself_alone() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "1").await;
    let until = app.ctx.now() + TimeDelta::hours(1);
    let wanted = json!({"muted_until": until, "archived": true, "pinned": true});
    let changed = change(&ben, &id, &wanted).await.expect_status(200);
    let viewer = &changed.json["viewer"];
    assert_eq!(viewer["muted_until"], until.to_string());
    assert_eq!(
        (&viewer["archived"], &viewer["pinned"]),
        (&json!(true), &json!(true))
    );
    assert!(listed(&ben, "").await.is_empty());
    assert!(listed(&ben, "?filter=unread").await.is_empty());
    assert_eq!(listed(&ben, "?filter=archived").await, [id.as_str()]);
    assert_eq!(seen(&ann, &id).await["viewer"]["archived"], false);
    assert_eq!(listed(&ann, "").await, [id.as_str()]);
    let back = json!({"muted_until": null, "archived": false});
    let back = change(&ben, &id, &back).await.expect_status(200);
    assert!(back.json["viewer"]["muted_until"].is_null());
    assert_eq!(back.json["viewer"]["pinned"], true, "what is absent stays");
    assert_eq!(listed(&ben, "?filter=unread").await, [id.as_str()]);
    for bad in [
        json!({"muted_until": "2001-01-01T00:00:00Z"}),
        json!({"archived": null}),
        json!({"cleared_up_to": -1}),
        json!({"loud": true}),
    ] {
        change(&ben, &id, &bad)
            .await
            .expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn what_is_cleared_is_gone_for_oneself_until_something_new_is_said() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let first = say(&ann, &id, "1").await;
    say(&ann, &id, "2").await;
    let part = json!({"cleared_up_to": 1});
    let state = change(&ben, &id, &part).await.expect_status(200);
    assert_eq!(state.json["unread"], 1);
    assert_eq!(said(&ben, &id).await, [(2, "2".to_owned())]);
    let around = format!(
        "/v1/conversations/{id}/messages?around={}",
        first["id"].as_str().expect("an id")
    );
    ben.get(&around).await.expect_status(404);
    ben.put(
        &format!(
            "/v1/messages/{}/reaction",
            first["id"].as_str().expect("an id")
        ),
        &json!({"kind": "like"}),
    )
    .await
    .expect_status(404);
    change(&ben, &id, &json!({"cleared_up_to": 2}))
        .await
        .expect_status(200);
    change(&ben, &id, &json!({"cleared_up_to": 0}))
        .await
        .expect_status(200);
    assert!(said(&ben, &id).await.is_empty());
    assert!(listed(&ben, "").await.is_empty());
    assert!(seen(&ben, &id).await["last_message"].is_null());
    assert_eq!(said(&ann, &id).await.len(), 2);
    say(&ann, &id, "3").await;
    assert_eq!(said(&ben, &id).await, [(3, "3".to_owned())]);
    assert_eq!(listed(&ben, "").await, [id.as_str()]);
    assert_eq!(seen(&ben, &id).await["unread"], 1);
}

#[tokio::test]
async fn what_is_ones_own_changes_while_others_write() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "hello").await;
    let mut writing = app.db.begin().await.expect("a transaction");
    sqlx::query("select from conversation where conversation_id = $1::uuid for no key update")
        .bind(&id)
        .execute(&mut *writing)
        .await
        .expect("held");
    let pinned = json!({"pinned": true});
    let pinning = change(&ben, &id, &pinned);
    let changed = tokio::time::timeout(std::time::Duration::from_secs(2), pinning).await;
    let changed = changed.expect("it waits for nobody").expect_status(200);
    assert_eq!(changed.json["viewer"]["pinned"], true);
    writing.rollback().await.expect("let go");
}
