//! Of two that write at once the one who began first may be seen last: whoever asks for what is newer
//! is given what came late too.

use std::time::Duration;

use serde_json::json;

use super::ids;
use crate::support::{Session, TestApp};

/// What is called slow takes half a second longer to be committed.
async fn hold_up_the_slow(app: &TestApp) {
    for table in ["post", "comment"] {
        let statement = format!(
            "create function hold_up_{table}() returns trigger language plpgsql as $$
             begin perform pg_sleep(0.5); return new; end $$;
             create trigger hold_up before insert on {table} for each row
             when (new.content like 'slow%') execute function hold_up_{table}()"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&app.db)
            .await
            .expect("the trigger is there");
    }
}

/// Walks a list for newer items while `write` makes some, of which each second one comes late.
async fn poll(reader: &Session, path: &str, write: impl AsyncFn(String) -> String) {
    let mut page = reader.get(path).await.expect_status(200);
    let mut given = ids(&page);
    let mut written = Vec::new();
    for round in 0..3 {
        let slow = write(format!("slow {round}"));
        let quick = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            let id = write(format!("quick {round}")).await;
            let page = newer(reader, path, &page.prev().expect("a cursor")).await;
            assert_eq!(ids(&page), [&*id], "the slow one is not there yet");
            (id, page)
        };
        let (slow, (quick, newer_page)) = tokio::join!(slow, quick);
        given.extend(ids(&newer_page));
        page = newer(reader, path, &newer_page.prev().expect("a cursor")).await;
        assert_eq!(ids(&page), [&*slow], "what came late");
        given.extend(ids(&page));
        page = newer(reader, path, &page.prev().expect("a cursor")).await;
        assert!(ids(&page).is_empty(), "nothing comes twice");
        written.extend([quick, slow]);
    }
    assert_eq!(given, written);
}

async fn newer(reader: &Session, path: &str, cursor: &str) -> crate::support::Reply {
    let glue = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{glue}cursor={cursor}");
    reader.get(&path).await.expect_status(200)
}

#[tokio::test]
async fn whoever_asks_for_what_is_newer_is_given_what_came_late() {
    let app = TestApp::start().await;
    let (reader, author) = app.friends("reader", "author").await;
    let post = author.post_to(&json!("public"), "a post").await;
    hold_up_the_slow(&app).await;
    let comments = format!("/v1/posts/{post}/comments");
    let comment = async |content: String| author.comment_on(&post, &content).await;
    poll(&reader, &format!("{comments}?order=newest"), comment).await;

    let other = app.person("other").await;
    let friend = app.person("friend").await;
    other.befriend(&friend).await;
    let posting = async |content: String| friend.post_to(&json!("friends"), &content).await;
    poll(&other, "/v1/feed", posting).await;
}
