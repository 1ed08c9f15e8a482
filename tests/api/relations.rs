//! Friends, requests, follows, mutes and circles between people.

use serde_json::{Value, json};

use crate::support::{Reply, Session, TestApp};

async fn ask(one: &Session, other: &Session) -> Reply {
    one.post("/v1/friend-requests", &json!({"user_id": other.id}))
        .await
}

async fn relationship(one: &Session, other: &Session) -> Value {
    let path = format!("/v1/relationships?ids={}", other.id);
    one.get(&path).await.expect_status(200).json["data"][0].clone()
}

async fn friends_of(person: &Session) -> i64 {
    let path = format!("/v1/users/{}", person.id);
    let reply = person.get(&path).await.expect_status(200);
    reply.json["counts"]["friends"].as_i64().expect("a number")
}

async fn counters_are_right(app: &TestApp) {
    let drifted: i64 = sqlx::query_scalar(
        "select count(*) from user_counter c
         where c.friends <> (select count(*) from friendship f where f.user_id = c.user_id)
            or c.followers <> (select count(*) from follow f where f.followee_id = c.user_id)
            or c.following <> (select count(*) from follow f where f.follower_id = c.user_id)",
    )
    .fetch_one(&app.db)
    .await
    .expect("counts");
    assert_eq!(drifted, 0, "counters say what there is");
}

async fn rename(person: &Session, display_name: &str) {
    let change = json!({"display_name": display_name});
    person.patch("/v1/me", &change).await.expect_status(200);
}

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

#[tokio::test]
async fn following_and_muting_are_set_and_unset() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.person("anna").await, app.person("ben").await);
    let user = format!("/v1/users/{}", ben.id);
    let follow = format!("{user}/follow");
    for _ in 0..2 {
        assert_eq!(
            anna.set(&follow).await.expect_status(200).json["following"],
            true
        );
    }
    assert_eq!(
        anna.get(&format!("{user}/followers")).await.ids(),
        *std::slice::from_ref(&anna.id)
    );
    let following = format!("/v1/users/{}/following", anna.id);
    assert_eq!(
        ben.get(&following).await.ids(),
        *std::slice::from_ref(&ben.id)
    );
    assert_eq!(anna.get(&user).await.json["counts"]["followers"], 1);
    counters_are_right(&app).await;
    for _ in 0..2 {
        assert_eq!(
            anna.delete(&follow).await.expect_status(200).json["following"],
            false
        );
    }
    let own = format!("/v1/users/{}/follow", anna.id);
    anna.set(&own)
        .await
        .expect_problem(422, "cannot_target_self");
    counters_are_right(&app).await;

    let mute = format!("{user}/mute");
    let forever = anna.set(&mute).await.expect_status(200);
    assert_eq!(forever.json["muted_until"], "9999-12-31T23:59:59.999Z");
    let until = json!({"until": "2199-01-01T00:00:00Z"});
    let reply = anna.put(&mute, &until).await.expect_status(200);
    assert_eq!(reply.json["muted_until"], "2199-01-01T00:00:00.000Z");
    assert_eq!(
        anna.get("/v1/mutes").await.ids(),
        *std::slice::from_ref(&ben.id)
    );
    let past = json!({"until": "2001-01-01T00:00:00Z"});
    anna.put(&mute, &past)
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(anna.delete(&mute).await.json["muted_until"], Value::Null);
    assert!(anna.get("/v1/mutes").await.ids().is_empty());
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recount_loses_no_change_that_is_made_meanwhile() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.person("anna").await, app.person("ben").await);
    let post_id = anna.post_to(&json!("public"), "x").await;
    let comment_id = anna.comment_on(&post_id, "y").await;
    let mut change = app.db.begin().await.expect("a transaction");
    for (statement, id) in [
        (
            "insert into follow (follower_id, followee_id, created_at) \
             select user_id, $1::uuid, now() from account where user_id <> $1::uuid",
            &anna.id,
        ),
        (
            "update user_counter set followers = (user_id = $1::uuid)::int, \
             following = (user_id <> $1::uuid)::int",
            &anna.id,
        ),
        (
            "insert into comment (comment_id, post_id, parent_id, depth, author_id, content, created_at) \
             select gen_random_uuid(), post_id, comment_id, 1, author_id, 'z', now() \
             from comment where comment_id = $1::uuid",
            &comment_id,
        ),
        (
            "update comment_counter set replies = 1 where comment_id = $1::uuid",
            &comment_id,
        ),
    ] {
        sqlx::query(statement)
            .bind(id)
            .execute(&mut *change)
            .await
            .expect("a change");
    }
    let (mut one, mut other) = (
        app.ctx.read().await.expect("a connection"),
        app.ctx.read().await.expect("a connection"),
    );
    let commit = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        change.commit().await.expect("committed");
    };
    let (people, replies, ()) = futures_util::join!(
        kith::domains::users::recount(&mut one),
        kith::domains::comments::recount(&mut other),
        commit
    );
    people.expect("counted");
    replies.expect("counted");
    let seen = ben.get(&format!("/v1/users/{}", anna.id)).await;
    assert_eq!(seen.json["counts"]["followers"], 1);
    let seen = ben.get(&format!("/v1/comments/{comment_id}")).await;
    assert_eq!(seen.json["counts"]["replies"], 1);
}
