//! A person's marks are right however many they have made.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Pair, in_each_way};

in_each_way!(marks_are_right_beyond_what_an_entry_holds);

/// More than an entry holds.
const MARKS: i64 = 2_100;

async fn marks_are_right_beyond_what_an_entry_holds(pair: Pair) {
    let (author, fan) = (
        pair.one.person("author").await,
        pair.one.person("fan").await,
    );
    let id = |text: &str| text.parse::<Uuid>().expect("a UUID");
    let posts = "with made as (
             insert into post (post_id, author_id, content, audience, created_at)
             select ('0192b000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1, 'post ' || n,
                    'public', '2024-01-01T00:00:00Z'::timestamptz + n * interval '1 second'
             from generate_series(1, $3) n returning post_id
         ), liked as (
             insert into reaction (target_kind, target_id, user_id, kind, created_at)
             select 'post', post_id, $2, 'love', now() from made
         )
         insert into saved_post (user_id, post_id, created_at) select $2, post_id, now() from made";
    let mut transaction = pair.one.db.begin().await.expect("begins");
    sqlx::query("set local kith.bulk = on")
        .execute(&mut *transaction)
        .await
        .expect("is set");
    sqlx::query(posts)
        .bind(id(&author.id))
        .bind(id(&fan.id))
        .bind(MARKS)
        .execute(&mut *transaction)
        .await
        .expect("inserts");
    transaction.commit().await.expect("commits");
    let path = |n: i64| format!("/v1/posts/0192b000-0000-7000-8000-{n:012}");
    let there = pair.at_other(&fan);
    let marks = async |n: i64| -> (Value, Value) {
        let viewer = there.get(&path(n)).await.expect_status(200).json["viewer"].clone();
        (viewer["reaction"].clone(), viewer["saved"].clone())
    };
    let (both, none) = ((json!("love"), json!(true)), (Value::Null, json!(false)));
    for n in [1, 99, 100, 101, MARKS] {
        assert_eq!(marks(n).await, both, "post {n}");
    }
    let unmarked = author.post_to(&json!("public"), "untouched").await;
    let seen = there.get(&format!("/v1/posts/{unmarked}")).await.json;
    assert_eq!(seen["viewer"]["reaction"], Value::Null);
    for n in [1, MARKS] {
        fan.delete(&format!("{}/reaction", path(n)))
            .await
            .expect_status(200);
        fan.delete(&format!("{}/saved", path(n)))
            .await
            .expect_status(200);
        pair.sees("the marks gone", async || marks(n).await == none)
            .await;
    }
    assert_eq!(marks(2).await, both);
    assert_eq!(marks(MARKS - 1).await, both);
    // The list of an author with many posts goes on where the entry ends.
    let list = format!("/v1/users/{}/posts", author.id);
    let walked = there.walk(&list, 100).await;
    assert_eq!(i64::try_from(walked.len()).ok(), Some(MARKS + 1));
}
