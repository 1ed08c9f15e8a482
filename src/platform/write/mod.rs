//! The one way to write.
//!
//! Begin. With an idempotency key: take its lock or answer 409; replay a stored answer. Run the
//! action, which guards, changes and queues jobs on the one connection it is given. Render and store
//! the answer from the same transaction. Write what it leaves for others, events and lines of streams,
//! with its last statement. Commit. What follows the commit runs in a task that a
//! dropped connection cannot cancel, and that the answer awaits.
//!
//! Writes of a kind that often come at once may share a transaction: a [`Group`] does them together.
//!
//! Inside an action there is only SQL on that connection: no cache, no second connection, no
//! network. Rows that others want too, counters above all, are changed last and in key order.

mod answer;
pub mod closing;
mod group;
mod idempotency;
mod purge;
mod run_as;
mod tx;
mod writer;

pub use answer::Answer;
pub use group::{Asked, Group, Grouped};
pub use idempotency::forget as forget_answers;
pub use purge::purge;
pub use run_as::{OpKey, run_as, run_grouped_as};
pub use tx::{Tx, job_transaction, transaction};
pub use writer::Writer;
