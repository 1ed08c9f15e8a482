//! Usernames that people had before.

use serde_json::json;

use super::relationship;
use crate::support::TestApp;

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
