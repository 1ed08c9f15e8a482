//! Lists that change while they are walked.

use std::collections::HashSet;

use serde_json::json;

use super::{expect_links, ids};
use crate::support::{Session, TestApp};

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
