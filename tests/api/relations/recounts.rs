//! Counting anew while people go on.

use serde_json::json;

use crate::support::TestApp;

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
        app.ctx.conn().await.expect("a connection"),
        app.ctx.conn().await.expect("a connection"),
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
    // The change came from outside: what was read before it may be shown until the relay has voided it.
    app.wait_until_voids_are_delivered().await;
    let seen = ben.get(&format!("/v1/users/{}", anna.id)).await;
    assert_eq!(seen.json["counts"]["followers"], 1);
    let seen = ben.get(&format!("/v1/comments/{comment_id}")).await;
    assert_eq!(seen.json["counts"]["replies"], 1);
}
