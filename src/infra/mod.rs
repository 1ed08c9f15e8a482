//! Capabilities that know no domain: they take names, keys and policies as data.

pub mod servers;
