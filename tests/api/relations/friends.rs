//! Lists of friends, and who may see them or ask to be on them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ask, counters_are_right, relationship};
use crate::support::{PASSWORD, Session, TestApp};

/// Longest wait for what a job does.
const PATIENCE: Duration = Duration::from_secs(10);

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
    // An empty field finds everybody.
    for list in [
        "/v1/friends".to_owned(),
        format!("/v1/users/{}/friends", anna.id),
    ] {
        for q in ["", "%20", "+%09"] {
            let found = anna.walk(&format!("{list}?q={q}"), 2).await;
            let ids: Vec<Value> = found.iter().map(|item| item["id"].clone()).collect();
            assert_eq!(ids, expected, "{list} {q:?}");
        }
        let control = anna.get(&format!("{list}?q=%07")).await;
        control.expect_problem(422, "validation_failed");
    }
}

/// A list of people takes one request, buttons and all.
#[tokio::test]
async fn lists_of_people_show_what_lies_between_if_that_is_asked_for() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    bob.befriend(&eve).await;
    ada.set(&format!("/v1/users/{}/follow", eve.id))
        .await
        .expect_status(200);
    ada.befriend(&app.person("cat").await).await;
    for path in [
        "/v1/friends".to_owned(),
        format!("/v1/users/{}/friends", bob.id),
        format!("/v1/users/{}/followers", eve.id),
        format!("/v1/users/{}/following", ada.id),
        format!("/v1/users/{}/mutual-friends", eve.id),
        "/v1/search/users?q=e".to_owned(),
    ] {
        let mark = if path.contains('?') { '&' } else { '?' };
        let plain = ada.get(&path).await.expect_status(200).json;
        let shown = ada.get(&format!("{path}{mark}expand=relationship")).await;
        let shown = shown.expect_status(200).json;
        let people = |list: &Value| list["data"].as_array().expect("people").clone();
        assert!(!people(&shown).is_empty(), "{path}");
        assert_eq!(people(&shown).len(), people(&plain).len(), "{path}");
        for (one, bare) in people(&shown).iter().zip(people(&plain)) {
            assert_eq!(bare.get("viewer"), None, "{path}");
            let id = one["id"].as_str().expect("an id");
            if id == ada.id {
                assert_eq!(one.get("viewer"), None, "{path}: oneself");
                continue;
            }
            let between = ada.get(&format!("/v1/relationships?ids={id}")).await;
            assert_eq!(one["viewer"], between.json["data"][0], "{path}");
        }
        let refused = ada.get(&format!("{path}{mark}expand=everything")).await;
        refused.expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn settings_say_who_may_ask_and_who_sees_friends() {
    let app = TestApp::start().await;
    let (anna, ben) = app.friends("anna", "ben").await;
    let carl = app.person("carl").await;
    let list = format!("/v1/users/{}/friends", anna.id);
    carl.get(&list).await.expect_problem(403, "forbidden");
    let mutual_path = format!("/v1/users/{}/mutual-friends", anna.id);
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
    let mutual = carl.get(&mutual_path).await.expect_status(200);
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

#[tokio::test]
async fn whoever_shows_their_friends_to_nobody_hides_those_in_common_and_not_how_many_there_are() {
    let app = TestApp::start().await;
    let (anna, ben) = app.friends("anna", "ben").await;
    let carl = app.person("carl").await;
    ben.befriend(&carl).await;
    let mutual_path = format!("/v1/users/{}/mutual-friends", anna.id);
    let suggested = async || {
        let list = carl.get("/v1/friends/suggestions").await;
        list.expect_status(200).json["data"][0].clone()
    };
    for (setting, is_shown) in [("friends", true), ("public", true), ("only_me", false)] {
        let change = json!({"who_sees_friends": setting});
        anna.patch("/v1/me/settings", &change)
            .await
            .expect_status(200);
        let reply = carl.get(&mutual_path).await;
        let found = suggested().await;
        assert_eq!(found["user"]["id"], anna.id.as_str());
        assert_eq!(found["mutual_friends"], 1, "{setting}");
        let shown = found["mutuals"].as_array().expect("a list").len();
        assert_eq!(shown, usize::from(is_shown), "{setting}");
        if is_shown {
            assert_eq!(reply.ids(), *std::slice::from_ref(&ben.id));
        } else {
            reply.expect_problem(403, "forbidden");
        }
        assert_eq!(relationship(&carl, &anna).await["mutual_friends"], 1);
    }
    // To oneself nothing is hidden.
    anna.get(&format!("/v1/users/{}/mutual-friends", anna.id))
        .await
        .expect_status(200);
    ask(&carl, &anna).await.expect_status(201);
    let request = anna.get("/v1/friend-requests?direction=incoming").await;
    assert_eq!(request.json["data"][0]["mutual_friends"], 1);
}

/// Nobody could take them out of these numbers themselves: they see no such person.
#[tokio::test]
async fn whoever_deletes_their_account_is_counted_by_nobody() {
    let app = TestApp::start().await;
    let (ada, bob) = app.friends("ada", "bob").await;
    let eve = app.person("eve").await;
    for (one, other) in [(&bob, &ada), (&bob, &eve), (&eve, &bob)] {
        one.set(&format!("/v1/users/{}/follow", other.id))
            .await
            .expect_status(200);
    }
    let gone = bob.request(reqwest::Method::DELETE, "/v1/me");
    let gone = bob.send(gone.json(&json!({"password": PASSWORD}))).await;
    gone.expect_status(204);
    let counts = async |person: &Session| {
        let profile = person.get(&format!("/v1/users/{}", person.id)).await;
        let counts = profile.expect_status(200).json["counts"].clone();
        (counts["friends"].clone(), counts["followers"].clone())
    };
    let began = Instant::now();
    while counts(&ada).await != (json!(0), json!(0)) || counts(&eve).await != (json!(0), json!(0)) {
        assert!(began.elapsed() < PATIENCE, "they are counted still");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    counters_are_right(&app).await;
}
