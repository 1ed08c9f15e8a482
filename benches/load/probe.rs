//! Staleness as a client sees it: beside the load, something is written, and read on every server until
//! it shows.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::draw::{bare, get, write};
use super::wire::{Connection, Request, Target};
use super::world::World;

/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(200);
/// Between two looks at what does not show yet.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// From here on a stale read breaks the promise.
const GRACE: Duration = Duration::from_secs(2);
/// When a look gives up.
const LONGEST: Duration = Duration::from_secs(10);

/// What the probe has seen.
#[derive(Debug, Default, Clone, Copy)]
pub struct Staleness {
    /// Acknowledged writes.
    pub writes: u64,
    /// Writes that were not acknowledged.
    pub refused: u64,
    /// Reads after an acknowledgement.
    pub reads: u64,
    /// Reads that failed or answered 429 or 5xx, and so show nothing.
    pub unanswered: u64,
    /// Reads that began after the acknowledgement and did not show the write.
    pub stale: u64,
    /// Those of them that began more than two seconds after it.
    pub stale_after_grace: u64,
    /// Looks that gave up.
    pub never: u64,
    /// How long after its acknowledgement the last stale read of a write began, at most.
    pub longest: Duration,
}

/// A probe that runs.
pub struct Probe {
    stop: CancellationToken,
    task: JoinHandle<Staleness>,
}

impl Probe {
    /// Starts writing and looking.
    pub fn start(world: &Arc<World>, targets: &[Target], seed: u64) -> Self {
        let stop = CancellationToken::new();
        let prober = Prober {
            world: Arc::clone(world),
            targets: targets.to_vec(),
            seen: Staleness::default(),
            rng: StdRng::seed_from_u64(seed ^ 0x5eed),
            round: 0,
        };
        let task = tokio::spawn(prober.run(stop.clone()));
        Self { stop, task }
    }

    /// Ends it after its round.
    pub async fn finish(self) -> anyhow::Result<Staleness> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

enum Wanted {
    Text(String),
    NoText(String),
    Gone,
}

struct Look {
    request: Request,
    wanted: Wanted,
}

struct Prober {
    world: Arc<World>,
    targets: Vec<Target>,
    seen: Staleness,
    rng: StdRng,
    round: usize,
}

impl Prober {
    async fn run(mut self, stop: CancellationToken) -> Staleness {
        while !stop.is_cancelled() {
            self.round += 1;
            self.post_edit_delete().await;
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => {}
            }
        }
        self.seen
    }

    /// A post is made, changed and deleted, and each is looked for where it shows.
    async fn post_edit_delete(&mut self) -> Option<()> {
        let (author, reader) = (
            self.world.anybody(&mut self.rng),
            self.world.anybody(&mut self.rng),
        );
        let (mine, theirs) = (self.world.token(author), self.world.token(reader));
        let author_id = self.world.id(author);
        let text = |step: &str| format!("probe-{:016x}-{step}", rand::random::<u64>());
        let (first, second) = (text("first"), text("second"));

        let body = json!({ "content": first, "audience": "public" });
        let created = write("POST", "/v1/posts".to_owned(), mine.clone(), &body);
        let (post, acknowledged) = self.write(&created).await?;
        let id = post?.get("id")?.as_str()?.to_owned();
        let one = get(format!("/v1/posts/{id}"), Some(theirs.clone()));
        let list = get(format!("/v1/users/{author_id}/posts"), Some(theirs));
        let feed = get("/v1/feed?limit=100".to_owned(), Some(mine.clone()));
        let shows = |request: &Request, text: &str| Look {
            request: request.clone(),
            wanted: Wanted::Text(text.to_owned()),
        };
        let lacks = |request: &Request| Look {
            request: request.clone(),
            wanted: Wanted::NoText(id.clone()),
        };
        let places = [&one, &list, &feed];
        self.look(acknowledged, places.map(|at| shows(at, &first)).into())
            .await;

        let body = json!({ "content": second });
        let edit = write("PATCH", format!("/v1/posts/{id}"), mine.clone(), &body);
        let (_, acknowledged) = self.write(&edit).await?;
        self.look(acknowledged, places.map(|at| shows(at, &second)).into())
            .await;

        let delete = bare("DELETE", format!("/v1/posts/{id}"), mine);
        let (_, acknowledged) = self.write(&delete).await?;
        let gone = Look {
            request: one.clone(),
            wanted: Wanted::Gone,
        };
        self.look(acknowledged, vec![gone, lacks(&list), lacks(&feed)])
            .await;
        Some(())
    }

    /// Writes on one server after the other in turn.
    async fn write(&mut self, request: &Request) -> Option<(Option<serde_json::Value>, Instant)> {
        let target = self.targets.get(self.round % self.targets.len())?;
        let mut connection = Connection::new(target);
        let answer = connection.ask(request).await;
        if answer.is_ok_and(|answer| answer.status < 300) {
            self.seen.writes += 1;
            return Some((connection.json(), Instant::now()));
        }
        self.seen.refused += 1;
        None
    }

    async fn look(&mut self, acknowledged: Instant, looks: Vec<Look>) {
        let targets = &self.targets;
        let everywhere = looks.iter().flat_map(|look| {
            targets
                .iter()
                .map(move |target| until_shown(target, look, acknowledged))
        });
        let seen = &mut self.seen;
        for found in join_all(everywhere).await {
            seen.reads += found.reads;
            seen.unanswered += found.unanswered;
            seen.stale += found.stale;
            seen.stale_after_grace += found.stale_after_grace;
            seen.never += found.never;
            seen.longest = seen.longest.max(found.longest);
        }
    }
}

async fn until_shown(target: &Target, look: &Look, acknowledged: Instant) -> Staleness {
    let mut seen = Staleness::default();
    let mut connection = Connection::new(target);
    loop {
        let age = acknowledged.elapsed();
        if age > LONGEST {
            seen.never += 1;
            return seen;
        }
        let answer = connection.ask(&look.request).await;
        seen.reads += 1;
        match answer {
            Ok(answer) if answer.status < 429 => {
                if shown(&look.wanted, answer.status, connection.body()) {
                    return seen;
                }
                seen.stale += 1;
                seen.stale_after_grace += u64::from(age > GRACE);
                seen.longest = seen.longest.max(age);
            }
            _ => seen.unanswered += 1,
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn shown(wanted: &Wanted, status: u16, body: &[u8]) -> bool {
    let body = std::str::from_utf8(body).unwrap_or_default();
    match wanted {
        Wanted::Text(text) => status == 200 && body.contains(text),
        Wanted::NoText(text) => status == 200 && !body.contains(text),
        Wanted::Gone => status == 404,
    }
}
