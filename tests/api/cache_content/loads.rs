//! What was read once is read again without Postgres.

use kith::infra::cache::Figures;
use serde_json::json;

use super::{How, Pair};
use crate::support::{TestApp, mode};

/// Loads of the spaces of content.
fn loads(app: &TestApp) -> u64 {
    let own = |figures: &Figures| figures.loads;
    let all = app.ctx.cache().figures();
    all.iter().map(|(_, figures)| own(figures)).sum()
}

#[tokio::test]
async fn a_second_read_needs_no_load() {
    let pair = Pair::start(How::Redis).await;
    if !mode::needs("a shared cache", pair.how == How::Redis) {
        return;
    }
    let (author, friend) = pair.one.friends("author", "friend").await;
    let circle = author
        .post("/v1/circles", &json!({"name": "ring"}))
        .await
        .id();
    let member = format!("/v1/circles/{circle}/members/{}", friend.id);
    author.set(&member).await.expect_status(200);
    let audience = json!({"kind": "custom", "allow": [circle]});
    let post = author.post_to(&audience, "for the circle").await;
    let comment = friend.comment_on(&post, "a comment").await;
    let reply = json!({"content": "a reply", "parent_id": comment});
    let list = format!("/v1/posts/{post}/comments");
    author.post(&list, &reply).await.expect_status(201);
    let like = json!({"kind": "like"});
    let liked = format!("/v1/posts/{post}/reaction");
    friend.put(&liked, &like).await.expect_status(200);
    let paths = [
        format!("/v1/posts/{post}"),
        format!("/v1/posts?ids={post}"),
        format!("/v1/users/{}/posts", author.id),
        format!("/v1/posts/{post}/reactions"),
        format!("/v1/posts/{post}/reactions?kind=like"),
        format!("{list}?expand=replies"),
        format!("{list}?order=newest"),
        format!("/v1/comments/{comment}?expand=replies"),
        format!("/v1/comments/{comment}/replies"),
    ];
    // What follows from it loads too, and is no part of this.
    crate::notifications::settle(&pair.one).await;
    // Nor is what listeners of the post are told of its numbers, up to a second later.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    // What one instance has read the other finds in Redis.
    for (app, warm) in [(&pair.one, false), (&pair.one, true), (&pair.other, true)] {
        let friend = friend.at(&app.url);
        for path in &paths {
            let before = loads(app);
            let first = friend.get(path).await.expect_status(200).json;
            assert_eq!(friend.get(path).await.json, first);
            if warm {
                assert_eq!(loads(app), before, "{path}");
            }
        }
    }
}
