//! What every domain stands on.

pub mod config;
