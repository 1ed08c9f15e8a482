//! The limiter of a process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redis::Pipeline;

use super::local::Local;
use super::script::TAKE;
use super::server::{self, Server};
use super::window::slot_of;
use super::{Check, Figures, Policy, State, Verdict};
use crate::infra::redis::Redis;
use crate::kernel::Clock;

/// Judges calls by policies; cheap to clone.
#[derive(Clone)]
pub struct Limiter(Arc<Inner>);

struct Inner {
    enabled: bool,
    clock: Arc<dyn Clock>,
    policies: BTreeMap<&'static str, Kept>,
    local: Local,
    server: Option<Arc<dyn Server>>,
}

/// Checks with the figures in effect, to be put to Redis or to this process.
#[derive(Debug, Clone)]
pub struct Question {
    asked: Vec<(Check, Figures)>,
}

impl Question {
    /// The keys of the script, of which `key` makes names in Redis.
    pub fn keys(&self, key: impl Fn(&str) -> String) -> Vec<String> {
        let place = |(check, _): &(Check, Figures)| key(&format!("limit:{}", check.place()));
        self.asked.iter().map(place).collect()
    }

    /// The arguments of the script: two a key.
    pub fn arguments(&self) -> Vec<u64> {
        server::arguments(&self.asked)
    }
}

/// What is kept of a policy.
struct Kept {
    figures: Figures,
    refused: AtomicU64,
    alone: AtomicU64,
}

/// What happened under a policy since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// The policy's name.
    pub policy: &'static str,
    /// Its figures in effect.
    pub figures: Figures,
    /// Calls that it refused.
    pub refused: u64,
    /// Calls that this process judged alone because Redis, which it should have asked, was away.
    pub alone: u64,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("enabled", &self.0.enabled)
            .finish_non_exhaustive()
    }
}

impl Limiter {
    /// A limiter with these figures for these policies; one that is not `enabled` lets everything
    /// pass. With a server it counts together with all that use the same one.
    pub fn new(
        enabled: bool,
        policies: impl IntoIterator<Item = (&'static Policy, Figures)>,
        clock: Arc<dyn Clock>,
        server: Option<Arc<dyn Server>>,
    ) -> Self {
        let kept = |figures| Kept {
            figures,
            refused: AtomicU64::new(0),
            alone: AtomicU64::new(0),
        };
        let policies = policies.into_iter();
        Self(Arc::new(Inner {
            enabled,
            clock,
            policies: policies
                .map(|(policy, figures)| (policy.name, kept(figures)))
                .collect(),
            local: Local::default(),
            server,
        }))
    }

    /// Whether anything is limited.
    pub fn is_enabled(&self) -> bool {
        self.0.enabled
    }

    /// The figures of a policy in effect.
    pub fn figures(&self, policy: &Policy) -> Figures {
        let kept = self.0.policies.get(policy.name);
        kept.map_or(policy.figures, |kept| kept.figures)
    }

    /// What happened since the start, by policy.
    pub fn tallies(&self) -> Vec<Tally> {
        let tally = |(policy, kept): (&&'static str, &Kept)| Tally {
            policy,
            figures: kept.figures,
            refused: kept.refused.load(Ordering::Relaxed),
            alone: kept.alone.load(Ordering::Relaxed),
        };
        self.0.policies.iter().map(tally).collect()
    }

    /// Charges a call to all of `checks` if each of them allows it, else to none, and tells what each
    /// says. Without limits there is nothing to say.
    pub async fn take(&self, checks: Vec<Check>) -> Vec<Verdict> {
        let question = self.question(checks);
        if question.asked.is_empty() {
            return Vec::new();
        }
        let Some(server) = &self.0.server else {
            return self.judge_alone(question);
        };
        match server::take(&**server, &question.asked).await {
            Some(states) => self.told(question, states),
            None => self.judge_alone(question),
        }
    }

    /// What [`take`](Self::take) asks, for whoever asks Redis in a pipeline of their own. Its answer
    /// goes to [`told_by_redis`](Self::told_by_redis); without one there is
    /// [`judge_alone`](Self::judge_alone).
    pub fn question(&self, checks: Vec<Check>) -> Question {
        let with_figures = |check: Check| {
            let figures = self.figures(check.policy);
            (check, figures)
        };
        let checks = checks.into_iter().filter(|_| self.0.enabled);
        Question {
            asked: checks.map(with_figures).collect(),
        }
    }

    /// Adds the question to a pipeline.
    pub fn ask(&self, question: &Question, redis: &Redis, pipe: &mut Pipeline) {
        let keys = question.keys(|rest| redis.key(rest));
        let take = pipe.cmd("EVALSHA").arg(TAKE.get_hash()).arg(keys.len());
        take.arg(keys).arg(question.arguments());
    }

    /// What the script answered, a list of four numbers a key.
    pub fn told_by_redis(
        &self,
        question: Question,
        reply: Vec<(i64, i64, i64, i64)>,
    ) -> Vec<Verdict> {
        let states = server::states(reply);
        if states.len() == question.asked.len() {
            return self.told(question, states);
        }
        self.judge_alone(question)
    }

    /// The same in this process alone: there is no Redis, or it is away.
    pub fn judge_alone(&self, question: Question) -> Vec<Verdict> {
        let states = self.0.local.take(&question.asked, self.now());
        if self.0.server.is_some() {
            for (check, _) in &question.asked {
                self.count(check, |kept| &kept.alone);
            }
        }
        self.verdicts(question, states)
    }

    /// Takes back what an allowed call was charged.
    pub async fn give_back(&self, verdicts: &[Verdict]) {
        let charged: Vec<(&Check, u64)> = verdicts
            .iter()
            .map(|verdict| (&verdict.check, verdict.state.slot))
            .collect();
        for (check, slot) in &charged {
            self.0.local.give_back(check, *slot);
        }
        if let Some(server) = self.0.server.as_deref().filter(|_| !charged.is_empty())
            && server::give_back(server, &charged).await.is_none()
        {
            tracing::debug!("a call that was no failure stays counted: Redis is away");
        }
    }

    /// Forgets what a key was charged: here, and in Redis unless it is away, which is then said.
    pub async fn forget(&self, check: &Check) -> bool {
        self.0.local.forget(check);
        match self.0.server.as_deref() {
            Some(server) => server::forget(server, check).await.is_some(),
            None => true,
        }
    }

    /// What a key has left. Charges nothing.
    pub async fn look(&self, check: &Check) -> State {
        let figures = self.figures(check.policy);
        let stored = match self.0.server.as_deref() {
            Some(server) => server::look(server, check).await,
            None => None,
        };
        let (slots, now) = stored.unwrap_or_else(|| (self.0.local.slots(check), self.now()));
        let used = slots.used(slot_of(figures, now));
        slots.state(figures, now, used < u64::from(figures.quota))
    }

    /// What Redis says. What may never be forgotten is noted here too: should Redis go away, this
    /// process still knows what it has let pass.
    fn told(&self, question: Question, states: Vec<State>) -> Vec<Verdict> {
        if states.iter().all(|state| state.allowed) {
            let strict = question
                .asked
                .iter()
                .filter(|(check, _)| check.policy.strict);
            for (check, figures) in strict {
                self.0.local.note(check, *figures, self.now());
            }
        }
        self.verdicts(question, states)
    }

    /// Puts answers beside what was asked, and counts refusals.
    fn verdicts(&self, question: Question, states: Vec<State>) -> Vec<Verdict> {
        let verdict = |((check, figures), state): ((Check, Figures), State)| {
            if !state.allowed {
                self.count(&check, |kept| &kept.refused);
            }
            Verdict {
                check,
                figures,
                state,
            }
        };
        question
            .asked
            .into_iter()
            .zip(states)
            .map(verdict)
            .collect()
    }

    fn count(&self, check: &Check, tally: impl Fn(&Kept) -> &AtomicU64) {
        if let Some(kept) = self.0.policies.get(check.policy.name) {
            tally(kept).fetch_add(1, Ordering::Relaxed);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.clock.now().micros()).unwrap_or_default()
    }
}
