//! Counters that say less than there is, as after rows that somebody inserted by hand: what they did not
//! count can be undone all the same.

use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::support::TestApp;

/// Runs SQL by hand.
async fn by_hand(app: &TestApp, sql: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&app.db).await;
    done.expect("rows");
    app.wait_until_voids_are_delivered().await;
}

const POST: &str = "01900000-0000-7000-9000-000000000001";
const COMMENT: &str = "01900000-0000-7000-9000-000000000002";
const REPLY: &str = "01900000-0000-7000-9000-000000000003";

#[tokio::test]
async fn a_friendship_that_nobody_counted_is_ended_by_a_block() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let friends = format!(
        "insert into friendship (user_id, friend_id, created_at)
         values ('{0}', '{1}', now()), ('{1}', '{0}', now())",
        ada.id, eve.id
    );
    by_hand(&app, friends).await;
    let blocked = ada.set(&format!("/v1/users/{}/block", eve.id)).await;
    blocked.expect_status(200);
    app.expect_no_drift().await;
}

#[tokio::test]
async fn what_nobody_counted_can_be_deleted_and_taken_back() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let rows = format!(
        "insert into post (post_id, author_id, content, audience, created_at)
         values ('{POST}', '{ada}', 'by hand', 'public', now());
         insert into post_counter (post_id) values ('{POST}');
         insert into comment (comment_id, post_id, parent_id, depth, author_id, content, created_at)
         values ('{COMMENT}', '{POST}', null, 0, '{ada}', 'by hand', now()),
                ('{REPLY}', '{POST}', '{COMMENT}', 1, '{ada}', 'by hand', now());
         insert into comment_counter (comment_id) values ('{COMMENT}'), ('{REPLY}');
         insert into reaction (target_kind, target_id, user_id, kind, created_at)
         values ('post', '{POST}', '{ada}', 'like', now());
         insert into reaction_summary (target_kind, target_id, kind, count)
         values ('post', '{POST}', 'like', 0)",
        ada = ada.id
    );
    by_hand(&app, rows).await;
    let share = json!({"content": "look", "audience": "public", "shared_post_id": POST});
    let share = ada.post("/v1/posts", &share).await.expect_status(201).id();
    by_hand(&app, "update post_counter set shares = 0".to_owned()).await;
    let reaction = ada.delete(&format!("/v1/posts/{POST}/reaction")).await;
    assert!(reaction.status < 300, "{:#}", reaction.json);
    for path in [
        format!("/v1/comments/{REPLY}"),
        format!("/v1/comments/{COMMENT}"),
        format!("/v1/posts/{share}"),
        format!("/v1/posts/{POST}"),
    ] {
        ada.delete(&path).await.expect_status(204);
    }
    app.expect_no_drift().await;
}
