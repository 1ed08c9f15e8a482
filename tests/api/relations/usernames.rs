//! Usernames that people had before.

use serde_json::json;

use super::relationship;
use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_former_username_leads_to_its_person() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna.old").await, app.person("ben").await);
    anna.patch("/v1/me", &json!({"username": "anna.new"}))
        .await
        .expect_status(200);
    let reply = ben.get("/v1/users/@anna.old").await.expect_status(308);
    let location = reply.header("location").expect("a location");
    assert!(location.ends_with("/v1/users/@anna.new"), "{location}");
    let encoded = ben.get("/v1/users/%40anna%2Eold").await;
    let location = encoded.expect_status(308).header("location");
    assert_eq!(location.as_deref(), Some("/v1/users/@anna.new"));
    let followed = ben.set("/v1/users/@anna.old/follow").await;
    let location = followed.expect_status(308).header("location");
    assert_eq!(location.as_deref(), Some("/v1/users/@anna.new/follow"));
    assert_eq!(relationship(&ben, &anna).await["following"], false);
    anna.set(&format!("/v1/users/{}/block", ben.id))
        .await
        .expect_status(200);
    ben.get("/v1/users/@anna.old")
        .await
        .expect_problem(404, "not_found");
    ben.set("/v1/users/@anna.old/follow")
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_username_that_somebody_has_leads_to_them_and_not_to_who_had_it_before() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna.old").await, app.person("ben").await);
    anna.patch("/v1/me", &json!({"username": "anna.new"}))
        .await
        .expect_status(200);
    // Nobody gets a name that is kept for another, unless two people are very quick.
    sqlx::query("update account set username = 'anna.old' where user_id = $1::uuid")
        .bind(&ben.id)
        .execute(&app.db)
        .await
        .expect("another name");
    let seen = anna.get("/v1/users/@anna.old").await.expect_status(200);
    assert_eq!(seen.json["id"], json!(ben.id));
}

/// `@bob.` ends a sentence: nobody could mention somebody of that name.
#[tokio::test]
async fn no_new_username_ends_in_a_full_stop_and_those_from_before_still_sign_in() {
    let app = TestApp::start().await;
    let bob = app.register("bob").await;
    let body = json!({"username": "eve.", "email": "eve@example.org", "password": PASSWORD,
        "display_name": "Eve"});
    let registered = app.anyone().post("/v1/auth/register", &body).await;
    let renamed = bob.patch("/v1/me", &json!({"username": "bob."})).await;
    for refused in [registered, renamed] {
        let refused = refused.expect_problem(422, "validation_failed");
        let fault = &refused.json["errors"][0];
        assert_eq!(fault["pointer"], "/username");
        assert_eq!(fault["code"], "ends_in_a_full_stop");
    }
    sqlx::query("update account set username = 'bob.' where user_id = $1::uuid")
        .bind(&bob.id)
        .execute(&app.db)
        .await
        .expect("a name from before");
    app.wait_until_voids_are_delivered().await;
    let login = json!({"login": "bob.", "password": PASSWORD});
    let signed_in = app.anyone().post("/v1/auth/login", &login).await;
    let signed_in = signed_in.expect_status(200);
    assert_eq!(signed_in.json["user"]["username"], "bob.");
    bob.get("/v1/users/@bob.").await.expect_status(200);
    bob.patch("/v1/me", &json!({"username": "bob.b"}))
        .await
        .expect_status(200);
}

#[tokio::test]
async fn a_circle_leads_on_from_a_former_username_and_changes_nothing() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna.old").await, app.person("ben").await);
    anna.befriend(&ben).await;
    let made = ben.post("/v1/circles", &json!({"name": "Close"})).await;
    let path = format!("/v1/circles/{}", made.expect_status(201).id());
    ben.set(&format!("{path}/members/{}", anna.id))
        .await
        .expect_status(200);
    anna.patch("/v1/me", &json!({"username": "anna.new"}))
        .await
        .expect_status(200);
    let (old, new) = ("members/@anna.old", "members/@anna.new");
    for method in [reqwest::Method::PUT, reqwest::Method::DELETE] {
        let request = ben.request(method, &format!("{path}/{old}"));
        let reply = ben.send(request).await.expect_status(308);
        assert_eq!(reply.header("location"), Some(format!("{path}/{new}")));
        let circle = ben.get(&path).await.expect_status(200).json;
        assert_eq!(circle["member_count"], 1);
    }
    let left = ben.delete(&format!("{path}/{new}")).await;
    assert_eq!(left.expect_status(200).json["member_count"], 0);
}
