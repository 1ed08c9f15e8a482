//! The people and posts that requests are made of, and a session for each person.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use kith::kernel::ids::Id as _;
use kith::kernel::{SessionId, UserId};
use kith::platform::Ctx;
use kith::platform::sessions;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use uuid::Uuid;

/// Seconds that the tokens live: longer than any run.
const TOKEN_SECONDS: i64 = 12 * 3_600;
/// Public posts that are read by id.
const MOST_POSTS: i64 = 200_000;

/// Somebody who is signed in.
pub struct Person {
    /// Who.
    pub id: Uuid,
    /// For mentions.
    pub username: String,
    /// Friends when the run began.
    pub friends: i64,
    token: String,
}

/// Everybody, and what everybody may read.
pub struct World {
    /// All active people, by id.
    pub people: Vec<Person>,
    /// Public posts with the place of their author.
    pub posts: Vec<(Uuid, usize)>,
    hot_people: Vec<usize>,
    hot_posts: Vec<usize>,
    made: Mutex<Vec<(Uuid, usize)>>,
}

impl World {
    /// Reads the database and signs everybody in: with a row of `session` each, and a token that the
    /// context's key signs.
    pub async fn load(ctx: &Ctx, seed: u64) -> anyhow::Result<Arc<Self>> {
        let rows: Vec<(Uuid, String, i64)> = sqlx::query_as(
            "select user_id, username, coalesce(friends, 0)::bigint
             from account left join user_counter using (user_id)
             where state = 'active' order by user_id",
        )
        .fetch_all(ctx.db())
        .await?;
        anyhow::ensure!(rows.len() > 1, "the database holds nobody to be");
        let sessions = sign_in(ctx).await?;
        let mut people = Vec::with_capacity(rows.len());
        let mut places = HashMap::new();
        for (id, username, friends) in rows {
            let Some(session) = sessions.get(&id) else {
                continue;
            };
            let session = SessionId::from_uuid(*session);
            let user = UserId::from_uuid(id);
            let token = sessions::mint(ctx, user, session, ctx.now(), TOKEN_SECONDS)
                .map_err(|error| anyhow::anyhow!("no token: {error:?}"))?;
            places.insert(id, people.len());
            people.push(Person {
                id,
                username,
                friends,
                token,
            });
        }
        let posts = public_posts(ctx, &places).await?;
        let rng = &mut StdRng::seed_from_u64(seed);
        Ok(Arc::new(Self {
            hot_people: shuffled(people.len(), rng),
            hot_posts: shuffled(posts.len(), rng),
            people,
            posts,
            made: Mutex::default(),
        }))
    }

    /// Somebody.
    pub fn anybody(&self, rng: &mut StdRng) -> usize {
        rng.random_range(0..self.people.len())
    }

    /// The token of the person at `place`.
    pub fn token(&self, place: usize) -> String {
        self.people
            .get(place)
            .map(|person| person.token.clone())
            .unwrap_or_default()
    }

    /// The id of the person at `place`.
    pub fn id(&self, place: usize) -> Uuid {
        self.people
            .get(place)
            .map_or(Uuid::nil(), |person| person.id)
    }

    /// The name of the person at `place`.
    pub fn username(&self, place: usize) -> &str {
        self.people
            .get(place)
            .map_or("", |person| person.username.as_str())
    }

    /// The places of people who were made from a graph, by their numbers in it.
    pub fn numbers(&self) -> anyhow::Result<BTreeMap<usize, usize>> {
        let people = self.people.iter().enumerate();
        let numbered = people.map(|(place, person)| {
            let number = person.username.rsplit_once('.').map(|(_, number)| number);
            Ok((number.context("a numbered name")?.parse()?, place))
        });
        numbered.collect()
    }

    /// The same in their order.
    pub fn places(&self) -> anyhow::Result<Vec<usize>> {
        Ok(self.numbers()?.into_values().collect())
    }

    /// The person of that rank in hotness.
    pub fn hot_person(&self, rank: usize) -> Uuid {
        self.hot_people
            .get(rank)
            .map_or(Uuid::nil(), |place| self.id(*place))
    }

    /// The person of that rank, or of the next one, who is not the person at `me`.
    pub fn hot_person_but(&self, rank: usize, me: usize) -> Uuid {
        let found = self.hot_person(rank);
        if found == self.id(me) {
            return self.hot_person((rank + 1) % self.people.len());
        }
        found
    }

    /// The public post of that rank, and the place of its author.
    pub fn hot_post(&self, rank: usize) -> (Uuid, usize) {
        self.hot_posts
            .get(rank)
            .and_then(|place| self.posts.get(*place))
            .copied()
            .unwrap_or_default()
    }

    /// Remembers a post that the run has made.
    pub fn keep_made(&self, id: Uuid, author: usize) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.push((id, author));
    }

    /// A post that the run has made, once.
    pub fn take_made(&self) -> Option<(Uuid, usize)> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.pop()
    }

    /// The place of a person.
    pub fn place_of(&self, id: Uuid) -> Option<usize> {
        self.people
            .binary_search_by_key(&id, |person| person.id)
            .ok()
    }

    /// The places of those whose number of friends is nearest to `friends`.
    pub fn nearest_by_friends(&self, friends: i64, count: usize) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.people.len()).collect();
        places.sort_by_key(|place| {
            self.people
                .get(*place)
                .map_or(i64::MAX, |person| (person.friends - friends).abs())
        });
        places.truncate(count);
        places
    }
}

async fn sign_in(ctx: &Ctx) -> anyhow::Result<HashMap<Uuid, Uuid>> {
    let mut tx = ctx.db().begin().await?;
    sqlx::query("set local kith.bulk = on")
        .execute(&mut *tx)
        .await?;
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "insert into session (session_id, user_id, address, user_agent, created_at, last_active_at,
                              reauthenticated_at, expires_at, ends_at)
         select gen_random_uuid(), user_id, '127.0.0.1', 'load', now(), now(), now(),
                now() + interval '1 day', now() + interval '1 day'
         from account where state = 'active'
         returning user_id, session_id",
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().collect())
}

async fn public_posts(
    ctx: &Ctx,
    places: &HashMap<Uuid, usize>,
) -> anyhow::Result<Vec<(Uuid, usize)>> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "select post_id, author_id from post
         where audience = 'public' and deleted_at is null order by post_id limit $1",
    )
    .bind(MOST_POSTS)
    .fetch_all(ctx.db())
    .await?;
    let placed = rows
        .into_iter()
        .filter_map(|(post, author)| Some((post, *places.get(&author)?)));
    Ok(placed.collect())
}

/// Hotness has nothing to do with age.
fn shuffled(len: usize, rng: &mut StdRng) -> Vec<usize> {
    let mut places: Vec<usize> = (0..len).collect();
    places.shuffle(rng);
    places
}
