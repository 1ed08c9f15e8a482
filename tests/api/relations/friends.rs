//! Lists of friends, and who may see them or ask to be on them.

use serde_json::{Value, json};

use super::{ask, relationship};
use crate::support::{Session, TestApp};

async fn rename(person: &Session, display_name: &str) {
    let change = json!({"display_name": display_name});
    person.patch("/v1/me", &change).await.expect_status(200);
}

#[tokio::test]
async fn friends_are_listed_by_name_and_every_page_goes_on_where_the_last_ended() {
    let app = TestApp::start().await;
    let anna = app.person("anna").await;
    let mut names = Vec::new();
    for name in ["Zoe", "anton", "Berta", "Emil", "berta", "Cäsar", "Dora"] {
        let friend = app.person("friend").await;
        rename(&friend, name).await;
        anna.befriend(&friend).await;
        names.push((name.to_lowercase(), friend.id.clone()));
    }
    names.sort();
    let expected: Vec<Value> = names.iter().map(|(_, id)| json!(id)).collect();
    for limit in [1, 2, 3, 100] {
        let walked = anna.walk("/v1/friends", limit).await;
        let ids: Vec<Value> = walked.iter().map(|item| item["id"].clone()).collect();
        assert_eq!(ids, expected, "{limit} on a page");
    }
    let second = anna.get("/v1/friends?limit=3").await.next().expect("more");
    let page = anna
        .get(&format!("/v1/friends?limit=3&cursor={second}"))
        .await;
    let back = anna
        .get(&format!(
            "/v1/friends?limit=3&cursor={}",
            page.prev().expect("a way back")
        ))
        .await;
    assert_eq!(json!(back.ids()), json!(expected[..3]));
    assert_eq!(anna.walk("/v1/friends?q=BERT", 1).await.len(), 2);
}

#[tokio::test]
async fn settings_say_who_may_ask_and_who_sees_friends() {
    let app = TestApp::start().await;
    let (anna, ben) = app.friends("anna", "ben").await;
    let carl = app.person("carl").await;
    let list = format!("/v1/users/{}/friends", anna.id);
    carl.get(&list).await.expect_problem(403, "forbidden");
    let profile = format!("/v1/users/{}", anna.id);
    assert_eq!(
        carl.get(&profile).await.json["counts"]["friends"],
        Value::Null
    );
    assert_eq!(
        app.anyone().get(&profile).await.expect_status(200).json["viewer"],
        Value::Null
    );
    assert_eq!(
        ben.get(&list).await.expect_status(200).ids(),
        *std::slice::from_ref(&ben.id)
    );
    let change = json!({"who_sees_friends": "public", "who_can_request": "friends_of_friends"});
    anna.patch("/v1/me/settings", &change)
        .await
        .expect_status(200);
    assert_eq!(
        carl.get(&list).await.expect_status(200).ids(),
        *std::slice::from_ref(&ben.id)
    );
    assert_eq!(relationship(&carl, &anna).await["can_request"], false);
    ask(&carl, &anna).await.expect_problem(403, "forbidden");
    ben.befriend(&carl).await;
    let between = relationship(&carl, &anna).await;
    assert_eq!(
        (&between["can_request"], &between["mutual_friends"]),
        (&json!(true), &json!(1))
    );
    let mutual = carl
        .get(&format!("/v1/users/{}/mutual-friends", anna.id))
        .await;
    assert_eq!(mutual.ids(), *std::slice::from_ref(&ben.id));

    let suggested = carl
        .get("/v1/friends/suggestions")
        .await
        .expect_status(200)
        .json;
    assert_eq!(suggested["data"][0]["user"]["id"], anna.id.as_str());
    assert_eq!(suggested["data"][0]["mutuals"][0]["id"], ben.id.as_str());
    ask(&carl, &anna).await.expect_status(201);
    assert_eq!(
        carl.get("/v1/friends/suggestions").await.json["data"],
        json!([])
    );
    anna.delete(&format!("/v1/friends/suggestions/{}", carl.id))
        .await
        .expect_status(204);
}
