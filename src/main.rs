//! The command line of kith.

fn main() {}
