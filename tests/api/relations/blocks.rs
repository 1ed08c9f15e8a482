//! Blocks hide two people from each other and end what was between them.

use serde_json::{Value, json};

use super::{ask, counters_are_right, friends_of, relationship};
use crate::support::TestApp;

#[tokio::test]
async fn a_block_that_meets_an_acceptance_leaves_no_friendship() {
    let app = TestApp::start().await;
    for round in 0..6 {
        let anna = app.person(&format!("anna{round}x")).await;
        let ben = app.person(&format!("ben{round}x")).await;
        let request = ask(&anna, &ben).await.expect_status(201).id();
        let accept = format!("/v1/friend-requests/{request}/accept");
        let block = format!("/v1/users/{}/block", ben.id);
        let (accepted, blocked) = tokio::join!(ben.act(&accept), anna.set(&block));
        assert!(matches!(accepted.status, 200 | 404), "{}", accepted.json);
        assert_eq!(blocked.status, 200);
        assert_eq!((friends_of(&anna).await, friends_of(&ben).await), (0, 0));
    }
    counters_are_right(&app).await;
}

#[tokio::test]
async fn blocked_people_are_hidden_from_each_other_everywhere() {
    let app = TestApp::start().await;
    let (anna, ben) = app.friends("anna", "ben").await;
    anna.set(&format!("/v1/users/{}/follow", ben.id))
        .await
        .expect_status(200);
    ben.set(&format!("/v1/users/{}/follow", anna.id))
        .await
        .expect_status(200);
    let circle = ben
        .post("/v1/circles", &json!({"name": "Close"}))
        .await
        .expect_status(201)
        .id();
    let member = format!("/v1/circles/{circle}/members/{}", anna.id);
    ben.set(&member).await.expect_status(200);

    let block = format!("/v1/users/{}/block", ben.id);
    for _ in 0..2 {
        let reply = anna.set(&block).await.expect_status(200);
        assert_eq!(reply.json["blocking"], true);
        assert_eq!(reply.json["friendship"], "none");
        assert_eq!(reply.json["can_request"], false);
    }
    for (one, other) in [(&anna, &ben), (&ben, &anna)] {
        let user = format!("/v1/users/{}", other.id);
        let by_name = format!("/v1/users/@{}", other.username);
        for path in [
            "",
            "/friends",
            "/mutual-friends",
            "/followers",
            "/following",
        ] {
            one.get(&format!("{user}{path}"))
                .await
                .expect_problem(404, "not_found");
        }
        one.get(&by_name).await.expect_problem(404, "not_found");
        one.set(&format!("{user}/follow"))
            .await
            .expect_problem(404, "not_found");
        one.set(&format!("{user}/mute"))
            .await
            .expect_problem(404, "not_found");
        one.delete(&format!("/v1/friends/{}", other.id))
            .await
            .expect_problem(404, "not_found");
        ask(one, other).await.expect_problem(404, "not_found");
        let batch = one
            .get(&format!("/v1/users?ids={}", other.id))
            .await
            .expect_status(200);
        assert!(batch.ids().is_empty());
        assert!(one.get("/v1/friends").await.ids().is_empty());
        let found = one
            .get(&format!("/v1/search/users?q={}", other.username))
            .await;
        assert!(found.ids().is_empty(), "{}", found.json);
        let me = one.get(&format!("/v1/users/{}", one.id)).await.json;
        assert_eq!(
            (&me["counts"]["friends"], &me["counts"]["followers"]),
            (&json!(0), &json!(0))
        );
    }
    ben.set(&format!("/v1/users/{}/block", anna.id))
        .await
        .expect_problem(404, "not_found");
    assert_eq!(relationship(&anna, &ben).await["blocking"], true);
    assert_eq!(relationship(&ben, &anna).await, Value::Null);
    assert_eq!(
        anna.get("/v1/blocks").await.ids(),
        *std::slice::from_ref(&ben.id)
    );
    assert_eq!(
        ben.get(&format!("/v1/circles/{circle}")).await.json["member_count"],
        0
    );

    let lifted = anna.delete(&block).await.expect_status(200);
    assert_eq!(
        (&lifted.json["blocking"], &lifted.json["friendship"]),
        (&json!(false), &json!("none"))
    );
    assert_eq!(
        (&lifted.json["following"], &lifted.json["followed_by"]),
        (&json!(false), &json!(false))
    );
    ben.get(&format!("/v1/users/{}", anna.id))
        .await
        .expect_status(200);
    counters_are_right(&app).await;
}
