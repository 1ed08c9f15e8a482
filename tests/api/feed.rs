//! The home feed.

use std::collections::HashSet;

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_feed_holds_posts_by_oneself_by_friends_and_by_the_followed_newest_first() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let (followed, stranger) = (app.person("followed").await, app.person("stranger").await);
    me.set(&format!("/v1/users/{}/follow", followed.id))
        .await
        .expect_status(200);
    let own = me.post_to(&json!("only_me"), "mine").await;
    let by_friend = friend.post_to(&json!("friends"), "for friends").await;
    friend.post_to(&json!("only_me"), "a secret").await;
    let by_followed = followed.post_to(&json!("public"), "for all").await;
    followed.post_to(&json!("friends"), "not for me").await;
    stranger.post_to(&json!("public"), "from afar").await;
    let feed = me.get("/v1/feed").await.expect_status(200);
    assert_eq!(
        feed.ids(),
        [by_followed.clone(), by_friend.clone(), own.clone()]
    );
    assert_eq!(feed.next(), None);
    let named = me.get("/v1/feed?order=latest").await.expect_status(200);
    assert_eq!(named.ids(), feed.ids());
    me.get("/v1/feed?order=best").await.expect_status(422);
    app.anyone().get("/v1/feed").await.expect_status(401);

    me.set(&format!("/v1/posts/{by_friend}/hidden"))
        .await
        .expect_status(200);
    me.set(&format!("/v1/users/{}/mute", followed.id))
        .await
        .expect_status(200);
    assert_eq!(me.get("/v1/feed").await.ids(), [&*own]);
    me.delete(&format!("/v1/posts/{by_friend}/hidden"))
        .await
        .expect_status(200);
    me.delete(&format!("/v1/users/{}/mute", followed.id))
        .await
        .expect_status(200);
    friend
        .set(&format!("/v1/users/{}/block", me.id))
        .await
        .expect_status(200);
    assert_eq!(me.get("/v1/feed").await.ids(), [by_followed, own]);
}

#[tokio::test]
async fn a_walk_visits_each_visible_post_once_while_posts_come_and_go() {
    let app = TestApp::start().await;
    let (me, one) = app.friends("me", "one").await;
    let other = app.person("other").await;
    me.befriend(&other).await;
    let mut posts = Vec::new();
    for number in 0..30 {
        let author = [&me, &one, &one, &other][number % 4];
        posts.push(
            author
                .post_to(&json!("friends"), &format!("{number}"))
                .await,
        );
    }
    posts.reverse();
    let (mut seen, mut hidden) = (Vec::new(), HashSet::new());
    let mut page = "/v1/feed?limit=4".to_owned();
    loop {
        let reply = me.get(&page).await.expect_status(200);
        seen.extend(reply.ids());
        let Some(cursor) = reply.next() else { break };
        assert_eq!(reply.ids().len(), 4, "a page is filled while there is more");
        // Something new above, and something hidden below.
        other.post_to(&json!("friends"), "late").await;
        let reached = posts.iter().position(|id| Some(id) == seen.last());
        if let Some(ahead) = posts.get(reached.expect("a post of mine") + 2) {
            me.set(&format!("/v1/posts/{ahead}/hidden"))
                .await
                .expect_status(200);
            hidden.insert(ahead.clone());
        }
        page = format!("/v1/feed?limit=4&cursor={cursor}");
    }
    let expected: Vec<String> = posts
        .into_iter()
        .filter(|id| !hidden.contains(id))
        .collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_first_page_later_fetches_what_is_newer_and_a_page_can_lie_around_a_post() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let mut posts = Vec::new();
    for number in 0..7 {
        posts.push(
            friend
                .post_to(&json!("friends"), &format!("{number}"))
                .await,
        );
    }
    let first = me.get("/v1/feed?limit=3").await.expect_status(200);
    let prev = first.prev().expect("a cursor");
    let newer = friend.post_to(&json!("friends"), "newer").await;
    let reply = me.get(&format!("/v1/feed?limit=3&cursor={prev}")).await;
    assert_eq!(reply.expect_status(200).ids(), [newer]);

    let around = me
        .get(&format!("/v1/feed?limit=3&around={}", posts[3]))
        .await
        .expect_status(200);
    assert_eq!(
        around.ids(),
        [posts[4].clone(), posts[3].clone(), posts[2].clone()]
    );
    let (next, prev) = (around.next().expect("next"), around.prev().expect("prev"));
    let below = me.get(&format!("/v1/feed?limit=3&cursor={next}")).await;
    assert_eq!(below.ids(), [posts[1].clone(), posts[0].clone()]);
    let above = me.get(&format!("/v1/feed?limit=2&cursor={prev}")).await;
    assert_eq!(above.ids(), [posts[6].clone(), posts[5].clone()]);

    let stranger = app.person("stranger").await;
    let afar = stranger.post_to(&json!("public"), "from afar").await;
    me.get(&format!("/v1/feed?around={afar}"))
        .await
        .expect_status(404);
    me.get("/v1/feed?around=nonsense").await.expect_status(404);
}

#[tokio::test]
async fn a_feed_shows_its_posts_word_for_word_as_they_are_shown_alone() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let stranger = app.person("stranger").await;
    let public = friend
        .post_to(&json!("public"), "see #tea at https://example.org")
        .await;
    let own = me.post_to(&json!("friends"), "mine").await;
    let secret = stranger.post_to(&json!("public"), "soon a secret").await;
    let share =
        |post: &str| json!({"content": "look", "audience": "friends", "shared_post_id": post});
    for shared in [&public, &own, &secret] {
        friend
            .post("/v1/posts", &share(shared))
            .await
            .expect_status(201);
    }
    let custom = json!({"kind": "custom", "allow": [me.id], "deny": []});
    friend.post_to(&custom, "for you").await;
    let narrow = json!({"audience": "only_me"});
    stranger
        .patch(&format!("/v1/posts/{secret}"), &narrow)
        .await
        .expect_status(200);
    let edited = json!({"content": "edited <b>\"words\"</b>\n"});
    friend
        .patch(&format!("/v1/posts/{public}"), &edited)
        .await
        .expect_status(200);
    me.put(
        &format!("/v1/posts/{public}/reaction"),
        &json!({"kind": "love"}),
    )
    .await
    .expect_status(200);
    me.set(&format!("/v1/posts/{public}/saved"))
        .await
        .expect_status(200);
    me.comment_on(&public, "well said").await;
    // The second time what is rendered comes from the process.
    for _ in 0..2 {
        let feed = me.get("/v1/feed").await.expect_status(200);
        let ids = feed.ids();
        assert_eq!(ids.len(), 6);
        let alone = me.get(&format!("/v1/posts?ids={}", ids.join(","))).await;
        assert_eq!(feed.json["data"], alone.json["data"]);
    }
}

#[tokio::test]
async fn a_ranked_feed_goes_on_through_the_ranking_of_its_first_page() {
    let app = TestApp::start().await;
    let (me, friend) = app.friends("me", "friend").await;
    let mut posts = Vec::new();
    for number in 0..6 {
        let text = format!("post {number}");
        posts.push(friend.post_to(&json!("friends"), &text).await);
    }
    me.comment_on(&posts[0], "the best").await;
    let like = json!({"kind": "like"});
    let react = async |post: &str| {
        let path = format!("/v1/posts/{post}/reaction");
        me.put(&path, &like).await.expect_status(200);
    };
    react(&posts[2]).await;
    let ranked = [0, 2, 5, 4, 3, 1].map(|number: usize| posts[number].clone());
    let whole = me.get("/v1/feed?order=top").await.expect_status(200);
    assert_eq!(whole.ids(), ranked);
    assert_eq!(whole.json["data"][0]["counts"]["comments"], 1);
    assert_eq!(whole.next(), None);

    let first = me
        .get("/v1/feed?order=top&limit=2")
        .await
        .expect_status(200);
    assert_eq!(first.ids(), ranked[..2]);
    // What happens meanwhile changes no place, but what is gone is gone.
    react(&posts[1]).await;
    react(&posts[1]).await;
    me.comment_on(&posts[1], "late").await;
    friend.post_to(&json!("friends"), "newer").await;
    me.set(&format!("/v1/posts/{}/hidden", posts[4]))
        .await
        .expect_status(200);
    friend
        .patch(
            &format!("/v1/posts/{}", posts[3]),
            &json!({"audience": "only_me"}),
        )
        .await
        .expect_status(200);
    let next = first.next().expect("a cursor");
    let path = format!("/v1/feed?order=top&limit=2&cursor={next}");
    let second = me.get(&path).await.expect_status(200);
    assert_eq!(second.ids(), [posts[5].clone(), posts[1].clone()]);
    assert_eq!(second.next(), None);
    let fresh = me.get("/v1/feed?order=top&limit=1").await;
    assert_eq!(fresh.ids(), [posts[1].clone()]);
    let other = format!("/v1/feed?cursor={next}");
    me.get(&other).await.expect_problem(400, "cursor_mismatch");
    me.get("/v1/feed?order=top&around=1")
        .await
        .expect_status(422);
}
