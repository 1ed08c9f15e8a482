//! Circles of friends.

use serde_json::json;

use crate::support::{Session, TestApp};

#[tokio::test]
async fn circles_are_private_and_hold_friends_only() {
    let app = TestApp::start().await;
    let (anna, ben) = app.friends("anna", "ben").await;
    let carl = app.person("carl").await;
    let made = anna
        .post("/v1/circles", &json!({"name": "Close"}))
        .await
        .expect_status(201);
    anna.post("/v1/circles", &json!({"name": "close"}))
        .await
        .expect_problem(409, "conflict");
    let path = format!("/v1/circles/{}", made.id());
    let with = |person: &Session| format!("{path}/members/{}", person.id);
    for _ in 0..2 {
        let circle = anna.set(&with(&ben)).await.expect_status(200).json;
        assert_eq!(
            (&circle["member_count"], &circle["members"][0]["id"]),
            (&json!(1), &json!(ben.id))
        );
    }
    anna.set(&with(&carl))
        .await
        .expect_problem(422, "not_a_friend");
    ben.get(&path).await.expect_problem(404, "not_found");
    ben.set(&with(&anna)).await.expect_problem(404, "not_found");
    ben.delete(&path).await.expect_problem(404, "not_found");
    assert!(ben.get("/v1/circles").await.ids().is_empty());

    let renamed = anna
        .patch(&path, &json!({"name": "Closer"}))
        .await
        .expect_status(200);
    assert_eq!(renamed.json["name"], "Closer");
    // What is left out stays, and is no change.
    let kept = anna.patch(&path, &json!({})).await.expect_status(200);
    assert_eq!(kept.json, renamed.json);
    assert_eq!(kept.header("etag"), renamed.header("etag"));
    let nameless = anna.patch(&path, &json!({"name": null})).await;
    let nameless = nameless.expect_problem(422, "validation_failed");
    assert_eq!(nameless.json["errors"][0]["code"], "not_nullable");
    let stale = anna
        .request(reqwest::Method::PATCH, &path)
        .header("If-Match", made.header("etag").expect("a tag"))
        .json(&json!({"name": "Closest"}));
    anna.send(stale)
        .await
        .expect_problem(412, "precondition_failed");

    ben.delete(&format!("/v1/friends/{}", anna.id))
        .await
        .expect_status(200);
    assert_eq!(anna.get(&path).await.json["members"], json!([]));
    anna.delete(&path).await.expect_status(204);
    anna.get(&path).await.expect_problem(404, "not_found");
    anna.post("/v1/circles", &json!({"name": "Closer"}))
        .await
        .expect_status(201);
}

#[tokio::test]
async fn taking_somebody_out_of_a_circle_tells_of_nobody_who_hides() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let circle = ada.post("/v1/circles", &json!({"name": "few"})).await;
    let member = |who: &str| format!("/v1/circles/{}/members/{who}", circle.id());
    let bobs_name = format!("@{}", bob.username);
    ada.delete(&member(&bobs_name)).await.expect_status(200);
    bob.set(&format!("/v1/users/{}/block", ada.id))
        .await
        .expect_status(200);
    for nobody in [&*bobs_name, "@nobody"] {
        ada.delete(&member(nobody))
            .await
            .expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn all_who_are_in_a_circle_are_listed_by_name_for_its_owner() {
    let app = TestApp::start().await;
    let anna = app.person("anna").await;
    let made = anna.post("/v1/circles", &json!({"name": "Choir"})).await;
    let path = format!("/v1/circles/{}", made.expect_status(201).id());
    let mut ids = Vec::new();
    for name in ["dora", "ben", "carl"] {
        let friend = app.person(name).await;
        anna.befriend(&friend).await;
        let named = json!({"display_name": name.to_uppercase()});
        friend.patch("/v1/me", &named).await.expect_status(200);
        anna.set(&format!("{path}/members/{}", friend.id))
            .await
            .expect_status(200);
        ids.push(friend);
    }
    let members = format!("{path}/members");
    let walked = anna.walk(&members, 1).await;
    let names: Vec<_> = walked.iter().map(|one| &one["display_name"]).collect();
    assert_eq!(names, ["BEN", "CARL", "DORA"]);
    let expanded = anna.get(&format!("{members}?expand=relationship")).await;
    let first = &expanded.expect_status(200).json["data"][0];
    assert_eq!(first["viewer"]["friendship"], "friends");
    ids[0].get(&members).await.expect_problem(404, "not_found");
    // Whoever has blocked her is not there for her.
    ids[1]
        .set(&format!("/v1/users/{}/block", anna.id))
        .await
        .expect_status(200);
    assert_eq!(anna.get(&members).await.ids().len(), 2);
    anna.delete(&path).await.expect_status(204);
    anna.get(&members).await.expect_problem(404, "not_found");
}
