//! All SQL of people.

mod accounts;
mod settings;

pub use accounts::*;
pub use settings::*;
