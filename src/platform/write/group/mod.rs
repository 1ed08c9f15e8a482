//! Writes of one kind that come at once, done in one transaction.
//!
//! Most of what a write costs is the same however much is written: the begin and the commit, a round
//! trip for each statement, the triggers. A [`Group`] shares that, as databases commit in groups. Who
//! comes while a turn is free begins at once. Who comes while all are taken waits, and the next turn
//! works for everybody who does. So nothing is held back to make a batch, and the more there is to write
//! the less each write costs.
//!
//! Each write has its own outcome. What is refused is refused alone. If a transaction fails, nothing of
//! it has happened, and each of its writes is done by itself, so that none fails because of another.
//! Writes of one [lane](Grouped::lane) follow each other in the order in which they came. A transaction
//! waits only briefly for what somebody else holds: whoever needs it waits alone, in a turn that is
//! added for it.
//!
//! The work is done in tasks of its own: whoever asked for it may go away, and it is done nevertheless.

mod turn;

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use self::turn::Turn;
use super::answer::Answer;
use super::idempotency::Key;
use super::tx::Tx;
use crate::infra::db::{self, Visit};
use crate::infra::meter::{self, Meter};
use crate::kernel::Result;
use crate::platform::Ctx;

/// Transactions of one kind that are under way at once, beside those that wait for what others hold.
const TURNS: usize = 4;
/// Most writes of one transaction.
const MOST_WRITES: usize = 64;

/// A kind of write that is done for several at once.
pub trait Grouped: Send + Sync + Sized + 'static {
    /// Names what a write holds until its transaction ends.
    type Lane: Copy + Eq + Hash + Send + Sync;

    /// What this one holds.
    fn lane(&self) -> Self::Lane;

    /// Does these writes, each of another lane, and gives each its answer, in their order. A write
    /// that is refused has changed nothing.
    fn write<'a>(
        tx: &'a mut Tx,
        asked: &'a [Asked<'a, Self>],
    ) -> BoxFuture<'a, Result<Vec<Result<Answer>>>>;
}

/// A write that is to be done.
#[derive(Debug)]
pub struct Asked<'a, W> {
    /// What it says.
    pub write: &'a W,
    /// The idempotency key of its request.
    pub op_id: Option<&'a str>,
}

/// An answer, and whether it was given before.
pub(super) type Outcome = Result<(Answer, bool)>;

/// The writes of one kind in a process. A clone is the same group.
pub struct Group<W: Grouped>(Arc<Shared<W>>);

struct Shared<W: Grouped> {
    state: Mutex<State<W>>,
    /// Where turns run: a worker of HTTP ends with its own connections, and a turn works for those of
    /// others too.
    runtime: Handle,
}

struct State<W: Grouped> {
    waiting: VecDeque<Waiting<W>>,
    /// What those hold that are being done.
    busy: HashSet<W::Lane>,
    /// How many turns are taken.
    turns: usize,
}

struct Waiting<W> {
    item: Arc<Item<W>>,
    answer: oneshot::Sender<Outcome>,
    meter: Option<Meter>,
    /// Kept even if the request ends: those who wait are as many as were admitted.
    _place: Option<Visit>,
}

struct Item<W> {
    key: Option<Key>,
    write: W,
}

impl<W: Grouped> Clone for Group<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Grouped> Group<W> {
    /// A group whose turns run on `runtime`.
    pub fn new(runtime: Handle) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            busy: HashSet::new(),
            turns: 0,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            runtime,
        }))
    }

    /// Has a write done, with others that come meanwhile.
    pub(super) async fn done(&self, ctx: &Ctx, key: Option<Key>, write: W) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            item: Arc::new(Item { key, write }),
            answer,
            meter: meter::current(),
            _place: db::visit(),
        };
        if let Some(turn) = self.join(waiting) {
            let work = turn.work(ctx.clone());
            ctx.tasks().spawn_on(work, &self.0.runtime);
        }
        answered.await.unwrap_or_else(|_cut_off| Err(turn::lost()))
    }

    /// Waits in line; the turn comes back if one is free.
    fn join(&self, waiting: Waiting<W>) -> Option<Turn<W>> {
        let mut state = self.state();
        state.waiting.push_back(waiting);
        if state.turns >= TURNS {
            return None;
        }
        state.turns += 1;
        drop(state);
        Some(Turn::of(self.clone()))
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Grouped> State<W> {
    /// Gives lanes back.
    fn free(&mut self, lanes: impl Iterator<Item = W::Lane>) {
        for lane in lanes {
            self.busy.remove(&lane);
        }
    }

    /// Takes those who wait, as far as what they need is free.
    fn take(&mut self) -> Vec<Waiting<W>> {
        let mut batch = Vec::new();
        // A lane that is passed over is so for all who come later.
        let mut passed = HashSet::new();
        let mut later = VecDeque::with_capacity(self.waiting.len());
        for one in self.waiting.drain(..) {
            let lane = one.item.write.lane();
            let is_free =
                batch.len() < MOST_WRITES && !passed.contains(&lane) && self.busy.insert(lane);
            if is_free {
                batch.push(one);
            } else {
                passed.insert(lane);
                later.push_back(one);
            }
        }
        self.waiting = later;
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number, whose lane is its last digit.
    struct Number(u32);

    impl Grouped for Number {
        type Lane = u32;

        fn lane(&self) -> u32 {
            self.0 % 10
        }

        fn write<'a>(
            _tx: &'a mut Tx,
            _asked: &'a [Asked<'a, Self>],
        ) -> BoxFuture<'a, Result<Vec<Result<Answer>>>> {
            unreachable!("nothing is written here")
        }
    }

    /// A group in which these wait for its turns, which have begun.
    fn waiting(numbers: &[u32]) -> (Group<Number>, Vec<Turn<Number>>) {
        let group = Group::new(Handle::current());
        let mut turns = Vec::new();
        for number in numbers {
            let (answer, _answered) = oneshot::channel();
            let item = Item {
                key: None,
                write: Number(*number),
            };
            turns.extend(group.join(Waiting {
                item: Arc::new(item),
                answer,
                meter: None,
                _place: None,
            }));
        }
        (group, turns)
    }

    fn next(turn: &mut Turn<Number>) -> Vec<u32> {
        let batch = turn.next().unwrap_or_default();
        batch.iter().map(|one| one.item.write.0).collect()
    }

    #[tokio::test]
    async fn a_turn_takes_all_who_wait_but_one_of_each_lane() {
        let (group, mut turns) = waiting(&[1, 2, 11, 3, 21, 12]);
        assert_eq!(turns.len(), TURNS);
        let turn = &mut turns[0];
        assert_eq!(next(turn), [1, 2, 3]);
        assert_eq!(next(turn), [11, 12]);
        assert_eq!(next(turn), [21]);
        assert!(next(turn).is_empty());
        assert_eq!(group.state().turns, TURNS - 1);
        assert!(group.state().busy.is_empty());
    }

    #[tokio::test]
    async fn what_another_turn_holds_waits_for_its_end_in_its_order() {
        let (group, mut turns) = waiting(&[1, 11, 21, 2]);
        let (mut one, mut other) = (turns.remove(0), turns.remove(0));
        assert_eq!(next(&mut one), [1, 2]);
        // The other turn finds nothing that is free, and ends.
        assert!(next(&mut other).is_empty());
        drop(other);
        assert_eq!(group.state().turns, TURNS - 1);
        assert_eq!(next(&mut one), [11]);
        assert_eq!(next(&mut one), [21]);
    }

    #[tokio::test]
    async fn what_waits_alone_holds_its_lane_and_holds_up_no_other() {
        let (group, mut turns) = waiting(&[1, 2, 11, 12]);
        let mut turn = turns.remove(0);
        drop(turns);
        assert_eq!(next(&mut turn), [1, 2]);
        let mut alone = turn.split(1);
        assert_eq!(next(&mut turn), [12]);
        assert!(next(&mut turn).is_empty());
        drop(turn);
        // No turn is taken while one waits alone; afterwards it works for those who wait for it.
        assert_eq!(group.state().turns, 0);
        assert!(alone.count());
        assert_eq!(next(&mut alone), [11]);
        assert!(next(&mut alone).is_empty());
        assert_eq!(group.state().turns, 0);
    }

    #[tokio::test]
    async fn a_turn_that_is_cut_off_gives_back_what_it_held() {
        let (group, mut turns) = waiting(&[1, 11]);
        assert_eq!(next(&mut turns[0]), [1]);
        drop(turns);
        let state = group.state();
        assert_eq!((state.turns, state.busy.len()), (0, 0));
        // There is no turn left that could work for them: they are told.
        assert!(state.waiting.is_empty());
    }
}
