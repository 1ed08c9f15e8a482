//! Loads under way, so that whoever wants the same value waits for it instead of loading it too.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ahash::RandomState;
use futures_util::future::select_all;
use tokio::sync::watch;

use super::l1::{L1Key, Shared};
use super::ledger::{Ledger, Moment};
use super::marks::TagCodes;
use crate::kernel::Error;

/// What came of a load: a value, or that there is none, or why it is not known.
pub(super) type Outcome = Result<Option<Shared>, Error>;

/// A load under way.
pub(super) struct Flight {
    moment: Moment,
    tags: TagCodes,
    landed: watch::Receiver<Option<Outcome>>,
}

impl Flight {
    /// Waits for the outcome; `None` when the load was cut off.
    pub(super) async fn outcome(&self) -> Option<Outcome> {
        let mut landed = self.landed.clone();
        let outcome = landed.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }

    /// Whether its batch is still being loaded or stored, though its outcome may be known.
    fn is_under_way(&self) -> bool {
        self.landed.has_changed().is_ok()
    }

    /// Waits until it is not.
    async fn over(&self) {
        let mut landed = self.landed.clone();
        while landed.changed().await.is_ok() {}
    }
}

/// The right to announce the outcome of a load.
pub(super) struct Lead {
    flights: Flights,
    key: L1Key,
    flight: Arc<Flight>,
    tell: watch::Sender<Option<Outcome>>,
    /// The load of the same key that began before a void, and may hold the right to load.
    elder: Option<Arc<Flight>>,
}

impl Drop for Lead {
    /// A load that was refused or cut off has landed nowhere, and is no longer under way.
    fn drop(&mut self) {
        if self.tell.borrow().is_none() {
            self.flights.forget(self);
        }
    }
}

/// What has come of the loads of one batch. Those who joined one of them are told as soon as its outcome
/// is known: they wait for none of the others.
pub(super) struct Landings<'a, K> {
    flights: &'a Flights,
    leads: HashMap<&'a K, Lead>,
    outcomes: HashMap<&'a K, Outcome>,
}

impl<'a, K: Hash + Eq> Landings<'a, K> {
    /// Nothing yet of what `leads` are to announce.
    pub(super) fn of(flights: &'a Flights, leads: impl Iterator<Item = (&'a K, Lead)>) -> Self {
        Self {
            flights,
            leads: leads.collect(),
            outcomes: HashMap::new(),
        }
    }

    /// The outcome for a key.
    pub(super) fn put(&mut self, key: &'a K, outcome: Outcome) {
        if let Some(lead) = self.leads.get(key) {
            self.flights.land(lead, &outcome);
        }
        self.outcomes.insert(key, outcome);
    }

    /// An outcome that is the caller's alone: those who joined may be able to load by themselves.
    pub(super) fn keep(&mut self, key: &'a K, outcome: Outcome) {
        self.outcomes.insert(key, outcome);
    }

    /// The outcome for a key, if it is known.
    pub(super) fn get(&self, key: &K) -> Option<Outcome> {
        self.outcomes.get(key).cloned()
    }

    /// Whether all that is known was loaded.
    pub(super) fn are_good(&self) -> bool {
        self.outcomes.values().all(Result::is_ok)
    }

    /// Waits for whoever has the right to load one of `keys`: until a load of this process may have given
    /// it back, or, for those of others, `pause`. Says whether the pause is over.
    pub(super) async fn wait_for_others(
        &self,
        keys: impl Iterator<Item = &'a K>,
        pause: Duration,
    ) -> bool {
        let elders = keys.filter_map(|key| self.leads.get(key)?.elder.as_ref());
        let over: Vec<_> = elders
            .filter(|elder| elder.is_under_way())
            .map(|elder| Box::pin(elder.over()))
            .collect();
        let pause = tokio::time::sleep(pause);
        if over.is_empty() {
            pause.await;
            return true;
        }
        tokio::select! {
            _over = select_all(over) => false,
            () = pause => true,
        }
    }
}

/// All loads under way. A clone is of the same ones.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<L1Key, Arc<Flight>, RandomState>>>);

impl Flights {
    /// Joins the load of this key, if what it read still counts; else begins one.
    pub(super) fn board(
        &self,
        ledger: &Ledger,
        key: &L1Key,
        tags: TagCodes,
        moment: Moment,
    ) -> Result<Lead, Arc<Flight>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let elder = flights.get(key).filter(|running| running.is_under_way());
        if let Some(running) = elder
            && ledger.holds(running.moment, &running.tags)
        {
            return Err(Arc::clone(running));
        }
        let elder = elder.map(Arc::clone);
        let (tell, landed) = watch::channel(None);
        let flight = Arc::new(Flight {
            moment,
            tags,
            landed,
        });
        flights.insert(key.clone(), Arc::clone(&flight));
        Ok(Lead {
            flights: self.clone(),
            key: key.clone(),
            flight,
            tell,
            elder,
        })
    }

    /// Tells everybody who waits. Whoever comes from now on finds the value in the cache, or loads
    /// again.
    fn land(&self, lead: &Lead, outcome: &Outcome) {
        self.forget(lead);
        lead.tell.send_replace(Some(outcome.clone()));
    }

    /// Nobody joins this load any more.
    fn forget(&self, lead: &Lead) {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = flights.get(&lead.key)
            && Arc::ptr_eq(current, &lead.flight)
        {
            flights.remove(&lead.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);
    const NEVER: Duration = Duration::from_hours(1);

    fn board(flights: &Flights, ledger: &Ledger, key: u8) -> Result<Lead, Arc<Flight>> {
        let tags = TagCodes::from_slice(&[7]);
        flights.board(ledger, &(0, vec![key].into()), tags, ledger.moment())
    }

    fn lead(flights: &Flights, ledger: &Ledger, key: u8) -> Lead {
        board(flights, ledger, key).unwrap_or_else(|_flight| panic!("nobody may be loading it"))
    }

    #[tokio::test]
    async fn whoever_joined_a_load_waits_for_no_other_of_its_batch() {
        let (flights, ledger) = (Flights::default(), Ledger::new(1, None, 0));
        let leads = [1, 2].map(|key| lead(&flights, &ledger, key));
        let mut batch = Landings::of(&flights, [&1, &2].into_iter().zip(leads));
        let joined = board(&flights, &ledger, 1)
            .err()
            .expect("it is being loaded");
        batch.put(&1, Ok(None));
        let outcome = tokio::time::timeout(SOON, joined.outcome()).await;
        assert!(matches!(outcome, Ok(Some(Ok(None)))));
        assert!(joined.is_under_way(), "the other is still being loaded");
    }

    #[tokio::test]
    async fn a_load_that_was_refused_or_cut_off_leaves_nothing() {
        let (flights, ledger) = (Flights::default(), Ledger::new(1, None, 0));
        let under_way = || flights.0.lock().expect("nobody panicked").len();
        drop(lead(&flights, &ledger, 1));
        assert_eq!(under_way(), 0, "cut off");
        let refused = lead(&flights, &ledger, 1);
        let joined = board(&flights, &ledger, 1)
            .err()
            .expect("it is being loaded");
        let mut batch = Landings::of(&flights, std::iter::once((&1, refused)));
        batch.keep(&1, Err(Error::not_found()));
        drop(batch);
        assert_eq!(under_way(), 0, "refused");
        assert!(joined.outcome().await.is_none(), "they load by themselves");
        let elder = lead(&flights, &ledger, 1);
        ledger.mark(1, &[7]);
        ledger.advance(1);
        let _younger = lead(&flights, &ledger, 1);
        drop(elder);
        assert_eq!(under_way(), 1, "another one of the same key stays");
    }

    #[tokio::test]
    async fn a_load_waits_for_the_end_of_the_one_before_a_void() {
        let (flights, ledger) = (Flights::default(), Ledger::new(1, None, 0));
        let elder = lead(&flights, &ledger, 1);
        ledger.mark(1, &[7]);
        ledger.advance(1);
        let younger = lead(&flights, &ledger, 1);
        let batch = Landings::of(&flights, std::iter::once((&1, younger)));
        let wait = |pause| batch.wait_for_others(std::iter::once(&1), pause);
        wait(Duration::from_millis(1)).await;
        tokio::join!(
            async {
                let waited = tokio::time::timeout(SOON, wait(NEVER)).await;
                waited.expect("it is over");
            },
            async { drop(elder) }
        );
    }
}
