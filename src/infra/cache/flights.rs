//! Loads under way, so that whoever wants the same value waits for it instead of loading it too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ahash::RandomState;
use tokio::sync::watch;

use super::l1::{L1Key, Shared};
use super::ledger::{Ledger, Moment, Slots};
use crate::kernel::Error;

/// What came of a load: a value, or that there is none, or why it is not known.
pub(super) type Outcome = Result<Option<Shared>, Error>;

/// A load under way.
pub(super) struct Flight {
    moment: Moment,
    slots: Slots,
    landed: watch::Receiver<Option<Outcome>>,
}

impl Flight {
    /// Waits for the outcome; `None` when the load was cut off.
    pub(super) async fn outcome(&self) -> Option<Outcome> {
        let mut landed = self.landed.clone();
        let outcome = landed.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }
}

/// The right to announce the outcome of a load.
pub(super) struct Lead {
    key: L1Key,
    flight: Arc<Flight>,
    tell: watch::Sender<Option<Outcome>>,
}

/// All loads under way.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<L1Key, Arc<Flight>, RandomState>>);

impl Flights {
    /// Joins the load of this key, if what it read still counts; else begins one.
    pub(super) fn board(
        &self,
        ledger: &Ledger,
        key: &L1Key,
        slots: Slots,
        moment: Moment,
    ) -> Result<Lead, Arc<Flight>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = flights.get(key)
            && ledger.holds(running.moment, &running.slots)
            && running.landed.has_changed().is_ok()
        {
            return Err(Arc::clone(running));
        }
        let (tell, landed) = watch::channel(None);
        let flight = Arc::new(Flight {
            moment,
            slots,
            landed,
        });
        flights.insert(key.clone(), Arc::clone(&flight));
        Ok(Lead {
            key: key.clone(),
            flight,
            tell,
        })
    }

    /// Tells everybody who waits. Whoever comes from now on finds the value in the cache, or loads
    /// again.
    pub(super) fn land(&self, lead: &Lead, outcome: &Outcome) {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = flights.get(&lead.key)
            && Arc::ptr_eq(current, &lead.flight)
        {
            flights.remove(&lead.key);
        }
        drop(flights);
        lead.tell.send_replace(Some(outcome.clone()));
    }
}
