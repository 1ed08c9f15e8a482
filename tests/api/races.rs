//! Things done at once: one winner, no fault of ours, and counters that say what there is. What two
//! people ask of each other at once is in `relations`, fifty reactions by fifty people in `reactions`.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Anyone, PASSWORD, Reply, Session, TestApp};

/// How often each answer was given. A fault of ours fails the test.
#[track_caller]
fn tally(replies: &[Reply]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for reply in replies {
        assert!(reply.status < 500, "{}: {:#}", reply.status, reply.json);
        let code = reply.json["code"].as_str().unwrap_or_default();
        *tally
            .entry(format!("{} {code}", reply.status).trim_end().to_owned())
            .or_default() += 1;
    }
    tally
}

fn counted<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    let entries = expected.map(|(answer, times)| (answer.to_owned(), times));
    entries.into_iter().collect()
}

async fn ask(one: &Session, other: &Session) -> Reply {
    one.post("/v1/friend-requests", &json!({"user_id": other.id}))
        .await
}

/// What lies between two people, as one of them sees it.
async fn friendship(one: &Session, other: &Session) -> String {
    let list = one
        .get(&format!("/v1/relationships?ids={}", other.id))
        .await
        .expect_status(200);
    let word = list.json["data"][0]["friendship"].as_str();
    word.unwrap_or("hidden").to_owned()
}

async fn count(app: &TestApp, question: &'static str) -> i64 {
    sqlx::query_scalar(question)
        .fetch_one(&app.db)
        .await
        .expect("a count")
}

/// Registers. Passwords are hashed a few at a time, and who would wait too long for that is told to
/// come back, so they do.
async fn register(who: &Anyone, body: &Value) -> Reply {
    loop {
        let reply = who.post("/v1/auth/register", body).await;
        if reply.status != 503 {
            return reply;
        }
        assert!(reply.header("retry-after").is_some());
    }
}

#[tokio::test]
async fn of_fifty_registrations_of_one_name_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let body = |number: usize| {
        json!({"username": "wanted", "email": format!("n{number}@example.org"),
               "password": PASSWORD, "display_name": "Wanted"})
    };
    let anyone = app.anyone();
    let all = (0..50).map(async |number| register(&anyone, &body(number)).await);
    let replies = join_all(all).await;
    let expected = counted([("201", 1), ("409 username_taken", 49)]);
    assert_eq!(tally(&replies), expected);
    for table in [
        "select count(*) from account",
        "select count(*) from credential",
        "select count(*) from session",
        "select count(*) from user_counter",
        "select count(*) from user_settings",
    ] {
        assert_eq!(count(&app, table).await, 1, "{table}");
    }
    app.expect_no_drift().await;
}

#[tokio::test]
async fn of_twenty_registrations_of_one_address_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let anyone = app.anyone();
    let all = (0..20).map(async |number| {
        // Spelt differently, it is the same address.
        let email = ["one@example.org", "One@Example.org"][number % 2];
        let body = json!({"username": format!("name{number}"), "email": email,
                          "password": PASSWORD, "display_name": "One"});
        register(&anyone, &body).await
    });
    let replies = join_all(all).await;
    let expected = counted([("201", 1), ("409 email_taken", 19)]);
    assert_eq!(tally(&replies), expected);
    assert_eq!(count(&app, "select count(*) from account").await, 1);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn two_people_who_take_each_others_name_at_once_do_not_both_get_it() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for _ in 0..6 {
        people.push(app.person("person").await);
    }
    let change = json!({"username": "thename"});
    let replies = join_all(people.iter().map(|one| one.patch("/v1/me", &change))).await;
    let expected = counted([("200", 1), ("409 username_taken", 5)]);
    assert_eq!(tally(&replies), expected);
    let holders = "select count(*) from account where lower(username) = 'thename'";
    assert_eq!(count(&app, holders).await, 1);
}

#[tokio::test]
async fn one_person_who_flips_reactions_from_many_places_counts_once() {
    let app = TestApp::start().await;
    let (author, fan) = app.friends("author", "fan").await;
    let post = author.post_to(&json!("friends"), "react!").await;
    let comment = author.comment_on(&post, "react to this too").await;
    for target in [format!("posts/{post}"), format!("comments/{comment}")] {
        let path = format!("/v1/{target}/reaction");
        let kinds = ["like", "love", "care", "haha", "wow", "sad", "angry"];
        let all = (0..60).map(async |index| match index % 4 {
            3 => fan.delete(&path).await,
            _ => fan.put(&path, &json!({"kind": kinds[index % 7]})).await,
        });
        assert_eq!(tally(&join_all(all).await), counted([("200", 60)]));
        let last = json!({"kind": "wow"});
        let marks = fan.put(&path, &last).await.expect_status(200);
        assert_eq!(marks.json["counts"]["reactions"], json!({"wow": 1}));
        app.expect_no_drift().await;
    }
    assert_eq!(count(&app, "select count(*) from reaction").await, 2);
}

#[tokio::test]
async fn many_requests_in_both_directions_at_once_make_one_friendship() {
    let app = TestApp::start().await;
    for _ in 0..4 {
        let (anna, ben) = (app.person("anna").await, app.person("ben").await);
        let all = (0..10).map(async |index| {
            if index % 2 == 0 {
                ask(&anna, &ben).await
            } else {
                ask(&ben, &anna).await
            }
        });
        let tally = tally(&join_all(all).await);
        assert_eq!((tally.get("201"), tally.get("200")), (Some(&1), Some(&1)));
        let refused = tally.get("409 already_friends").unwrap_or(&0)
            + tally.get("409 request_pending").unwrap_or(&0);
        assert_eq!(refused, 8, "{tally:?}");
        assert_eq!(friendship(&anna, &ben).await, "friends");
    }
    assert_eq!(count(&app, "select count(*) from friend_request").await, 4);
    assert_eq!(count(&app, "select count(*) from friendship").await, 8);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn accepting_declining_and_taking_back_at_once_have_one_outcome() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.person("anna").await, app.person("ben").await);
    for _ in 0..8 {
        let request = ask(&anna, &ben).await.expect_status(201).id();
        let path = format!("/v1/friend-requests/{request}");
        let (accept, decline) = (format!("{path}/accept"), format!("{path}/decline"));
        let all = (0..9).map(async |index| match index % 3 {
            0 => ben.act(&accept).await,
            1 => ben.act(&decline).await,
            _ => anna.delete(&path).await,
        });
        let replies = join_all(all).await;
        tally(&replies);
        let won: Vec<bool> = (0..3)
            .map(|what| {
                let of_this = replies.iter().skip(what).step_by(3);
                let good = of_this.filter(|reply| reply.status < 300).count();
                assert!(good == 0 || good == 3, "the same answer when repeated");
                good == 3
            })
            .collect();
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
        let outcome = if won[0] { "friends" } else { "none" };
        assert_eq!(friendship(&anna, &ben).await, outcome);
        app.expect_no_drift().await;
        anna.delete(&format!("/v1/friends/{}", ben.id))
            .await
            .expect_status(200);
    }
}

#[tokio::test]
async fn a_block_wins_over_whatever_else_happens_between_two_people() {
    let app = TestApp::start().await;
    for _ in 0..5 {
        let (anna, ben) = app.friends("anna", "ben").await;
        anna.delete(&format!("/v1/friends/{}", ben.id))
            .await
            .expect_status(200);
        let request = ask(&anna, &ben).await.expect_status(201).id();
        let accept = format!("/v1/friend-requests/{request}/accept");
        let follow = format!("/v1/users/{}/follow", ben.id);
        let back = format!("/v1/users/{}/follow", anna.id);
        let block = format!("/v1/users/{}/block", ben.id);
        let (accepted, followed, followed_back, asked, blocked) = tokio::join!(
            ben.act(&accept),
            anna.set(&follow),
            ben.set(&back),
            ask(&ben, &anna),
            anna.set(&block)
        );
        tally(&[accepted, followed, followed_back, asked]);
        blocked.expect_status(200);
        let ties = count(
            &app,
            "select (select count(*) from friendship) + (select count(*) from follow)
                  + (select count(*) from friend_request where state = 'pending')",
        );
        assert_eq!(ties.await, 0);
        app.expect_no_drift().await;
    }
}

#[tokio::test]
async fn two_people_who_block_each_other_at_once_are_both_answered() {
    let app = TestApp::start().await;
    for _ in 0..4 {
        let (anna, ben) = app.friends("anna", "ben").await;
        let (one, other) = (
            format!("/v1/users/{}/block", ben.id),
            format!("/v1/users/{}/block", anna.id),
        );
        let (one, other) = tokio::join!(anna.set(&one), ben.set(&other));
        // Whoever comes second is blocked already, and sees nobody to block.
        let expected = counted([("200", 1), ("404 not_found", 1)]);
        assert_eq!(tally(&[one, other]), expected);
        app.expect_no_drift().await;
    }
    assert_eq!(count(&app, "select count(*) from friendship").await, 0);
}

#[tokio::test]
async fn unfriending_meets_circles_and_acceptance_without_leaving_half_of_either() {
    let app = TestApp::start().await;
    let (anna, ben) = app.friends("anna", "ben").await;
    let circle = anna
        .post("/v1/circles", &json!({"name": "close"}))
        .await
        .expect_status(201)
        .id();
    let member = format!("/v1/circles/{circle}/members/{}", ben.id);
    for _ in 0..6 {
        let unfriend = format!("/v1/friends/{}", ben.id);
        let all = (0..6).map(async |index| match index % 3 {
            0 => anna.set(&member).await,
            1 => anna.delete(&unfriend).await,
            _ => anna.delete(&member).await,
        });
        tally(&join_all(all).await);
        assert_eq!(count(&app, "select count(*) from circle_member").await, 0);
        assert_eq!(friendship(&anna, &ben).await, "none");
        let request = ask(&anna, &ben).await.expect_status(201).id();
        let accept = format!("/v1/friend-requests/{request}/accept");
        let (accepted, unfriended) = tokio::join!(ben.act(&accept), anna.delete(&unfriend));
        assert_eq!(tally(&[accepted, unfriended]), counted([("200", 2)]));
        app.expect_no_drift().await;
        if friendship(&anna, &ben).await == "none" {
            anna.befriend(&ben).await;
        }
    }
}

#[tokio::test]
async fn a_storm_of_follows_is_counted_exactly() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(app.person("person").await);
    }
    let people = &people;
    let everybody = |round: usize| {
        let pairs = (0..people.len()).flat_map(|a| (0..people.len()).map(move |b| (a, b)));
        pairs.filter(|(a, b)| a != b).map(move |(a, b)| async move {
            let path = format!("/v1/users/{}/follow", people[b].id);
            if (a + b + round).is_multiple_of(3) {
                people[a].delete(&path).await
            } else {
                people[a].set(&path).await
            }
        })
    };
    let replies = join_all((0..6).flat_map(everybody)).await;
    assert_eq!(tally(&replies), counted([("200", 72)]));
    app.expect_no_drift().await;
}

#[tokio::test]
async fn comments_and_reactions_that_meet_the_end_of_their_post_are_whole_or_absent() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    for _ in 0..6 {
        let post = author.post_to(&json!("friends"), "not for long").await;
        let path = format!("/v1/posts/{post}");
        let (comments, reaction) = (format!("{path}/comments"), format!("{path}/reaction"));
        let (said, like) = (json!({"content": "quick"}), json!({"kind": "like"}));
        let narrower = json!({"audience": "only_me"});
        let all = (0..11).map(async |index| match index {
            5 => author.delete(&path).await,
            3 => author.patch(&path, &narrower).await,
            even if even % 2 == 0 => friend.post(&comments, &said).await,
            _ => friend.put(&reaction, &like).await,
        });
        let replies = join_all(all).await;
        tally(&replies);
        replies[5].clone().expect_status(204);
        let made = replies.iter().filter(|reply| reply.status == 201).count();
        let restored = author
            .act(&format!("{path}/restore"))
            .await
            .expect_status(200);
        assert_eq!(restored.json["counts"]["comments"], made);
        app.expect_no_drift().await;
    }
}

#[tokio::test]
async fn replies_that_meet_the_end_of_their_comment_are_counted_exactly() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "a post").await;
    let comments = format!("/v1/posts/{post}/comments");
    for _ in 0..6 {
        let parent = friend.comment_on(&post, "say something").await;
        let path = format!("/v1/comments/{parent}");
        let reply = json!({"content": "something", "parent_id": parent});
        let all = (0..9).map(async |index| match index {
            4 | 6 => friend.delete(&path).await,
            5 => author.delete(&path).await,
            _ => author.post(&comments, &reply).await,
        });
        let replies = join_all(all).await;
        tally(&replies);
        let deleted = replies.iter().filter(|reply| reply.status == 204).count();
        assert_eq!(deleted, 1, "of three deletions one succeeds");
        app.expect_no_drift().await;
    }
}

#[tokio::test]
async fn deleting_and_restoring_from_many_places_counts_once() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let original = author.post_to(&json!("public"), "the original").await;
    let share = json!({"shared_post_id": original, "audience": "public"});
    let share = author
        .post("/v1/posts", &share)
        .await
        .expect_status(201)
        .id();
    let (path, restore) = (
        format!("/v1/posts/{share}"),
        format!("/v1/posts/{share}/restore"),
    );
    let audiences = ["public", "friends", "only_me"];
    let all = (0..30).map(async |index| match index % 3 {
        0 => author.delete(&path).await,
        1 => author.act(&restore).await,
        _ => {
            let change =
                json!({"audience": audiences[index % 7 % 3], "content": index.to_string()});
            author.patch(&path, &change).await
        }
    });
    tally(&join_all(all).await);
    author.act(&restore).await.expect_status(200);
    let seen = author.get(&format!("/v1/posts/{original}")).await;
    assert_eq!(seen.json["counts"]["shares"], 1);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn edits_from_one_version_at_once_have_one_winner() {
    let app = TestApp::start().await;
    let author = app.person("author").await;
    let post = author.post_to(&json!("public"), "first").await;
    let path = format!("/v1/posts/{post}");
    let tag = author.get(&path).await.header("etag").expect("a tag");
    let all = (0..10).map(async |index| {
        let request = author.request(reqwest::Method::PATCH, &path);
        let body = json!({"content": format!("edit {index}")});
        let request = request.header("If-Match", &tag).json(&body);
        author.send(request).await
    });
    let expected = counted([("200", 1), ("412 precondition_failed", 9)]);
    assert_eq!(tally(&join_all(all).await), expected);
    let revisions = "select count(*) from post_revision";
    assert_eq!(count(&app, revisions).await, 1);
}

#[tokio::test]
async fn saving_and_hiding_many_times_at_once_is_saving_and_hiding_once() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let post = me.post_to(&json!("public"), "keep").await;
    for mark in ["saved", "hidden"] {
        let path = format!("/v1/posts/{post}/{mark}");
        let replies = join_all((0..20).map(|_| me.set(&path))).await;
        assert_eq!(tally(&replies), counted([("200", 20)]));
    }
    assert_eq!(count(&app, "select count(*) from saved_post").await, 1);
    assert_eq!(count(&app, "select count(*) from hidden_post").await, 1);
}

#[tokio::test]
async fn of_circles_of_one_name_at_once_one_is_made() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let named = json!({"name": "Family"});
    let replies = join_all((0..10).map(|_| me.post("/v1/circles", &named))).await;
    let expected = counted([("201", 1), ("409 conflict", 9)]);
    assert_eq!(tally(&replies), expected);
    let names: Vec<Value> = me.walk("/v1/circles", 20).await;
    assert_eq!(names.len(), 1);
}

#[tokio::test]
async fn a_session_that_is_ended_from_many_places_at_once_has_ended() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let own = format!("/v1/me/sessions/{}", me.session_id);
    let all = (0..10).map(async |index| match index % 2 {
        0 => me.delete(&own).await,
        _ => me.act("/v1/auth/logout").await,
    });
    tally(&join_all(all).await);
    me.get("/v1/me").await.expect_status(401);
}
