//! Walking a list visits each item once, whatever happens to the list meanwhile. The home feed's walk
//! is in `feed`.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{Reply, Session, TestApp};

/// The ids of a page of posts, comments, circles, or of the people in a list.
fn ids(reply: &Reply) -> Vec<String> {
    let data = reply.json["data"].as_array().expect("a list");
    let id = |item: &Value| {
        let id = item["id"].as_str().or(item["user"]["id"].as_str());
        id.expect("an id").to_owned()
    };
    data.iter().map(id).collect()
}

/// Fails the test unless the `Link` header names the same cursors as the body.
#[track_caller]
fn expect_links(reply: &Reply) {
    let link = reply.header("link").expect("Link");
    let mut expected = Vec::new();
    for (relation, cursor) in [("next", reply.next()), ("prev", reply.prev())] {
        if let Some(cursor) = cursor {
            expected.push((relation, cursor));
        }
    }
    let told: Vec<&str> = link.split(", ").collect();
    assert_eq!(told.len(), expected.len(), "{link}");
    for (line, (relation, cursor)) in told.into_iter().zip(expected) {
        let (address, name) = line.split_once("; ").expect("a relation");
        assert_eq!(name, format!("rel=\"{relation}\""));
        let address = address.trim_matches(['<', '>']);
        let url = reqwest::Url::parse(address).expect("an absolute URL");
        let named = url.query_pairs().find(|(name, _)| name == "cursor");
        assert_eq!(named.map(|(_, value)| value.into_owned()), Some(cursor));
    }
}

/// Walks a list by `next`, page by page. After each page but the last, `disturb` is told what was
/// seen so far and changes the list.
async fn walk(
    who: &Session,
    list: &str,
    limit: usize,
    mut disturb: impl AsyncFnMut(usize, &[String]),
) -> Vec<String> {
    let mut seen = Vec::new();
    let mut page = format!("{list}limit={limit}");
    for number in 0.. {
        assert!(number < 50, "the walk has an end");
        let reply = who.get(&page).await.expect_status(200);
        expect_links(&reply);
        seen.extend(ids(&reply));
        let Some(cursor) = reply.next() else { break };
        assert_eq!(
            ids(&reply).len(),
            limit,
            "a page is filled while there is more"
        );
        disturb(number, &seen).await;
        page = format!("{list}limit={limit}&cursor={cursor}");
    }
    let once: HashSet<&String> = seen.iter().collect();
    assert_eq!(once.len(), seen.len(), "nothing comes twice");
    seen
}

/// The one of `all` that stands two places after the last that was seen.
fn ahead(all: &[String], seen: &[String]) -> Option<String> {
    let last = seen.iter().rev().find(|id| all.contains(id))?;
    let reached = all.iter().position(|id| id == last)?;
    all.get(reached + 2).cloned()
}

fn without(all: &[String], gone: &[String]) -> Vec<String> {
    let left = all.iter().filter(|id| !gone.contains(id));
    left.cloned().collect()
}

async fn follow(who: &Session, whom: &Session) {
    who.set(&format!("/v1/users/{}/follow", whom.id))
        .await
        .expect_status(200);
}

#[tokio::test]
async fn a_profile_is_walked_while_posts_come_and_go() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let mut posts = Vec::new();
    for number in 0..14 {
        let audience = ["friends", "public"][number % 2];
        posts.push(author.post_to(&json!(audience), "a post").await);
        author.post_to(&json!("only_me"), "a secret").await;
    }
    posts.reverse();
    let mut gone = Vec::new();
    let list = format!("/v1/users/{}/posts?", author.id);
    let seen = walk(&friend, &list, 3, async |number, seen| {
        author.post_to(&json!("public"), "late").await;
        let Some(id) = ahead(&posts, seen) else {
            return;
        };
        let path = format!("/v1/posts/{id}");
        if number % 2 == 0 {
            author.delete(&path).await.expect_status(204);
        } else {
            let narrower = json!({"audience": "only_me"});
            author.patch(&path, &narrower).await.expect_status(200);
        }
        // What was seen may go as well, the item that the cursor stands on too.
        if number % 2 == 0 {
            let last = seen.last().expect("one");
            let last = format!("/v1/posts/{last}");
            author.delete(&last).await.expect_status(204);
        }
        gone.push(id);
    })
    .await;
    assert!(gone.len() >= 3, "the list was disturbed");
    assert_eq!(seen, without(&posts, &gone));
}

#[tokio::test]
async fn comments_are_walked_oldest_first_while_comments_come_and_go() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let post = author.post_to(&json!("friends"), "a post").await;
    let mut comments = Vec::new();
    for _ in 0..12 {
        comments.push(friend.comment_on(&post, "a comment").await);
    }
    let (mut gone, mut late) = (Vec::new(), Vec::new());
    let list = format!("/v1/posts/{post}/comments?");
    let seen = walk(&author, &list, 3, async |number, seen| {
        if number < 2 {
            late.push(author.comment_on(&post, "late").await);
        }
        let Some(id) = ahead(&comments, seen) else {
            return;
        };
        friend
            .delete(&format!("/v1/comments/{id}"))
            .await
            .expect_status(204);
        gone.push(id);
    })
    .await;
    assert!(gone.len() >= 2 && late.len() == 2);
    let mut expected = without(&comments, &gone);
    expected.extend(late);
    assert_eq!(seen, expected, "what is new comes at the end");
}

#[tokio::test]
async fn friends_are_walked_by_name_while_friends_come_and_go() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let mut people = Vec::new();
    for name in ["beth", "carl", "dora", "emil", "fred", "gina", "hugo"] {
        let person = app.person(name).await;
        me.befriend(&person).await;
        people.push(person.id.clone());
    }
    let early = app.person("anna").await;
    let late = app.person("zoe").await;
    let mut gone = Vec::new();
    let seen = walk(&me, "/v1/friends?", 2, async |number, seen| {
        match number {
            0 => me.befriend(&early).await,
            1 => me.befriend(&late).await,
            _ => {}
        }
        let Some(id) = ahead(&people, seen) else {
            return;
        };
        me.delete(&format!("/v1/friends/{id}"))
            .await
            .expect_status(200);
        gone.push(id);
    })
    .await;
    assert!(gone.len() >= 2);
    let mut expected = without(&people, &gone);
    expected.push(late.id.clone());
    assert_eq!(seen, expected, "whom the walk has passed it does not meet");
}

#[tokio::test]
async fn followers_are_walked_while_followers_come_and_go() {
    let app = TestApp::start().await;
    let star = app.person("star").await;
    let mut fans = Vec::new();
    for _ in 0..7 {
        let fan = app.person("fan").await;
        follow(&fan, &star).await;
        fans.push(fan);
    }
    fans.reverse();
    let all: Vec<String> = fans.iter().map(|fan| fan.id.clone()).collect();
    let late = app.person("late").await;
    let mut gone = Vec::new();
    let list = format!("/v1/users/{}/followers?", star.id);
    let seen = walk(&star, &list, 2, async |number, seen| {
        if number == 0 {
            follow(&late, &star).await;
        }
        let Some(id) = ahead(&all, seen) else { return };
        let fan = fans.iter().find(|fan| fan.id == id).expect("a fan");
        if number == 0 {
            fan.delete(&format!("/v1/users/{}/follow", star.id))
                .await
                .expect_status(200);
        } else {
            fan.set(&format!("/v1/users/{}/block", star.id))
                .await
                .expect_status(200);
        }
        gone.push(id);
    })
    .await;
    assert!(gone.len() >= 2);
    assert_eq!(seen, without(&all, &gone));
}

#[tokio::test]
async fn what_is_saved_is_walked_while_it_changes() {
    let app = TestApp::start().await;
    let (me, author) = app.friends("me", "author").await;
    let mut posts = Vec::new();
    for _ in 0..12 {
        let post = author.post_to(&json!("friends"), "keep").await;
        me.set(&format!("/v1/posts/{post}/saved"))
            .await
            .expect_status(200);
        posts.push(post);
    }
    posts.reverse();
    let mut gone = Vec::new();
    let seen = walk(&me, "/v1/me/saved?", 3, async |number, seen| {
        let late = author.post_to(&json!("friends"), "late").await;
        me.set(&format!("/v1/posts/{late}/saved"))
            .await
            .expect_status(200);
        let Some(id) = ahead(&posts, seen) else {
            return;
        };
        let path = format!("/v1/posts/{id}");
        match number % 3 {
            0 => me.delete(&format!("{path}/saved")).await.expect_status(200),
            1 => author.delete(&path).await.expect_status(204),
            _ => {
                let narrower = json!({"audience": "only_me"});
                author.patch(&path, &narrower).await.expect_status(200)
            }
        };
        gone.push(id);
    })
    .await;
    assert!(gone.len() >= 2);
    assert_eq!(seen, without(&posts, &gone));
}

#[tokio::test]
async fn circles_and_former_texts_are_walked_to_their_end() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let mut circles = Vec::new();
    for number in 0..9 {
        let named = json!({"name": format!("circle {number}")});
        let made = me.post("/v1/circles", &named).await.expect_status(201);
        circles.push(made.id());
    }
    let order = walk(&me, "/v1/circles?", 4, async |_, _| {}).await;
    let all: HashSet<&String> = circles.iter().collect();
    assert_eq!(order.iter().collect::<HashSet<_>>(), all);
    let mut gone = Vec::new();
    let seen = walk(&me, "/v1/circles?", 2, async |_, seen| {
        let Some(id) = ahead(&order, seen) else {
            return;
        };
        me.delete(&format!("/v1/circles/{id}"))
            .await
            .expect_status(204);
        gone.push(id);
    })
    .await;
    assert_eq!(seen, without(&order, &gone));

    let post = me.post_to(&json!("public"), "edit 0").await;
    for number in 1..6 {
        let change = json!({"content": format!("edit {number}")});
        me.patch(&format!("/v1/posts/{post}"), &change)
            .await
            .expect_status(200);
    }
    let all = me.walk(&format!("/v1/posts/{post}/history"), 100).await;
    let few = me.walk(&format!("/v1/posts/{post}/history"), 2).await;
    assert_eq!(all, few);
    assert!(all.len() >= 5, "{all:#?}");
}

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
