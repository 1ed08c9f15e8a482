//! "May A see B" is written once in SQL and once in Rust: the two agree in every case.

use kith::domains::posts::{POST, can_see_post};
use kith::domains::relations::{self, CIRCLE_MEMBERS, Sight, Ties, can_see_person, ties_of};
use kith::domains::users::USER;
use kith::kernel::ids::Id;
use kith::kernel::{PostId, UserId};
use kith::platform::Reads;
use kith::platform::sessions::Viewer;
use serde_json::json;
use uuid::Uuid;

use crate::support::TestApp;

async fn run(app: &TestApp, sql: &'static str, ids: &[&str]) {
    let mut query = sqlx::query(sql);
    for id in ids {
        query = query.bind(id.parse::<Uuid>().expect("a UUID"));
    }
    query.execute(&app.db).await.expect("the statement runs");
}

/// The viewer's ties as their space loads them.
async fn ties(app: &TestApp, viewer: UserId) -> std::sync::Arc<Ties> {
    let mut conn = app.db.acquire().await.expect("a connection");
    let reads = &mut Reads::Within(&mut conn);
    ties_of(reads, Viewer(Some(viewer))).await.expect("ties")
}

#[tokio::test]
async fn the_rule_in_sql_and_the_rule_in_rust_agree_in_every_case() {
    let app = TestApp::start().await;
    let (viewer, target) = (app.person("viewer").await, app.person("target").await);
    let ids = [viewer.id.as_str(), target.id.as_str()];
    for state in ["active", "suspended", "deleted"] {
        for (blocks, is_blocked) in [(false, false), (true, false), (false, true), (true, true)] {
            run(&app, "delete from block where $1 <> $2", &ids).await;
            if blocks {
                let sql =
                    "insert into block (blocker_id, blocked_id, created_at) values ($1, $2, now())";
                run(&app, sql, &ids).await;
            }
            if is_blocked {
                let sql =
                    "insert into block (blocked_id, blocker_id, created_at) values ($1, $2, now())";
                run(&app, sql, &ids).await;
            }
            sqlx::query("update account set state = $1 where user_id = $2")
                .bind(state)
                .bind(target.id.parse::<Uuid>().expect("a UUID"))
                .execute(&app.db)
                .await
                .expect("the state is set");
            let in_sql: bool = sqlx::query_scalar(
                "select exists (select from visible_account($1) a where a.user_id = $2)",
            )
            .bind(viewer.id.parse::<Uuid>().expect("a UUID"))
            .bind(target.id.parse::<Uuid>().expect("a UUID"))
            .fetch_one(&app.db)
            .await
            .expect("an answer");
            let by_ties = ties(&app, viewer.id.parse().expect("an id")).await;
            let target_id = target.id.parse().expect("an id");
            let in_rust = can_see_person(Sight {
                is_active: state == "active",
                is_blocked_by_viewer: blocks,
                has_blocked_viewer: is_blocked,
            });
            let by_ties = by_ties.sees(target_id, state == "active");
            assert_eq!(
                (in_sql, in_sql),
                (in_rust, by_ties),
                "{state}, blocks {blocks}, is blocked {is_blocked}"
            );
        }
    }
}

/// A way in which somebody may be named by an audience.
const NAMED: [&str; 3] = ["nobody", "person", "circle"];

struct Scene {
    app: TestApp,
    author: String,
    viewer: String,
    post_id: Uuid,
    circle: Uuid,
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::start().await;
        let (author, viewer) = (app.person("author").await, app.person("viewer").await);
        let post_id = author.post_to(&json!("public"), "who sees this?").await;
        let scene = Self {
            author: author.id.clone(),
            viewer: viewer.id.clone(),
            post_id: post_id.parse().expect("a UUID"),
            circle: Uuid::from_u128(7),
            app,
        };
        let circle = "insert into circle (circle_id, owner_id, name, created_at, updated_at)
                      values ($1, $2, 'ring', now(), now())";
        run(
            &scene.app,
            circle,
            &[&scene.circle.to_string(), &scene.author],
        )
        .await;
        let member = "insert into circle_member (circle_id, user_id, created_at)
                      values ($1, $2, now())";
        run(
            &scene.app,
            member,
            &[&scene.circle.to_string(), &scene.viewer],
        )
        .await;
        scene
    }

    async fn name(&self, deny: bool, how: &str) {
        let (person, circle) = match how {
            "person" => (Some(&self.viewer), None),
            "circle" => (None, Some(self.circle)),
            _ => return,
        };
        let sql = "insert into post_audience (post_id, deny, user_id, circle_id)
                   values ($1, $2, $3, $4)";
        sqlx::query(sql)
            .bind(self.post_id)
            .bind(deny)
            .bind(person.map(|id| id.parse::<Uuid>().expect("a UUID")))
            .bind(circle)
            .execute(&self.app.db)
            .await
            .expect("is named");
    }

    /// Both rules agree for the author, for the viewer and for somebody who is signed out.
    async fn agree(&self, case: &str) {
        let mut conn = self.app.db.acquire().await.expect("a connection");
        let post_id = PostId::from_uuid(self.post_id);
        let post = (POST.load)(&mut conn, &[post_id]).await.expect("loads");
        let post = &post.first().expect("the post").1;
        let author = (USER.load)(&mut conn, &[post.author_id])
            .await
            .expect("loads");
        let author = &author.first().expect("the author").1;
        for who in [None, Some(&self.author), Some(&self.viewer)] {
            let user_id: Option<UserId> = who.map(|id| id.parse().expect("an id"));
            let mut reads = Reads::Within(&mut conn);
            let ties = relations::ties_of(&mut reads, Viewer(user_id)).await;
            let circles: Vec<_> = post.circles().collect();
            let circles = reads.get_many(&CIRCLE_MEMBERS, &circles).await;
            let in_rust = can_see_post(
                Viewer(user_id),
                post,
                author,
                &ties.expect("ties"),
                &circles.expect("circles"),
            );
            let in_sql: bool = sqlx::query_scalar(
                "select exists (select from visible_post($1) p where p.post_id = $2)",
            )
            .bind(user_id.map(Id::uuid))
            .bind(self.post_id)
            .fetch_one(&mut *conn)
            .await
            .expect("an answer");
            assert_eq!(in_sql, in_rust, "{case}, {who:?}");
        }
    }
}

#[tokio::test]
async fn the_rules_for_posts_in_sql_and_in_rust_agree_in_every_case() {
    let scene = Scene::set().await;
    let pair = [scene.author.as_str(), scene.viewer.as_str()];
    let both = "insert into friendship (user_id, friend_id, created_at)
                values ($1, $2, now()), ($2, $1, now())";
    let block = "insert into block (blocker_id, blocked_id, created_at) values ($1, $2, now())";
    for friends in [false, true] {
        if friends {
            run(&scene.app, both, &pair).await;
        }
        for blocks in [None, Some([0, 1]), Some([1, 0])] {
            run(&scene.app, "delete from block where $1 <> $2", &pair).await;
            if let Some([one, other]) = blocks {
                run(&scene.app, block, &[pair[one], pair[other]]).await;
            }
            every_audience(&scene, &format!("friends {friends}, blocks {blocks:?}")).await;
        }
    }
}

async fn every_audience(scene: &Scene, case: &str) {
    let set = async |sql: &'static str, word: &str| {
        sqlx::query(sql)
            .bind(word)
            .bind(scene.post_id)
            .execute(&scene.app.db)
            .await
            .expect("is set");
    };
    for state in ["active", "suspended"] {
        let author = "update account set state = $1
                      where user_id = (select author_id from post where post_id = $2)";
        set(author, state).await;
        for audience in ["public", "friends", "only_me"] {
            set("update post set audience = $1 where post_id = $2", audience).await;
            scene.agree(&format!("{case}, {state}, {audience}")).await;
        }
    }
    let active = "update account set state = $1
                  where user_id = (select author_id from post where post_id = $2)";
    set(active, "active").await;
    set("update post set audience = $1 where post_id = $2", "custom").await;
    for all in ["yes", "no"] {
        set(
            "update post set allow_all_friends = $1::boolean where post_id = $2",
            all,
        )
        .await;
        for (allowed, denied) in NAMED.iter().flat_map(|a| NAMED.map(|d| (*a, d))) {
            let clear = "delete from post_audience where post_id = $1";
            run(&scene.app, clear, &[&scene.post_id.to_string()]).await;
            scene.name(false, allowed).await;
            scene.name(true, denied).await;
            scene
                .agree(&format!(
                    "{case}, all {all}, allows {allowed}, denies {denied}"
                ))
                .await;
        }
    }
    let deleted = "update post set deleted_at = now(), audience = $1 where post_id = $2";
    set(deleted, "public").await;
    scene.agree(&format!("{case}, deleted")).await;
    set(
        "update post set deleted_at = null, audience = $1 where post_id = $2",
        "public",
    )
    .await;
}
