//! All SQL of discovery. It reads what other domains own, and writes what is ranked alone.

pub mod people;
pub mod suggestions;
pub mod trending;
