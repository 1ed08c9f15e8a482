//! People who watch whether others are there, and what they are told of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use uuid::Uuid;

use super::crowd;
use crate::draw::get;
use crate::site::Site;
use crate::wire::{Answer, Connection, Request};

/// People whom one watches: as many as one `GET /v1/presence` tells of, and fewer than the channels of a socket.
pub const MOST_WATCHED: usize = 100;
/// Between two looks at what watchers were told.
const LOOK: Duration = Duration::from_millis(100);

/// Some people, and those who watch all of them.
pub struct Group {
    /// Who watches, by place.
    pub watchers: Vec<usize>,
    /// Who is watched.
    pub watched: Vec<usize>,
}

/// The groups that [`crowd::halves`] has made: so many watchers in each, of so many people.
pub fn groups(site: &Site, watchers: usize, watched: usize) -> anyhow::Result<Vec<Group>> {
    let places = site.world.places()?;
    let groups = places.chunks_exact(watchers + watched).map(|group| {
        let (one, other) = group.split_at(watchers);
        Group {
            watchers: one.to_vec(),
            watched: other.to_vec(),
        }
    });
    Ok(groups.collect())
}

/// A graph of groups for so many people who are watched; and how many there are in each.
pub fn graph(people: usize, watchers: usize) -> anyhow::Result<(String, usize)> {
    let watched = people.clamp(1, MOST_WATCHED);
    let graph = crowd::halves(people.div_ceil(watched), watchers, watched)?;
    Ok((graph, watched))
}

/// What a watcher was told of somebody.
#[derive(Debug, Default, Clone)]
struct Heard {
    times: usize,
    state: String,
    at: Option<Instant>,
}

/// Watchers who listen.
#[derive(Default, Clone)]
pub struct Watch(Arc<Mutex<HashMap<(usize, Uuid), Heard>>>);

impl Watch {
    /// Has the watchers of all groups listen on a server.
    pub async fn open(site: &Site, server: usize, groups: &[Group]) -> anyhow::Result<Self> {
        let watch = Self::default();
        let target = site.targets.get(server).context("a server")?;
        let all = groups
            .iter()
            .flat_map(|group| group.watchers.iter().map(move |place| (*place, group)));
        let opened = stream::iter(all).map(|(place, group)| {
            let watched = group.watched.iter();
            let channels = watched.map(|other| format!("presence:{}", site.world.id(*other)));
            let (channels, token) = (channels.collect::<Vec<_>>(), site.world.token(place));
            async move { anyhow::Ok((place, crowd::listen(target, &token, &channels).await?)) }
        });
        let heard = opened
            .buffer_unordered(crowd::OPENERS)
            .try_for_each(|(place, socket)| {
                let watch = watch.clone();
                tokio::spawn(
                    async move { crowd::hear(socket, |text| watch.take(place, text)).await },
                );
                std::future::ready(Ok(()))
            });
        heard.await?;
        Ok(watch)
    }

    fn on<T>(&self, act: impl FnOnce(&mut HashMap<(usize, Uuid), Heard>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self, place: usize, text: &str) {
        if !text.contains("\"presence.changed\"") {
            return;
        }
        let told: Value = serde_json::from_str(text).unwrap_or_default();
        let frames = told
            .as_array()
            .map_or(std::slice::from_ref(&told), Vec::as_slice);
        for d in frames.iter().filter_map(|frame| frame.get("d")) {
            let word = |name: &str| d.get(name).and_then(Value::as_str);
            let person = word("user_id").and_then(|id| id.parse().ok());
            if let (Some(person), Some(state)) = (person, word("state")) {
                self.on(|all| {
                    let heard = all.entry((place, person)).or_default();
                    heard.times += 1;
                    state.clone_into(&mut heard.state);
                    heard.at = Some(Instant::now());
                });
            }
        }
    }

    /// Counts from nothing; the states that were told stay.
    pub fn begin(&self) {
        self.on(|all| all.values_mut().for_each(|heard| heard.times = 0));
    }

    /// How often anybody was told of anybody, and the most that one was told of one.
    pub fn told(&self) -> (usize, usize) {
        self.on(|all| {
            let times = all.values().map(|heard| heard.times);
            (times.clone().sum(), times.max().unwrap_or_default())
        })
    }

    /// Of how many somebody knows that they are in this state, and when the last was told so.
    pub fn in_state(&self, state: &str) -> (usize, Option<Instant>) {
        self.on(|all| {
            let those = all.values().filter(|heard| heard.state == state);
            let last = those.clone().filter_map(|heard| heard.at).max();
            (those.count(), last)
        })
    }

    /// Waits until so many are known to be in this state; says whether they came to be.
    pub async fn wait_for(&self, state: &str, count: usize, patience: Duration) -> bool {
        let began = Instant::now();
        while self.in_state(state).0 < count {
            if began.elapsed() >= patience {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
        true
    }
}

/// What the first watcher of a group asks about all of them.
pub fn question(site: &Site, group: &Group) -> anyhow::Result<Request> {
    let ids = group.watched.iter().map(|place| site.world.id(*place));
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    let place = *group.watchers.first().context("a watcher")?;
    let path = format!("/v1/presence?ids={}", ids.join(","));
    Ok(get(path, Some(site.world.token(place))))
}

/// Asks, and gives the states that were answered.
pub async fn ask(
    connection: &mut Connection,
    question: &Request,
) -> anyhow::Result<(Answer, HashMap<Uuid, String>)> {
    let answer = connection.ask(question).await?;
    let told = connection.json().unwrap_or_default();
    let data = told.get("data").and_then(Value::as_array);
    let states = data.into_iter().flatten().filter_map(|one| {
        let id = one.get("user_id")?.as_str()?.parse().ok()?;
        Some((id, one.get("state")?.as_str()?.to_owned()))
    });
    let states = states.collect();
    Ok((answer, states))
}
