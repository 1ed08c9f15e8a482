//! Each of many once.

use std::collections::HashSet;
use std::hash::Hash;

/// The items without repetitions, in no order.
pub fn distinct<T: Eq + Hash>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let items: HashSet<T> = items.into_iter().collect();
    items.into_iter().collect()
}
