//! The visibility rule in SQL against a naive oracle, on random worlds, over every path that reads.
//! A failure names the seed of its world.

mod load;
mod world;

use std::collections::HashSet;

use serde_json::Value;

use crate::support::{Anyone, TestApp, mode::Mode};
use load::{Loaded, load};
use world::World;

/// Worlds a run looks at: others in each mode, and fewer where each read is several statements.
fn seeds() -> std::ops::Range<u64> {
    match Mode::of_run() {
        Mode::Redis => 0..4,
        Mode::Alone => 4..6,
        Mode::Off => 6..8,
    }
}

#[tokio::test]
async fn every_path_shows_exactly_what_a_naive_oracle_would_show() {
    let app = TestApp::start().await;
    for seed in seeds() {
        let world = World::random(seed);
        let loaded = load(&app, &world).await;
        let views = Views {
            app: &app,
            world: &world,
            loaded: &loaded,
            seed,
        };
        views.check(None, &app.anyone()).await;
        for person in (0..world.people).filter(|person| !world.suspended.contains(person)) {
            views.check(Some(person), &loaded.people[person]).await;
        }
        clear(&app).await;
    }
}

async fn clear(app: &TestApp) {
    let sql =
        "truncate reaction, reaction_summary, comment, comment_counter, hidden_post, saved_post,
               post_audience, post_counter, post_revision, post, circle_member, circle, friendship,
               follow, block, mute cascade";
    sqlx::query(sql)
        .execute(&app.db)
        .await
        .expect("the tables are emptied");
    // No trigger sees that, as none sees a bulk load.
    let spaces = app.ctx.cache().figures().into_iter();
    let tags: Vec<String> = spaces
        .map(|(space, _)| format!("space:{}", space.name))
        .collect();
    sqlx::query("insert into cache_void (tags) values ($1)")
        .bind(tags)
        .execute(&app.db)
        .await
        .expect("the spaces are voided");
    sqlx::query("update user_settings set searchable = false")
        .execute(&app.db)
        .await
        .expect("the people of this world are put out of search");
}

struct Views<'a> {
    app: &'a TestApp,
    world: &'a World,
    loaded: &'a Loaded,
    seed: u64,
}

impl Views<'_> {
    async fn check(&self, viewer: Option<usize>, client: &Anyone) {
        self.posts(viewer, client).await;
        self.profiles(viewer, client).await;
        if let Some(viewer) = viewer {
            self.feed(viewer, client).await;
            self.search(viewer, client).await;
        }
    }

    fn context(&self, viewer: Option<usize>, what: &str) -> String {
        format!("seed {}, viewer {viewer:?}, {what}", self.seed)
    }

    fn numbers(&self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.world.posts.len())
            .filter(|number| wanted(*number))
            .collect()
    }

    /// Newest first, ties by id.
    fn newest_first(&self, wanted: impl Fn(usize) -> bool) -> Vec<String> {
        let mut numbers = self.numbers(wanted);
        numbers.sort_by_key(|number| std::cmp::Reverse((number / 2, self.loaded.posts[*number])));
        numbers
            .iter()
            .map(|number| self.loaded.posts[*number].to_string())
            .collect()
    }

    async fn posts(&self, viewer: Option<usize>, client: &Anyone) {
        let all: Vec<String> = self.loaded.posts.iter().map(ToString::to_string).collect();
        let batch = client
            .get(&format!("/v1/posts?ids={}", all.join(",")))
            .await
            .expect_status(200);
        let visible = self.numbers(|number| self.world.sees_post(viewer, number));
        let expected: Vec<String> = visible.iter().map(|number| all[*number].clone()).collect();
        assert_eq!(batch.ids(), expected, "{}", self.context(viewer, "batch"));
        for (shown, number) in batch.json["data"]
            .as_array()
            .expect("a list")
            .iter()
            .zip(&visible)
        {
            self.shared(viewer, *number, shown);
            self.counts(viewer, *number, shown);
        }
        for (number, id) in all.iter().enumerate() {
            let sees = self.world.sees_post(viewer, number);
            let status = if sees { 200 } else { 404 };
            let context = self.context(viewer, &format!("post {number}"));
            assert_eq!(
                client.get(&format!("/v1/posts/{id}")).await.status,
                status,
                "{context}"
            );
            self.comments(viewer, client, number, status).await;
            self.reactions(viewer, client, number, status).await;
        }
    }

    fn shared(&self, viewer: Option<usize>, number: usize, shown: &Value) {
        let Some(original) = self.world.posts[number].shared else {
            assert!(shown["shared_post"].is_null());
            return;
        };
        let hidden = shown["shared_post"]["unavailable"] == true;
        let context = self.context(viewer, &format!("share {number} of {original}"));
        assert_eq!(hidden, !self.world.sees_post(viewer, original), "{context}");
    }

    fn counts(&self, viewer: Option<usize>, number: usize, shown: &Value) {
        let comments = self
            .world
            .comments
            .iter()
            .filter(|c| c.post == number)
            .count();
        let likes = self
            .world
            .reactions
            .iter()
            .filter(|(post, _)| *post == number)
            .count();
        let context = self.context(viewer, &format!("counts of {number}"));
        assert_eq!(shown["counts"]["comments"], comments, "{context}");
        let shown_likes = shown["counts"]["reactions"].get("like");
        assert_eq!(shown_likes.unwrap_or(&Value::from(0)), likes, "{context}");
    }

    async fn comments(&self, viewer: Option<usize>, client: &Anyone, post: usize, status: u16) {
        let path = format!("/v1/posts/{}/comments", self.loaded.posts[post]);
        let context = self.context(viewer, &format!("comments of {post}"));
        if status != 200 {
            assert_eq!(client.get(&path).await.status, status, "{context}");
            return;
        }
        let visible: HashSet<String> = (0..self.world.comments.len())
            .filter(|number| self.world.comments[*number].post == post)
            .filter(|number| self.world.sees_comment(viewer, *number))
            .map(|number| self.loaded.comments[number].to_string())
            .collect();
        assert_eq!(ids(&client.walk(&path, 2).await), visible, "{context}");
    }

    async fn reactions(&self, viewer: Option<usize>, client: &Anyone, post: usize, status: u16) {
        let path = format!("/v1/posts/{}/reactions", self.loaded.posts[post]);
        let context = self.context(viewer, &format!("reactions to {post}"));
        if status != 200 {
            assert_eq!(client.get(&path).await.status, status, "{context}");
            return;
        }
        let shown: HashSet<String> = client
            .walk(&path, 3)
            .await
            .iter()
            .map(|item| item["user"]["id"].as_str().expect("an id").to_owned())
            .collect();
        let expected = self.people(|person| {
            self.world.reactions.contains(&(post, person)) && self.world.sees_person(viewer, person)
        });
        assert_eq!(shown, expected, "{context}");
    }

    fn people(&self, wanted: impl Fn(usize) -> bool) -> HashSet<String> {
        let all = 0..self.world.people;
        all.filter(|person| wanted(*person))
            .map(|person| self.loaded.people[person].id.clone())
            .collect()
    }

    async fn profiles(&self, viewer: Option<usize>, client: &Anyone) {
        for person in 0..self.world.people {
            let id = &self.loaded.people[person].id;
            let sees = self.world.sees_person(viewer, person);
            let status = if sees { 200 } else { 404 };
            let context = self.context(viewer, &format!("profile {person}"));
            let profile = client.get(&format!("/v1/users/{id}")).await;
            assert_eq!(profile.status, status, "{context}");
            let path = format!("/v1/users/{id}/posts");
            if !sees {
                assert_eq!(client.get(&path).await.status, 404, "{context}");
                continue;
            }
            let visible = self.newest_first(|number| {
                self.world.posts[number].author == person && self.world.sees_post(viewer, number)
            });
            assert_eq!(in_order(&client.walk(&path, 3).await), visible, "{context}");
            assert_eq!(profile.json["counts"]["posts"], visible.len(), "{context}");
        }
    }

    async fn feed(&self, viewer: usize, client: &Anyone) {
        let expected = self.newest_first(|number| self.world.feeds(viewer, number));
        for limit in [1, 4, 100] {
            let shown = in_order(&client.walk("/v1/feed", limit).await);
            assert_eq!(shown, expected, "{}", self.context(Some(viewer), "feed"));
        }
    }

    async fn search(&self, viewer: usize, client: &Anyone) {
        let shown = ids(&client.walk("/v1/search/users?q=oracle", 3).await);
        let expected = self.people(|person| self.world.sees_person(Some(viewer), person));
        let without = |set: &HashSet<String>| -> HashSet<String> {
            set.iter()
                .filter(|id| **id != self.loaded.people[viewer].id)
                .cloned()
                .collect()
        };
        // Whether search finds oneself is not said.
        assert_eq!(
            without(&shown),
            without(&expected),
            "{}",
            self.context(Some(viewer), "search")
        );
        assert!(self.app.url.starts_with("http"));
    }
}

fn in_order(items: &[Value]) -> Vec<String> {
    items
        .iter()
        .map(|item| item["id"].as_str().expect("an id").to_owned())
        .collect()
}

fn ids(items: &[Value]) -> HashSet<String> {
    let list = in_order(items);
    let set: HashSet<String> = list.iter().cloned().collect();
    assert_eq!(list.len(), set.len(), "nothing comes twice");
    set
}
