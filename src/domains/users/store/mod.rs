//! All SQL of people.

mod accounts;
mod counters;
mod settings;

pub use accounts::*;
pub use counters::*;
pub use settings::*;
