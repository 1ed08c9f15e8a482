//! How much waits for somebody is told when it changes, and not when it does not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Socket;
use super::{QUICK, beside, group, id_of, second, subscribe};
use crate::notifications::settle;
use crate::support::{Session, TestApp};

/// Longer than what passes between two counts.
const CALM: Duration = Duration::from_millis(1_500);

fn is_counts(frame: &Value) -> bool {
    frame["t"] == "counts.changed"
}

/// Somebody who listens, and has heard all that there was to hear.
async fn listener(app: &TestApp, person: &Session, url: &str) -> Socket {
    settle(app).await;
    let mut socket = Socket::of(person, url).await;
    socket.rest(CALM).await;
    socket
}

/// Waits until so many conversations and requests are told to wait.
async fn told(socket: &mut Socket, conversations: i64, requests: i64) {
    let messages = json!({"conversations": conversations, "requests": requests});
    let fits = |frame: &Value| is_counts(frame) && frame["d"]["counts"]["messages"] == messages;
    socket.find(fits).await;
}

/// Fails if counts are told that have not changed.
async fn told_nothing(socket: &mut Socket, why: &str) {
    let rest = socket.rest(CALM).await;
    let told: Vec<&Value> = rest.iter().filter(|frame| is_counts(frame)).collect();
    assert!(told.is_empty(), "{why}: {told:#?}");
}

async fn say(who: &Session, id: &str, content: &str) -> Value {
    let path = format!("/v1/conversations/{id}/messages");
    let said = who.post(&path, &json!({"content": content})).await;
    said.expect_status(201).json
}

async fn read(who: &Session, id: &str, up_to: &Value) {
    let path = format!("/v1/conversations/{id}/read");
    let read = who.put(&path, &json!({"up_to": up_to})).await;
    read.expect_status(200);
}

async fn change_mine(who: &Session, id: &str, change: Value) {
    let path = format!("/v1/conversations/{id}/me");
    who.patch(&path, &change).await.expect_status(200);
}

async fn direct(one: &Session, other: &Session) -> String {
    let body = json!({"member_ids": [other.id]});
    let opened = one.post("/v1/conversations", &body).await;
    opened.expect_status(201).id()
}

#[tokio::test]
async fn the_first_message_that_is_new_is_counted_and_the_next_one_is_not() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let mut his = listener(&app, &ben, beside(&app, &other)).await;
    let mut hers = listener(&app, &ann, &app.url).await;
    let first = say(&ann, &id, "one").await;
    told(&mut his, 1, 0).await;
    let second = say(&ann, &id, "two").await;
    told_nothing(&mut his, "it waits already").await;
    read(&ben, &id, &first["seq"]).await;
    told_nothing(&mut his, "it waits still").await;
    read(&ben, &id, &second["seq"]).await;
    told(&mut his, 0, 0).await;
    read(&ben, &id, &second["seq"]).await;
    told_nothing(&mut his, "it was read before").await;
    // What is deleted is not new any more; and what comes after it is the first.
    let third = say(&ann, &id, "three").await;
    told(&mut his, 1, 0).await;
    let path = format!("/v1/messages/{}", third["id"].as_str().expect("an id"));
    ann.delete(&path).await.expect_status(204);
    told(&mut his, 0, 0).await;
    say(&ann, &id, "four").await;
    told(&mut his, 1, 0).await;
    // Whoever writes has read.
    say(&ben, &id, "five").await;
    told(&mut his, 0, 0).await;
    told(&mut hers, 1, 0).await;
    say(&ben, &id, "six").await;
    told_nothing(&mut hers, "it waits already").await;
    told_nothing(&mut his, "nothing was new to him").await;
}

#[tokio::test]
async fn what_is_put_away_or_cleared_does_not_count_and_what_is_quiet_does() {
    let app = TestApp::start_with(QUICK).await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let mut his = listener(&app, &ben, &app.url).await;
    say(&ann, &id, "one").await;
    told(&mut his, 1, 0).await;
    change_mine(&ben, &id, json!({"muted_until": "2100-01-01T00:00:00Z"})).await;
    change_mine(&ben, &id, json!({"pinned": true})).await;
    told_nothing(&mut his, "it waits as before").await;
    change_mine(&ben, &id, json!({"archived": true})).await;
    told(&mut his, 0, 0).await;
    let last = say(&ann, &id, "two").await;
    told_nothing(&mut his, "it is put away").await;
    change_mine(&ben, &id, json!({"archived": false})).await;
    told(&mut his, 1, 0).await;
    change_mine(&ben, &id, json!({"cleared_up_to": last["seq"]})).await;
    told(&mut his, 0, 0).await;
    say(&ann, &id, "three").await;
    told(&mut his, 1, 0).await;
    let block = format!("/v1/users/{}/block", ann.id);
    ben.set(&block).await.expect_status(200);
    told(&mut his, 0, 0).await;
    ben.delete(&block).await.expect_status(200);
    told(&mut his, 1, 0).await;
}

#[tokio::test]
async fn requests_are_counted_until_they_are_answered() {
    let app = TestApp::start_with(QUICK).await;
    let (eve, ben) = (app.person("eve").await, app.person("ben").await);
    let mal = app.person("mal").await;
    let mut his = listener(&app, &ben, &app.url).await;
    let one = direct(&eve, &ben).await;
    say(&eve, &one, "hello").await;
    told(&mut his, 0, 1).await;
    let two = direct(&mal, &ben).await;
    say(&mal, &two, "hello").await;
    told(&mut his, 0, 2).await;
    settle(&app).await;
    his.rest(CALM).await;
    say(&mal, &two, "hello?").await;
    told_nothing(&mut his, "he is asked already").await;
    let answer = async |id: &str, word: &str| {
        let path = format!("/v1/conversations/{id}/{word}");
        let reply = ben.post(&path, &json!({})).await;
        assert!(matches!(reply.status, 200 | 204), "{:#}", reply.json);
    };
    answer(&one, "accept").await;
    told(&mut his, 1, 1).await;
    answer(&two, "decline").await;
    told(&mut his, 1, 0).await;
    for (id, word) in [(&one, "accept"), (&two, "decline")] {
        answer(id, word).await;
    }
    told_nothing(&mut his, "again it changes nothing").await;
}

#[tokio::test]
async fn a_group_counts_for_those_who_are_put_into_it_until_they_are_out() {
    let app = TestApp::start_with(QUICK).await;
    let other = second(&app, QUICK).await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let (cara, dan) = (app.person("cara").await, app.person("dan").await);
    ann.befriend(&cara).await;
    let mut his = listener(&app, &ben, beside(&app, &other)).await;
    let mut hers = listener(&app, &cara, &app.url).await;
    let mut asked = listener(&app, &dan, &app.url).await;
    let channel = group(&ann, &[&ben, &cara]).await;
    let id = id_of(&channel);
    told(&mut his, 1, 0).await;
    told(&mut hers, 1, 0).await;
    let member = |who: &Session| format!("/v1/conversations/{id}/members/{}", who.id);
    ann.set(&member(&dan)).await.expect_status(200);
    told(&mut asked, 0, 1).await;
    ann.delete(&member(&dan)).await.expect_status(200);
    told(&mut asked, 0, 0).await;
    // Both have something new there, whatever else is said.
    settle(&app).await;
    his.rest(CALM).await;
    hers.rest(CALM).await;
    let title = json!({"title": "Ours"});
    let path = format!("/v1/conversations/{id}");
    ann.patch(&path, &title).await.expect_status(200);
    told_nothing(&mut his, "it waits already").await;
    ben.delete(&member(&ben)).await.expect_status(200);
    told(&mut his, 0, 0).await;
    ann.delete(&member(&cara)).await.expect_status(200);
    told(&mut hers, 0, 0).await;
}

#[tokio::test]
async fn what_is_told_last_is_what_greets_and_what_the_route_says() {
    let app = TestApp::start_with(QUICK).await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    let mut his = listener(&app, &ben, &app.url).await;
    let channel = format!("conv:{id}");
    let mut hers = Socket::of(&ann, &app.url).await;
    subscribe(&mut hers, &channel).await;
    // Many times in a second; each that is read is overtaken by another one.
    let began = Instant::now();
    for number in 0..6 {
        let said = say(&ann, &id, &format!("number {number}")).await;
        if number < 5 {
            read(&ben, &id, &said["seq"]).await;
        }
    }
    let route = ben.get("/v1/me/counts").await.expect_status(200).json;
    assert_eq!(route["messages"]["conversations"], 1);
    let seconds = began.elapsed().as_secs();
    let is_now = |frame: &Value| is_counts(frame) && frame["d"]["counts"] == route;
    let mut told = vec![his.find(is_now).await];
    told.extend(his.rest(CALM).await);
    told.retain(is_counts);
    let last = told.iter().max_by_key(|frame| frame["ts"].as_i64());
    assert_eq!(last.expect("he is told")["d"]["counts"], route);
    let most = usize::try_from(seconds).expect("few") + 3;
    assert!(told.len() <= most, "not each time: {}", told.len());
    assert_eq!(Socket::of(&ben, &app.url).await.hello["counts"], route);
}
