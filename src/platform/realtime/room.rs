//! A channel with listeners in this process: it passes events on in their order, without holes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::attendance::Crowd;
use super::conn::Conn;
use super::doubt::{Doubts, Question};
use super::frame::Frame;
use super::rounds::{Rounds, Turn};
use super::{Channel, Offset, Topic};
use crate::infra::cache::KnownVoids;
use crate::kernel::UserId;

/// Most events that are held while something before them is missing; more are fetched again.
const MOST_HELD: usize = 1_024;
/// Most events that wait behind a replay.
const MOST_GATED: usize = 1_024;

/// How far a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// Its position is not known yet.
    Opening,
    /// It passes events on.
    Open,
    /// It could not be opened: whoever waits has to try again.
    Failed,
}

/// A channel with listeners.
pub struct Room {
    /// The channel.
    pub channel: Channel,
    /// What its topic says; an inbox has none.
    pub topic: Option<Topic>,
    /// Whether it passes events on.
    pub ready: watch::Sender<Ready>,
    state: Mutex<State>,
}

/// What changes in a room.
#[derive(Default)]
pub struct State {
    /// The last event that was passed on; `None` until the position is known.
    pub last: Option<Offset>,
    /// Who listens.
    pub subs: Vec<Sub>,
    /// Events that came before something that is missing.
    held: BTreeMap<Offset, Arc<Frame>>,
    /// When whoever listens is woken.
    rounds: Rounds,
    /// What may have changed who may listen.
    pub doubts: Doubts,
    /// Signals that came while there were doubts.
    waiting: Vec<Arc<Frame>>,
    /// The voids that this process knew of when something came last.
    known: Option<KnownVoids>,
    /// Whether somebody fetches what is missing.
    pub filling: bool,
    /// Since when nobody listens, on the hub's clock.
    pub idle_since: Option<u64>,
    /// People who left a moment ago and may be back, and until when they count as there.
    pub lingering: HashMap<UserId, u64>,
    /// Who is there on other instances, as far as is known.
    pub elsewhere: Crowd,
    /// Who is there, as listeners were told last.
    pub attended: Crowd,
    /// Until when other instances may not have reported anew what Redis has lost, on the hub's clock.
    pub settles: u64,
    /// Who is here, as other instances were told last; `None` is not known.
    pub reported: Option<Crowd>,
    /// Nobody may come in any more: there will be another room of this channel.
    pub closed: bool,
}

/// A listener.
pub struct Sub {
    /// Who.
    pub conn: Arc<Conn>,
    /// They have everything up to here.
    pub after: Offset,
    /// What came while they are still sent what was before.
    pub gate: Option<Vec<Arc<Frame>>>,
    /// The position that they were told of last.
    pub told: Offset,
    /// Whether they were told who is there.
    pub is_told_who_is_there: bool,
}

/// What became of an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Something before it is missing.
    pub has_gap: bool,
    /// Who may listen is to be asked before this event is passed on: [`Room::has_asked`].
    pub asks: Option<Offset>,
    /// Connections whose subscription it ended.
    pub removed: Vec<u64>,
    /// Connections for which there is no more room behind their replay.
    pub lost: Vec<u64>,
}

impl Room {
    /// A room that does not know its position yet.
    pub fn new(channel: Channel, topic: Option<Topic>, now: u64) -> Self {
        Self {
            channel,
            topic,
            ready: watch::Sender::new(Ready::Opening),
            state: Mutex::new(State {
                idle_since: Some(now),
                reported: Some(Crowd::default()),
                ..State::default()
            }),
        }
    }

    /// What changes.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to pass events on, from the position that Postgres told after the room began to hear.
    pub fn open_at(self: &Arc<Self>, top: Offset, now: u64) -> Passed {
        let mut state = self.lock();
        let mut passed = Passed::default();
        if state.last.is_none() {
            state.last = Some(top);
            self.pass_held(&mut state, now, &mut passed);
            self.wake(&mut state);
        }
        drop(state);
        self.ready.send_replace(Ready::Open);
        passed
    }

    /// Passes an event or a signal on, in its turn. `known` are the voids that this process knows of.
    pub fn pass(
        self: &Arc<Self>,
        frame: Arc<Frame>,
        known: Option<KnownVoids>,
        now: u64,
    ) -> Passed {
        let mut state = self.lock();
        let mut passed = Passed::default();
        state.known = known;
        if frame.offset == 0 {
            self.pass_signal(&mut state, frame, now, &mut passed);
            return passed;
        }
        match state.last {
            Some(last) if frame.offset <= last => {}
            Some(last) if frame.offset == last + 1 && !self.asks(&state, &frame) => {
                self.give(&mut state, &frame, now, &mut passed);
                self.pass_held(&mut state, now, &mut passed);
                self.wake(&mut state);
            }
            known => {
                let is_next = known.is_some_and(|last| frame.offset == last + 1);
                if is_next || state.held.len() < MOST_HELD {
                    state.held.insert(frame.offset, frame);
                }
                if known.is_some() {
                    self.pass_held(&mut state, now, &mut passed);
                    self.wake(&mut state);
                }
            }
        }
        passed
    }

    /// A signal waits while there are doubts, as an event does, but for nothing else.
    fn pass_signal(
        self: &Arc<Self>,
        state: &mut State,
        frame: Arc<Frame>,
        now: u64,
        passed: &mut Passed,
    ) {
        let is_behind = self.is_behind(state, &frame);
        if !is_behind && !state.doubts.is_any() {
            self.give(state, &frame, now, passed);
            self.wake(state);
            return;
        }
        if state.waiting.len() < MOST_HELD {
            state.waiting.push(frame);
        }
        if !std::mem::replace(&mut state.doubts.asking, true) {
            passed.asks = Some(state.last.unwrap_or_default());
        }
    }

    /// Passes on what waited until it was asked who may listen.
    pub fn has_asked(
        self: &Arc<Self>,
        offset: Offset,
        known: Option<KnownVoids>,
        now: u64,
    ) -> Passed {
        let mut state = self.lock();
        let mut passed = Passed::default();
        state.known = known;
        state.doubts.asking = false;
        state.doubts.asked = offset;
        for frame in std::mem::take(&mut state.waiting) {
            self.give(&mut state, &frame, now, &mut passed);
        }
        self.pass_held(&mut state, now, &mut passed);
        self.wake(&mut state);
        passed
    }

    /// Whether who may listen has to be asked before this is passed on.
    fn asks(&self, state: &State, frame: &Frame) -> bool {
        let is_doubted = state.doubts.is_any() || self.is_behind(state, frame);
        let asks = |topic: &Topic| is_doubted || topic.asks_at.contains(&&*frame.kind);
        state.doubts.asked < frame.offset && self.topic.as_ref().is_some_and(asks)
    }

    /// Whether this was told where a void was known of which this process had not heard when something came
    /// last, and which may have ended something for somebody here.
    fn is_behind(&self, state: &State, frame: &Frame) -> bool {
        let follows = self.topic.as_ref().is_some_and(Topic::follows_voids);
        let is_new = |(told, known): (KnownVoids, KnownVoids)| !known.covers(told);
        follows && frame.voids.zip(state.known).is_some_and(is_new)
    }

    /// Whom to ask about before the event at `offset` is passed on, which waits for that.
    pub fn question(&self, offset: Offset, known: Option<KnownVoids>) -> Question {
        let mut state = self.lock();
        state.known = known;
        let next = state.held.get(&offset);
        // Whoever could not catch up knows nothing of anybody.
        let is_asked = |frame: &Arc<Frame>| {
            let asks = |topic: &Topic| topic.asks_at.contains(&&*frame.kind);
            self.topic.as_ref().is_some_and(asks) || self.is_behind(&state, frame)
        };
        Question {
            everybody: state.doubts.is_of_all() || next.is_some_and(is_asked),
            people: state.doubts.people(),
        }
    }

    fn pass_held(&self, state: &mut State, now: u64, passed: &mut Passed) {
        while let Some(last) = state.last
            && let Some((offset, frame)) = state.held.pop_first()
        {
            if offset == last + 1 && !self.asks(state, &frame) {
                self.give(state, &frame, now, passed);
            } else if offset > last {
                if offset > last + 1 {
                    passed.has_gap = true;
                } else if !std::mem::replace(&mut state.doubts.asking, true) {
                    passed.asks = Some(offset);
                }
                state.held.insert(offset, frame);
                return;
            }
        }
    }

    /// Wakes everybody for whom something waits, at once or with the next round.
    fn wake(self: &Arc<Self>, state: &mut State) {
        match state.rounds.turn(Instant::now()) {
            Turn::Now => state.wake(),
            Turn::At(instant) => {
                let room = Arc::clone(self);
                tokio::spawn(async move {
                    sleep_until(instant).await;
                    room.lock().wake();
                });
            }
            Turn::Due => {}
        }
    }

    /// Gives a frame to everybody who listens; they are woken later.
    fn give(&self, state: &mut State, frame: &Arc<Frame>, now: u64, passed: &mut Passed) {
        if frame.offset > 0 {
            state.last = Some(frame.offset);
        }
        let topic = self.topic.as_ref().filter(|topic| topic.may_spare(frame));
        for sub in &mut state.subs {
            if frame.offset > 0 && frame.offset <= sub.after {
                continue;
            }
            match &mut sub.gate {
                Some(gate) if gate.len() < MOST_GATED => gate.push(Arc::clone(frame)),
                Some(_full) => passed.lost.push(sub.conn.number),
                None => sub.send(frame, topic, now),
            }
        }
        let ends = |topic: &Topic| topic.ends_with.contains(&&*frame.kind);
        if self.topic.as_ref().is_some_and(ends) {
            passed.removed.extend(state.remove(now, |_| true));
        } else if !frame.removed.is_empty() {
            passed.removed.extend(state.remove(now, |conn| {
                conn.user_id()
                    .is_some_and(|user_id| frame.removed.contains(&user_id))
            }));
        }
    }

    /// Sends something that was missed, if whoever missed it still listens; says whether they do.
    pub fn give_missed(&self, conn: &Conn, frame: &Arc<Frame>, now: u64) -> bool {
        // Under the lock: nothing comes after the word that it has ended.
        let mut state = self.lock();
        if state.find(conn.number).is_none() {
            return false;
        }
        if !(self.topic.as_ref()).is_some_and(|topic| conn.is_spared(topic, frame)) {
            conn.put(frame, now);
        }
        true
    }

    /// Ends the waiting behind a replay.
    pub fn open_gate(&self, number: u64, now: u64) {
        let topic = self.topic.as_ref();
        let mut state = self.lock();
        let Some(sub) = state.find(number) else {
            return;
        };
        for frame in sub.gate.take().into_iter().flatten() {
            if frame.offset == 0 || frame.offset > sub.after {
                sub.send(&frame, topic, now);
            }
        }
        sub.conn.queue.wake();
    }
}

impl Sub {
    /// Sends it, unless the reader is spared it by what `topic` says; they are woken later.
    fn send(&mut self, frame: &Arc<Frame>, topic: Option<&Topic>, now: u64) {
        if frame.offset > 0 {
            self.after = frame.offset;
        }
        if topic.is_some_and(|topic| self.conn.is_spared(topic, frame)) {
            return;
        }
        if frame.offset > 0 && frame.text.is_some() {
            self.told = frame.offset;
        }
        self.conn.enqueue(frame, now);
    }
}

impl State {
    /// The listener of this number.
    pub fn find(&mut self, number: u64) -> Option<&mut Sub> {
        self.subs.iter_mut().find(|sub| sub.conn.number == number)
    }

    /// Takes listeners out, and gives their numbers.
    pub fn remove(&mut self, now: u64, which: impl Fn(&Conn) -> bool) -> Vec<u64> {
        let mut removed = Vec::new();
        self.subs.retain(|sub| {
            let goes = which(&sub.conn);
            if goes {
                removed.push(sub.conn.number);
            }
            !goes
        });
        if self.subs.is_empty() && !removed.is_empty() {
            self.idle_since = Some(now);
        }
        removed
    }

    /// Wakes everybody for whom something waits.
    fn wake(&mut self) {
        let subs = self.subs.iter();
        let woken = subs.filter(|sub| sub.conn.queue.wake()).count();
        self.rounds.began(Instant::now(), woken);
    }

    /// Whether nobody is there, and everybody knows.
    pub fn is_deserted(&self) -> bool {
        let is_known = self.reported.as_ref().is_some_and(Crowd::is_empty);
        self.subs.is_empty() && self.lingering.is_empty() && is_known
    }

    /// Whether something is held that waits for what is missing.
    pub fn has_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// What lies before this is lost for good: goes on from here.
    pub fn skip_to(&mut self, offset: Offset) {
        self.last = Some(offset);
        self.held.retain(|held, _| *held > offset);
    }
}
