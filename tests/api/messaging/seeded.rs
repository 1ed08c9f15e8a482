//! Rows that are made at once, and rows that nobody made through the API.

use super::{direct, group, say, seen};
use crate::support::TestApp;

#[tokio::test]
async fn the_rule_in_sql_and_the_rule_in_rust_are_one() {
    use kith::domains::messaging::{ConversationKind, can_see_conversation};
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let carol = app.person("carol").await;
    ann.befriend(&carol).await;
    let two = direct(&ann, &ben).await;
    say(&ann, &two, "hi").await;
    let three = group(&ann, &[&ben, &carol]).await;
    for hidden in [false, true] {
        if hidden {
            let path = format!("/v1/users/{}/block", ben.id);
            ann.set(&path).await.expect_status(200);
        }
        for (id, kind) in [
            (&two, ConversationKind::Direct),
            (&three, ConversationKind::Group),
        ] {
            for word in ["unseen", "request", "active", "declined", "left"] {
                sqlx::query(
                    "update conversation_member
                     set state = $3, left_seq = case when $3 = 'left' then 1 end,
                         left_at = case when $3 = 'left' then now() end
                     where conversation_id = $1::uuid and user_id = $2::uuid",
                )
                .bind(id)
                .bind(&ben.id)
                .bind(word)
                .execute(&app.db)
                .await
                .expect("a state");
                let in_sql: bool = sqlx::query_scalar(
                    "select exists (select from visible_conversation($2::uuid)
                                    where conversation_id = $1::uuid)",
                )
                .bind(id)
                .bind(&ben.id)
                .fetch_one(&app.db)
                .await
                .expect("an answer");
                let state = word.parse().expect("a state");
                let in_rust = can_see_conversation(kind, state, hidden);
                assert_eq!(in_sql, in_rust, "{kind:?}, {word}, hidden: {hidden}");
            }
        }
    }
}

#[tokio::test]
async fn a_change_by_hand_is_seen() {
    let app = TestApp::start().await;
    let (ann, ben) = app.friends("ann", "ben").await;
    let id = direct(&ann, &ben).await;
    say(&ann, &id, "before").await;
    assert_eq!(seen(&ben, &id).await["last_message"]["content"], "before");
    sqlx::query("update message set content = 'after' where conversation_id = $1::uuid")
        .bind(&id)
        .execute(&app.db)
        .await
        .expect("changed");
    app.wait_until_voids_are_delivered().await;
    assert_eq!(seen(&ben, &id).await["last_message"]["content"], "after");
}
