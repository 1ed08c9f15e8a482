//! Where the cursors of a page lead: on, back, and to what is newer.

use serde_json::json;

use super::expect_links;
use crate::support::TestApp;

#[tokio::test]
async fn prev_of_a_first_page_later_fetches_exactly_what_is_newer() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    for _ in 0..4 {
        me.post_to(&json!("public"), "old").await;
    }
    let own = format!("/v1/users/{}/posts?limit=3", me.id);
    for list in ["/v1/feed?limit=3", &own] {
        let first = me.get(list).await.expect_status(200);
        let prev = first.prev().expect("always given");
        let none = me.get(&format!("{list}&cursor={prev}")).await;
        let none = none.expect_status(200);
        assert_eq!(none.ids(), Vec::<String>::new());
        let mut newer = Vec::new();
        for _ in 0..7 {
            newer.push(me.post_to(&json!("public"), "new").await);
        }
        // An answer without items gives a cursor that is as good.
        let mut prev = none.prev().expect("always given");
        let mut fetched = Vec::new();
        for _ in 0..4 {
            let reply = me.get(&format!("{list}&cursor={prev}")).await;
            let reply = reply.expect_status(200);
            expect_links(&reply);
            let mut ids = reply.ids();
            ids.reverse();
            fetched.extend(ids);
            prev = reply.prev().expect("always given");
        }
        assert_eq!(fetched, newer, "{list}");
    }
}

#[tokio::test]
async fn next_and_prev_are_each_others_way_back() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let post = me.post_to(&json!("public"), "a post").await;
    for _ in 0..9 {
        me.comment_on(&post, "a comment").await;
        me.post_to(&json!("public"), "another").await;
    }
    let lists = [
        "/v1/feed?limit=4".to_owned(),
        format!("/v1/posts/{post}/comments?limit=4"),
        format!("/v1/posts/{post}/comments?limit=4&order=newest"),
    ];
    for list in lists {
        let first = me.get(&list).await.expect_status(200);
        let next = first.next().expect("more");
        let second = me.get(&format!("{list}&cursor={next}")).await;
        let back = second.expect_status(200).prev().expect("a way back");
        let again = me.get(&format!("{list}&cursor={back}")).await;
        let again = again.expect_status(200);
        assert_eq!(again.ids(), first.ids(), "{list}");
        let forth = again.next().expect("more");
        let second_again = me.get(&format!("{list}&cursor={forth}")).await;
        assert_eq!(second_again.json["data"], {
            let second = me.get(&format!("{list}&cursor={next}")).await;
            second.json["data"].clone()
        });
    }
}

#[tokio::test]
async fn a_page_around_an_item_has_ways_to_everything_else() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let post = me.post_to(&json!("public"), "a post").await;
    let mut comments = Vec::new();
    for _ in 0..11 {
        comments.push(me.comment_on(&post, "a comment").await);
    }
    let list = format!("/v1/posts/{post}/comments?limit=3");
    for middle in &comments {
        let page = me.get(&format!("{list}&around={middle}")).await;
        let page = page.expect_status(200);
        expect_links(&page);
        assert!(page.ids().contains(middle));
        let mut all = page.ids();
        let mut prev = page.prev();
        while let Some(cursor) = prev {
            let before = me.get(&format!("{list}&cursor={cursor}")).await;
            let before = before.expect_status(200);
            if before.ids().is_empty() {
                break;
            }
            all.splice(0..0, before.ids());
            prev = before.prev();
        }
        let mut next = page.next();
        while let Some(cursor) = next {
            let after = me.get(&format!("{list}&cursor={cursor}")).await;
            all.extend(after.clone().expect_status(200).ids());
            next = after.next();
        }
        assert_eq!(all, comments, "around {middle}");
    }
}
