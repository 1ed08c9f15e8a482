//! Friend requests, from asking to unfriending.

use serde_json::json;

use super::{ask, counters_are_right, friends_of, relationship};
use crate::support::TestApp;

#[tokio::test]
async fn a_request_is_asked_seen_and_accepted() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.person("anna").await, app.person("ben").await);
    let sent = ask(&anna, &ben).await.expect_status(201);
    assert_eq!(sent.json["direction"], "outgoing");
    assert_eq!(sent.json["state"], "pending");
    assert_eq!(sent.json["user"]["id"], ben.id.as_str());
    let location = sent.header("location").expect("a location");
    assert!(location.ends_with(&format!("/v1/friend-requests/{}", sent.id())));
    ask(&anna, &ben)
        .await
        .expect_problem(409, "request_pending");
    ask(&anna, &anna)
        .await
        .expect_problem(422, "cannot_friend_self");

    let incoming = ben.get("/v1/friend-requests").await.expect_status(200);
    assert_eq!(incoming.ids(), [sent.id()]);
    assert_eq!(incoming.json["data"][0]["direction"], "incoming");
    let outgoing = anna.get("/v1/friend-requests?direction=outgoing").await;
    assert_eq!(outgoing.ids(), [sent.id()]);
    let counts = ben.get("/v1/me/counts").await.expect_status(200).json;
    assert_eq!(
        counts["friend_requests"],
        json!({"unseen": 1, "pending": 1})
    );
    assert_eq!(relationship(&anna, &ben).await["friendship"], "outgoing");
    assert_eq!(relationship(&ben, &anna).await["friendship"], "incoming");

    let accept = format!("/v1/friend-requests/{}/accept", sent.id());
    anna.act(&accept).await.expect_problem(403, "forbidden");
    for _ in 0..2 {
        let reply = ben.act(&accept).await.expect_status(200);
        assert_eq!(reply.json["state"], "accepted");
    }
    ask(&ben, &anna)
        .await
        .expect_problem(409, "already_friends");
    let cancel = format!("/v1/friend-requests/{}", sent.id());
    anna.delete(&cancel)
        .await
        .expect_problem(409, "request_closed");
    assert_eq!(relationship(&anna, &ben).await["friendship"], "friends");
    assert_eq!((friends_of(&anna).await, friends_of(&ben).await), (1, 1));

    let gone = anna
        .delete(&format!("/v1/friends/@{}", ben.username))
        .await
        .expect_status(200);
    assert_eq!(gone.json["friendship"], "none");
    anna.delete(&format!("/v1/friends/{}", ben.id))
        .await
        .expect_status(200);
    assert_eq!((friends_of(&anna).await, friends_of(&ben).await), (0, 0));
    counters_are_right(&app).await;
}

#[tokio::test]
async fn a_request_is_declined_or_taken_back_and_then_closed() {
    let app = TestApp::start().await;
    let (anna, ben, carl) = (
        app.person("anna").await,
        app.person("ben").await,
        app.person("carl").await,
    );
    let first = ask(&anna, &ben).await.expect_status(201).id();
    let decline = format!("/v1/friend-requests/{first}/decline");
    carl.act(&decline).await.expect_problem(404, "not_found");
    let declined = ben.act(&decline).await.expect_status(200);
    assert_eq!(declined.json["state"], "declined");
    let accept = format!("/v1/friend-requests/{first}/accept");
    ben.act(&accept).await.expect_problem(409, "request_closed");
    let second = ask(&anna, &ben).await.expect_status(201).id();
    for _ in 0..2 {
        anna.delete(&format!("/v1/friend-requests/{second}"))
            .await
            .expect_status(204);
    }
    ben.act(&format!("/v1/friend-requests/{second}/accept"))
        .await
        .expect_problem(409, "request_closed");
    assert!(ben.get("/v1/friend-requests").await.ids().is_empty());
}

#[tokio::test]
async fn two_people_who_ask_each_other_at_once_become_friends_once() {
    let app = TestApp::start().await;
    for round in 0..6 {
        let anna = app.person(&format!("anna{round}x")).await;
        let ben = app.person(&format!("ben{round}x")).await;
        let (one, other) = tokio::join!(ask(&anna, &ben), ask(&ben, &anna));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201], "{} {}", one.json, other.json);
        assert_eq!((friends_of(&anna).await, friends_of(&ben).await), (1, 1));
    }
    counters_are_right(&app).await;
}

#[tokio::test]
async fn of_accepting_and_taking_back_at_once_one_wins() {
    let app = TestApp::start().await;
    for round in 0..6 {
        let anna = app.person(&format!("anna{round}x")).await;
        let ben = app.person(&format!("ben{round}x")).await;
        let request = ask(&anna, &ben).await.expect_status(201).id();
        let accept = format!("/v1/friend-requests/{request}/accept");
        let cancel = format!("/v1/friend-requests/{request}");
        let (accepted, cancelled) = tokio::join!(ben.act(&accept), anna.delete(&cancel));
        let friends = friends_of(&anna).await;
        match (accepted.status, cancelled.status) {
            (200, 409) => assert_eq!(friends, 1),
            (409, 204) => assert_eq!(friends, 0),
            other => panic!("{other:?}"),
        }
    }
    counters_are_right(&app).await;
}

#[tokio::test]
async fn a_request_is_there_for_its_two_people_until_it_ends_without_friendship() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.person("anna").await, app.person("ben").await);
    let eve = app.person("eve").await;
    let sent = ask(&anna, &ben).await.expect_status(201);
    let path = sent.header("location").expect("a location");
    let hers = anna.get(&path).await.expect_status(200);
    assert_eq!(hers.json, sent.json);
    let his = ben.get(&path).await.expect_status(200).json;
    assert_eq!(
        (&his["direction"], &his["user"]["id"]),
        (&json!("incoming"), &json!(anna.id))
    );
    let known = anna
        .request(reqwest::Method::GET, &path)
        .header("If-None-Match", hers.header("etag").expect("a tag"));
    anna.send(known).await.expect_status(304);
    eve.get(&path).await.expect_problem(404, "not_found");
    app.anyone()
        .get(&path)
        .await
        .expect_problem(401, "unauthenticated");
    let block = format!("/v1/users/{}/block", ben.id);
    ben.act(&format!("{path}/decline")).await.expect_status(200);
    for who in [&anna, &ben] {
        who.get(&path).await.expect_problem(404, "not_found");
    }
    let again = ask(&ben, &anna).await.expect_status(201);
    let path = again.header("location").expect("a location");
    anna.act(&format!("{path}/accept")).await.expect_status(200);
    for who in [&anna, &ben] {
        let seen = who.get(&path).await.expect_status(200);
        assert_eq!(seen.json["state"], "accepted");
    }
    anna.set(&block).await.expect_status(200);
    for who in [&anna, &ben] {
        who.get(&path).await.expect_problem(404, "not_found");
    }
}
