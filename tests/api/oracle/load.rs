//! Puts a world into a running kith.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::world::{Audience, Entry, World};
use crate::support::{Session, TestApp};

/// The world with its ids.
pub struct Loaded {
    pub people: Vec<Session>,
    pub posts: Vec<Uuid>,
    pub comments: Vec<Uuid>,
}

fn uuid(kind: u128, number: usize) -> Uuid {
    Uuid::from_u128(
        (0x0190_0000_0000_7000_8000_u128 << 48)
            | (kind << 32)
            | u128::try_from(number).expect("small"),
    )
}

/// When the thing of this number was made; some share an instant, so that ties are met too.
fn at(number: usize) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(1_760_000_000, 0).expect("a time");
    start + TimeDelta::seconds(i64::try_from(number / 2).expect("small"))
}

/// Registers the people through the API and writes the rest straight into the tables.
pub async fn load(app: &TestApp, world: &World) -> Loaded {
    let mut people = Vec::new();
    for number in 0..world.people {
        people.push(app.person(&format!("oracle{number}x")).await);
    }
    let ids: Vec<Uuid> = people
        .iter()
        .map(|person| person.id.parse().expect("a UUID"))
        .collect();
    relations(app, world, &ids).await;
    let posts: Vec<Uuid> = (0..world.posts.len())
        .map(|number| uuid(1, number))
        .collect();
    for number in 0..world.posts.len() {
        post(app, world, &ids, &posts, number).await;
    }
    let comments: Vec<Uuid> = (0..world.comments.len())
        .map(|number| uuid(2, number))
        .collect();
    marks(app, world, &ids, &posts, &comments).await;
    for person in &world.suspended {
        run(
            app,
            "update account set state = 'suspended' where user_id = $1",
            &[ids[*person]],
            None,
        )
        .await;
    }
    let mut conn = app.db.acquire().await.expect("a connection");
    kith::domains::users::recount(&mut conn)
        .await
        .expect("counts");
    kith::domains::posts::recount(&mut conn)
        .await
        .expect("counts");
    kith::domains::reactions::recount(&mut conn)
        .await
        .expect("counts");
    kith::domains::comments::recount(&mut conn)
        .await
        .expect("counts");
    drop(conn);
    app.wait_until_voids_are_delivered().await;
    Loaded {
        people,
        posts,
        comments,
    }
}

async fn run(app: &TestApp, sql: &'static str, ids: &[Uuid], at: Option<DateTime<Utc>>) {
    let mut query = sqlx::query(sql);
    for id in ids {
        query = query.bind(*id);
    }
    if let Some(at) = at {
        query = query.bind(at);
    }
    query
        .execute(&app.db)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn relations(app: &TestApp, world: &World, ids: &[Uuid]) {
    let pairs = [
        (
            "insert into friendship (user_id, friend_id, created_at) values ($1, $2, $3)",
            &world.friends,
        ),
        (
            "insert into follow (follower_id, followee_id, created_at) values ($1, $2, $3)",
            &world.follows,
        ),
        (
            "insert into block (blocker_id, blocked_id, created_at) values ($1, $2, $3)",
            &world.blocks,
        ),
        (
            "insert into mute (muter_id, muted_id, created_at) values ($1, $2, $3)",
            &world.mutes,
        ),
    ];
    for (sql, pairs) in pairs {
        for (a, b) in pairs {
            run(app, sql, &[ids[*a], ids[*b]], Some(at(0))).await;
        }
    }
    for (number, (owner, members)) in world.circles.iter().enumerate() {
        let sql = "insert into circle (circle_id, owner_id, name, created_at, updated_at)
                   values ($1, $2, 'circle', $3, $3)";
        run(app, sql, &[uuid(3, number), ids[*owner]], Some(at(0))).await;
        for member in members {
            let sql =
                "insert into circle_member (circle_id, user_id, created_at) values ($1, $2, $3)";
            run(app, sql, &[uuid(3, number), ids[*member]], Some(at(0))).await;
        }
    }
}

async fn post(app: &TestApp, world: &World, ids: &[Uuid], posts: &[Uuid], number: usize) {
    let post = &world.posts[number];
    let (kind, all_friends) = match &post.audience {
        Audience::Public => ("public", true),
        Audience::Friends => ("friends", true),
        Audience::OnlyMe => ("only_me", true),
        Audience::Custom { allow, .. } => ("custom", allow.is_none()),
    };
    sqlx::query(
        "insert into post (post_id, author_id, content, audience, allow_all_friends, shared_post_id,
                           created_at, deleted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(posts[number])
    .bind(ids[post.author])
    .bind(format!("post {number}"))
    .bind(kind)
    .bind(all_friends)
    .bind(post.shared.map(|other| posts[other]))
    .bind(at(number))
    .bind(post.deleted.then(|| at(number)))
    .execute(&app.db)
    .await
    .expect("a post");
    if let Audience::Custom { allow, deny } = &post.audience {
        let allow = allow.iter().flatten().map(|entry| (false, *entry));
        for (deny, entry) in allow.chain(deny.iter().map(|entry| (true, *entry))) {
            let (person, circle) = match entry {
                Entry::Person(person) => (Some(ids[person]), None),
                Entry::Circle(circle) => (None, Some(uuid(3, circle))),
            };
            sqlx::query("insert into post_audience (post_id, deny, user_id, circle_id) values ($1, $2, $3, $4)")
                .bind(posts[number])
                .bind(deny)
                .bind(person)
                .bind(circle)
                .execute(&app.db)
                .await
                .expect("an audience");
        }
    }
}

async fn marks(app: &TestApp, world: &World, ids: &[Uuid], posts: &[Uuid], comments: &[Uuid]) {
    for (number, comment) in world.comments.iter().enumerate() {
        let sql = "insert into comment (comment_id, post_id, author_id, content, created_at)
                   values ($1, $2, $3, 'a comment', $4)";
        let row = [comments[number], posts[comment.post], ids[comment.author]];
        run(app, sql, &row, Some(at(number))).await;
    }
    for (post, person) in &world.reactions {
        let sql = "insert into reaction (target_kind, target_id, user_id, kind, created_at)
                   values ('post', $1, $2, 'like', $3)";
        run(app, sql, &[posts[*post], ids[*person]], Some(at(*person))).await;
    }
    for (person, post) in &world.hidden {
        let sql = "insert into hidden_post (user_id, post_id, created_at) values ($1, $2, $3)";
        run(app, sql, &[ids[*person], posts[*post]], Some(at(0))).await;
    }
}
