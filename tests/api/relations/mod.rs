//! Friends, requests, follows, mutes and circles between people.

mod blocks;
mod circles;
mod follows;
mod friends;
mod recounts;
mod requests;
mod usernames;

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
