//! A kith that caches and one that does not, on the same rows, answer the same.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{direct, group, try_say};
use crate::support::{Session, TestApp, mode};

/// Random doings, each with its turn; what they answer does not matter here.
struct Doings {
    rng: StdRng,
    people: Vec<Session>,
    conversations: Vec<String>,
    messages: Vec<String>,
}

impl Doings {
    fn person(&mut self) -> Session {
        let place = self.rng.random_range(0..self.people.len());
        self.people[place].clone()
    }

    fn conversation(&mut self) -> String {
        let place = self.rng.random_range(0..self.conversations.len());
        self.conversations[place].clone()
    }

    fn message(&mut self) -> String {
        let place = self.rng.random_range(0..self.messages.len());
        format!("/v1/messages/{}", self.messages[place])
    }

    async fn turn(&mut self, turn: usize) {
        let (who, other, id) = (self.person(), self.person(), self.conversation());
        let path = format!("/v1/conversations/{id}");
        let up_to = self.rng.random_range(0..12);
        match self.rng.random_range(0..15) {
            0..5 => {
                let reply = try_say(&who, &id, &format!("turn {turn}")).await;
                if reply.status == 201 {
                    self.messages.push(reply.id());
                }
            }
            5 => {
                let change = json!({"content": format!("edit {turn}")});
                who.patch(&self.message(), &change).await;
            }
            6 => {
                who.delete(&self.message()).await;
            }
            7 => {
                let reaction = format!("{}/reaction", self.message());
                who.put(&reaction, &json!({"kind": "like"})).await;
            }
            8 => {
                let read = json!({"up_to": up_to, "private": turn.is_multiple_of(2)});
                who.put(&format!("{path}/read"), &read).await;
            }
            9 => {
                let change =
                    json!({"archived": turn.is_multiple_of(3), "pinned": turn.is_multiple_of(2)});
                who.patch(&format!("{path}/me"), &change).await;
            }
            10 => {
                who.set(&format!("{path}/members/{}", other.id)).await;
            }
            11 => {
                who.delete(&format!("{path}/members/{}", other.id)).await;
            }
            12 => {
                who.act(&format!("{path}/accept")).await;
            }
            13 => {
                who.set(&format!("/v1/users/{}/block", other.id)).await;
            }
            _ => {
                who.delete(&format!("/v1/users/{}/block", other.id)).await;
            }
        }
    }
}

/// All that somebody may look at.
async fn all_of(who: &Session, conversations: &[String]) -> Vec<(String, u16, Value)> {
    let mut paths: Vec<String> = ["active", "requests", "archived", "unread"]
        .iter()
        .map(|filter| format!("/v1/conversations?limit=100&filter={filter}"))
        .collect();
    for id in conversations {
        for sub in ["", "/messages?limit=100", "/members"] {
            paths.push(format!("/v1/conversations/{id}{sub}"));
        }
    }
    let mut answers = Vec::new();
    for path in paths {
        let reply = who.get(&path).await;
        let mut json = reply.json;
        if let Some(problem) = json.as_object_mut() {
            problem.remove("request_id");
            problem.remove("page");
        }
        answers.push((path, reply.status, json));
    }
    answers
}

#[tokio::test]
async fn a_kith_that_caches_answers_like_one_that_does_not() {
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    for seed in 0..2 {
        let app = TestApp::start().await;
        let bare = app.start_beside(&[("KITH_CACHE", "off")]).await;
        let mut people = Vec::new();
        for name in ["ann", "ben", "carol", "dora"] {
            people.push(app.person(name).await);
        }
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            people[one].befriend(&people[other]).await;
        }
        let conversations = vec![
            direct(&people[0], &people[1]).await,
            direct(&people[3], &people[0]).await,
            group(&people[0], &[&people[1], &people[2]]).await,
            group(&people[1], &[&people[0], &people[3]]).await,
        ];
        let first = super::say(&people[0], &conversations[2], "first").await;
        let mut doings = Doings {
            rng: StdRng::seed_from_u64(seed),
            people: people.clone(),
            conversations: conversations.clone(),
            messages: vec![first["id"].as_str().expect("an id").to_owned()],
        };
        for round in 0..5 {
            for turn in 0..12 {
                doings.turn(round * 12 + turn).await;
            }
            for person in &people {
                let cached = all_of(person, &conversations).await;
                let plain = all_of(&person.at(&bare.url), &conversations).await;
                for (cached, plain) in cached.iter().zip(&plain) {
                    assert_eq!(
                        cached, plain,
                        "seed {seed}, round {round}, {}",
                        person.username
                    );
                }
            }
        }
    }
}
