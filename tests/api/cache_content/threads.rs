//! A thread of ten thousand comments costs an entry no more than a short one.

use kith::domains::comments::{COMMENTS, COMMENTS_NEWEST, REPLIES};
use kith::kernel::{CommentId, PostId};
use serde_json::json;
use uuid::Uuid;

use super::{How, Pair, in_each_way};

in_each_way!(a_long_thread_stays_bounded_and_is_read_to_its_end);

/// Comments of the thread, and as many replies to the first of them.
const LONG: i64 = 10_000;
/// Most rows of an entry.
const BOUND: usize = 128;

async fn fill(pair: &Pair, post: Uuid, author: Uuid) {
    let sql = "with made as (
             insert into comment (comment_id, post_id, parent_id, depth, author_id, content, created_at)
             select ('0192c00' || $4 || '-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1, $3,
                    case when $3 is null then 0 else 1 end, $2, 'comment ' || n,
                    '2024-01-01T00:00:00Z'::timestamptz + n * interval '1 second'
             from generate_series(1, $5) n returning comment_id
         )
         insert into comment_counter (comment_id) select comment_id from made";
    let first = Uuid::parse_str("0192c000-0000-7000-8000-000000000001").expect("a UUID");
    for (parent, digit) in [(None, "0"), (Some(first), "1")] {
        let mut transaction = pair.one.db.begin().await.expect("begins");
        sqlx::query("set local kith.bulk = on")
            .execute(&mut *transaction)
            .await
            .expect("is set");
        sqlx::query(sql)
            .bind(post)
            .bind(author)
            .bind(parent)
            .bind(digit)
            .bind(LONG)
            .execute(&mut *transaction)
            .await
            .expect("inserts");
        transaction.commit().await.expect("commits");
    }
}

async fn a_long_thread_stays_bounded_and_is_read_to_its_end(pair: Pair) {
    let author = pair.one.person("author").await;
    let post = author.post_to(&json!("public"), "talk of the town").await;
    let post_id: PostId = post.parse().expect("an id");
    let id = |text: &str| text.parse::<Uuid>().expect("a UUID");
    fill(&pair, id(&post), id(&author.id)).await;
    let first: CommentId = "0192c000-0000-7000-8000-000000000001"
        .parse()
        .expect("an id");
    let mut conn = pair.one.db.acquire().await.expect("a connection");
    let oldest = (COMMENTS.load)(&mut conn, &[post_id]).await.expect("loads");
    let newest = (COMMENTS_NEWEST.load)(&mut conn, &[post_id])
        .await
        .expect("loads");
    let replies = (REPLIES.load)(&mut conn, &[(post_id, first)])
        .await
        .expect("loads");
    drop(conn);
    for head in [&oldest[0].1, &newest[0].1, &replies[0].1] {
        assert_eq!((head.rows().len(), head.is_whole()), (BOUND, false));
    }
    let there = pair.at_other(&author);
    for list in [
        format!("/v1/posts/{post}/comments"),
        format!("/v1/comments/{first}/replies"),
    ] {
        for order in ["oldest", "newest"] {
            let mut path = format!("{list}?order={order}&limit=100");
            let mut seen = 0;
            // The third page lies beyond the entry.
            for _ in 0..3 {
                let page = there.get(&path).await.expect_status(200);
                for item in page.json["data"].as_array().expect("a list") {
                    seen += 1;
                    let number = if order == "oldest" {
                        seen
                    } else {
                        LONG + 1 - seen
                    };
                    assert_eq!(item["content"], format!("comment {number}"), "{order}");
                }
                let next = page.next().expect("more");
                path = format!("{list}?order={order}&limit=100&cursor={next}");
            }
            assert_eq!(seen, 300);
        }
    }
    if pair.how == How::Redis {
        for (space, figures) in pair.other.ctx.cache().figures() {
            if ["comments", "comments-newest", "replies"].contains(&space.name) {
                assert!(
                    figures.bytes_written < 16 * 1024,
                    "{}: {figures:?}",
                    space.name
                );
            }
        }
    }
}
