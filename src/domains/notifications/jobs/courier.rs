//! Takes deliveries that are due, from two lanes, and carries them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::{self, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::super::model::{Lane, vapid_keys};
use super::super::store::{self, Taken};
use super::delivery::{deliver, put_back, show_counters};
use crate::infra::push::Sender;
use crate::kernel::{Result, UserId};
use crate::platform::Ctx;

/// Deliveries that are carried at the same time in one process.
const CONCURRENCY: usize = 32;
/// Of one person: whose devices answer slowly, or not at all, holds up nobody else.
const OF_ONE_PERSON: usize = 4;
/// Another one of theirs is taken again after this.
const BACK: Duration = Duration::from_secs(1);
/// Of this many, one is of the normal lane, whatever waits in the other.
const TURN: usize = 5;
/// Between two looks at the queue.
const POLL: Duration = Duration::from_millis(500);
/// How long a worker may take with a delivery before another one takes it: longer than a mail server may
/// take for one, which would be sent twice otherwise.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// Carries what is due.
pub struct Courier {
    ctx: Ctx,
    sender: Option<Sender>,
    turn: usize,
}

impl Courier {
    /// A courier that has not begun.
    pub fn new(ctx: Ctx) -> Self {
        let private = ctx.config().push_private;
        let keys = vapid_keys(&ctx.config().secret_key, ctx.public_url());
        let sender = Sender::new(keys, private)
            .inspect_err(|error| tracing::error!(%error, "nothing can be pushed to devices"))
            .ok();
        Self {
            ctx,
            sender,
            turn: 0,
        }
    }

    /// Carries deliveries until `stop`, then finishes those that it has taken.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut running = Running::default();
        let mut away = false;
        while !stop.is_cancelled() {
            match self
                .take(CONCURRENCY.saturating_sub(running.len()), &running.full())
                .await
            {
                Ok(taken) => {
                    away = false;
                    for one in taken {
                        self.begin(&mut running, one).await;
                    }
                }
                // Said once an outage, not twice a second.
                Err(error) if !away => {
                    away = true;
                    tracing::warn!(?error, "the queue of deliveries cannot be read");
                }
                Err(_still_away) => {}
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(POLL) => {}
                true = running.join_next() => {}
            }
        }
        while running.join_next().await {}
    }

    /// Begins to carry a delivery, unless as many of its person are being carried as may be at once.
    async fn begin(&self, running: &mut Running, taken: Taken) {
        let user_id = taken.user_id;
        if running.of(user_id) < OF_ONE_PERSON {
            let carried = deliver(self.ctx.clone(), self.sender.clone(), taken);
            running.spawn(user_id, carried);
            return;
        }
        let back = async {
            let conn = &mut *self.ctx.conn().await?;
            put_back(&self.ctx, conn, &taken, BACK).await
        };
        if let Err(error) = back.await {
            // Its lease runs out.
            tracing::debug!(?error, "a delivery was not put back");
        }
    }

    /// Carries everything that is due now: for tests.
    pub async fn run_due(&mut self) -> Result<usize> {
        let mut carried = 0;
        loop {
            let taken = self.take(CONCURRENCY, &[]).await?;
            if taken.is_empty() {
                return Ok(carried);
            }
            for one in taken {
                deliver(self.ctx.clone(), self.sender.clone(), one).await;
                carried += 1;
            }
        }
    }

    /// Takes up to `free` deliveries: four of the high lane for one of the other. What one lane has
    /// not, the other may have. None is for `full`, who have as many as may be.
    async fn take(&mut self, free: usize, full: &[UserId]) -> Result<Vec<Taken>> {
        if free == 0 {
            return Ok(Vec::new());
        }
        let (now, due) = (self.ctx.now(), share(free, self.turn));
        let lease_end = now + LEASE;
        let mut conn = self.ctx.conn().await?;
        let mut taken: Vec<Taken> = Vec::new();
        // What the high lane leaves goes to the normal one, and what that leaves back.
        let rounds = [(Lane::High, due), (Lane::Normal, free), (Lane::High, free)];
        for (lane, up_to) in rounds {
            let room = up_to.saturating_sub(taken.len());
            if room > 0 {
                let limit = i64::try_from(room).unwrap_or(i64::MAX);
                let times = (now, lease_end);
                taken.extend(store::take_deliveries(&mut conn, lane, limit, times, full).await?);
            }
        }
        self.turn = (self.turn + taken.len()) % TURN;
        Ok(taken)
    }
}

/// What is being carried, and for whom.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    people: HashMap<task::Id, UserId>,
}

impl Running {
    fn len(&self) -> usize {
        self.tasks.len()
    }

    /// How many of one person.
    fn of(&self, user_id: UserId) -> usize {
        let theirs = self.people.values().filter(|one| **one == user_id);
        theirs.count()
    }

    /// Those who have as many as may be at once.
    fn full(&self) -> Vec<UserId> {
        let people: HashSet<UserId> = self.people.values().copied().collect();
        let is_full = |id: &UserId| self.of(*id) >= OF_ONE_PERSON;
        people.into_iter().filter(is_full).collect()
    }

    fn spawn(&mut self, user_id: UserId, carried: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(carried);
        self.people.insert(task.id(), user_id);
    }

    /// Waits until one ends; false if there is none.
    async fn join_next(&mut self) -> bool {
        let Some(ended) = self.tasks.join_next_with_id().await else {
            return false;
        };
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.people.remove(&id);
        true
    }
}

/// How many of the next `free` places belong to the high lane, after `turn` of a round.
fn share(free: usize, turn: usize) -> usize {
    (turn..turn + free)
        .filter(|place| place % TURN != TURN - 1)
        .count()
}

/// A courier in the background, until `stop`.
pub fn start(ctx: &Ctx, stop: &CancellationToken) {
    show_counters();
    let courier = Courier::new(ctx.clone());
    ctx.tasks().spawn(courier.run(stop.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_five_places_four_are_for_the_high_lane_however_few_are_free_at_a_time() {
        assert_eq!(share(5, 0), 4);
        assert_eq!(share(16, 0), 13);
        for size in 1..=16 {
            let (mut high, mut turn) = (0, 0);
            for _ in 0..100 {
                high += share(size, turn);
                turn = (turn + size) % TURN;
            }
            let all = size * 100;
            assert!(
                high * 5 >= all * 4 - 5 && high * 5 <= all * 4 + 5,
                "{size}: {high}"
            );
        }
    }
}
