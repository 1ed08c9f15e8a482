//! Requests, friendships, follows, blocks and circles that change at once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{count, counted, tally};
use crate::support::{Reply, Session, TestApp};

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
