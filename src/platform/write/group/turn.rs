//! A turn: transaction after transaction, for as long as somebody waits.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::{Asked, Group, Grouped, Item, Outcome, TURNS, Waiting};
use crate::infra::db;
use crate::infra::meter;
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::write::answer::Answer;
use crate::platform::write::idempotency::{self, Key};
use crate::platform::write::tx::{Patience, Tx, boxed_transaction};

/// How many statements may time out until a transaction is given up, whose server does not even say so.
const STATEMENTS: u32 = 4;
/// How long it may take beside that, until it has a connection above all.
const BESIDE: Duration = Duration::from_secs(5);

/// A turn, and what it holds: both are given back at its end, however it ends.
pub(super) struct Turn<W: Grouped> {
    group: Group<W>,
    lanes: Vec<W::Lane>,
    /// Whether it is one of those that there may be, and not one that waits alone.
    is_counted: bool,
}

impl<W: Grouped> Turn<W> {
    /// A turn that is counted already.
    pub(super) fn of(group: Group<W>) -> Self {
        Self {
            group,
            lanes: Vec::new(),
            is_counted: true,
        }
    }

    /// Works until nobody waits for whom it could.
    pub(super) async fn work(mut self, ctx: Ctx) {
        while let Some(batch) = self.next() {
            // What it costs is counted once, to the first request that counts.
            let meter = batch.iter().find_map(|one| one.meter.clone());
            meter::scope(meter.unwrap_or_default(), self.finish(&ctx, batch)).await;
        }
    }

    /// Does writes together and tells each what became of it. If they fail, each is done again in a
    /// turn of its own: what one of them needs and somebody else holds is waited for only there.
    async fn finish(&mut self, ctx: &Ctx, batch: Vec<Waiting<W>>) {
        let items: Vec<Arc<Item<W>>> = batch.iter().map(|one| Arc::clone(&one.item)).collect();
        match together(ctx, items, Patience::Brief).await {
            Ok(outcomes) => {
                for (one, outcome) in batch.into_iter().zip(outcomes) {
                    one.answer(outcome);
                }
            }
            Err(failure)
                if failure.is_undone && (batch.len() > 1 || db::is_held(&failure.error)) =>
            {
                let (writes, error) = (batch.len(), failure.error);
                tracing::info!(writes, ?error, "writes are done again, each by itself");
                for one in batch {
                    let turn = self.split(one.item.write.lane());
                    let again = turn.again(ctx.clone(), one);
                    ctx.tasks().spawn_on(again, &self.group.0.runtime);
                }
            }
            Err(failure) => {
                for one in batch {
                    one.answer(Err(failure.error.clone()));
                }
            }
        }
    }

    /// Does one write of a transaction that failed, and then works on as one of the turns that there may
    /// be, if one of them is free.
    fn again(mut self, ctx: Ctx, one: Waiting<W>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let items = vec![Arc::clone(&one.item)];
            let done = together(&ctx, items, Patience::Usual);
            let meter = one.meter.clone().unwrap_or_default();
            one.answer(match meter::scope(meter, done).await {
                Ok(mut outcomes) => outcomes.pop().unwrap_or_else(|| Err(unanswered())),
                Err(failure) => Err(failure.error),
            });
            if self.count() {
                self.work(ctx).await;
            }
        })
    }

    /// A turn that is not counted, and takes over what is held for one write.
    pub(super) fn split(&mut self, lane: W::Lane) -> Self {
        self.lanes.retain(|held| *held != lane);
        Self {
            group: self.group.clone(),
            lanes: vec![lane],
            is_counted: false,
        }
    }

    /// Becomes one of the turns that there may be. If all are taken it ends, and one of them will take
    /// those who wait for what it held.
    pub(super) fn count(&mut self) -> bool {
        let mut state = self.group.state();
        self.is_counted = state.turns < TURNS;
        if self.is_counted {
            state.turns += 1;
        } else {
            state.free(self.lanes.drain(..));
        }
        self.is_counted
    }

    /// Gives back what was held for the last transaction, and takes what the next one does. With
    /// nobody to work for the turn ends.
    pub(super) fn next(&mut self) -> Option<Vec<Waiting<W>>> {
        let mut state = self.group.state();
        state.free(self.lanes.drain(..));
        let batch = state.take();
        if batch.is_empty() {
            // Under the same lock, so that whoever comes next begins a turn.
            state.turns -= 1;
            self.is_counted = false;
            return None;
        }
        self.lanes = batch.iter().map(|one| one.item.write.lane()).collect();
        Some(batch)
    }
}

impl<W: Grouped> Drop for Turn<W> {
    fn drop(&mut self) {
        if !self.is_counted && self.lanes.is_empty() {
            return;
        }
        // It was cut off.
        let mut state = self.group.state();
        state.free(self.lanes.drain(..));
        state.turns -= usize::from(self.is_counted);
        if state.turns == 0 {
            // Nobody is left to work for them: dropped, they are told.
            state.waiting.clear();
        }
    }
}

impl<W> Waiting<W> {
    fn answer(self, outcome: Outcome) {
        // Whoever asked may have gone.
        let _ = self.answer.send(outcome);
    }
}

/// How a transaction failed.
struct Failure {
    error: Error,
    /// Whether nothing of it has happened, and another transaction may fare better: not if there is
    /// no database, and not if the commit failed, which may have happened.
    is_undone: bool,
}

async fn together<W: Grouped>(
    ctx: &Ctx,
    items: Vec<Arc<Item<W>>>,
    patience: Patience,
) -> std::result::Result<Vec<Outcome>, Failure> {
    let (items, failed_at_work) = (Arc::new(items), Arc::new(AtomicBool::new(false)));
    let done = boxed_transaction(ctx, patience, |tx| {
        let (items, failed_at_work) = (Arc::clone(&items), Arc::clone(&failed_at_work));
        Box::pin(async move {
            let attempt = AssertUnwindSafe(attempt(tx, &items)).catch_unwind();
            let outcomes = attempt
                .await
                .unwrap_or_else(|_panic| Err(Error::internal(anyhow::anyhow!("a write panicked"))));
            failed_at_work.store(outcomes.is_err(), Ordering::Relaxed);
            outcomes
        })
    });
    // Only a server that is lost does not end a statement by itself.
    let limit = BESIDE + ctx.config().statement_timeout * STATEMENTS;
    let Ok(done) = timeout(limit, done).await else {
        return Err(Failure {
            error: lost(),
            is_undone: false,
        });
    };
    done.map_err(|error| {
        let may_pass = error.code() != Code::Unavailable || db::is_held(&error);
        Failure {
            is_undone: failed_at_work.load(Ordering::Relaxed) && may_pass,
            error,
        }
    })
}

/// Replays what was done before, does the rest, and stores the answers of that. All but the commit is
/// done when this ends.
async fn attempt<W: Grouped>(tx: &mut Tx, items: &[Arc<Item<W>>]) -> Result<Vec<Outcome>> {
    let keys: Vec<Option<&Key>> = items.iter().map(|item| item.key.as_ref()).collect();
    let claims = idempotency::claim(tx.conn(), &keys).await?;
    let asked: Vec<Asked<'_, W>> = (items.iter().zip(&claims))
        .filter(|(_, claim)| matches!(claim, Ok(None)))
        .map(|(item, _)| Asked {
            write: &item.write,
            op_id: item.key.as_ref().map(|key| key.text.as_str()),
        })
        .collect();
    let answers = if asked.is_empty() {
        Vec::new()
    } else {
        W::write(tx, &asked).await?
    };
    if answers.len() != asked.len() {
        return Err(unanswered());
    }
    let mut answers = answers.into_iter();
    let outcomes: Vec<Outcome> = (claims.into_iter())
        .map(|claim| match claim? {
            Some(answer) => Ok((answer, true)),
            None => Ok((answers.next().ok_or_else(unanswered)??, false)),
        })
        .collect();
    let given: Vec<(&Key, &Answer)> = (keys.into_iter().zip(&outcomes))
        .filter_map(|(key, outcome)| match (key, outcome) {
            (Some(key), Ok((answer, false))) => Some((key, answer)),
            _ => None,
        })
        .collect();
    let now = tx.now();
    idempotency::store(tx.conn(), &given, now).await?;
    tx.close().await?;
    Ok(outcomes)
}

fn unanswered() -> Error {
    Error::internal(anyhow::anyhow!("a write was given no answer"))
}

pub(super) fn lost() -> Error {
    let words =
        "The database does not answer. It may have been done: look, or repeat it with its key.";
    Error::new(Code::Unavailable, words).with_retry_after(1)
}
