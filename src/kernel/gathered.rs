//! What a statement has found for several keys at once, key by key.

use std::collections::HashMap;
use std::hash::Hash;

/// For each of `keys`, in their order, its values in the order in which they came; none for a key that nothing was
/// found for.
pub fn gathered<K: Copy + Eq + Hash, V>(
    keys: &[K],
    found: impl IntoIterator<Item = (K, V)>,
) -> Vec<(K, Vec<V>)> {
    let mut lists: HashMap<K, Vec<V>> = HashMap::new();
    for (key, value) in found {
        lists.entry(key).or_default().push(value);
    }
    let list = |key: &K| (*key, lists.remove(key).unwrap_or_default());
    keys.iter().map(list).collect()
}

#[cfg(test)]
mod tests {
    use super::gathered;

    #[test]
    fn each_key_has_its_values_in_their_order() {
        let found = [(2, 'a'), (1, 'b'), (2, 'c'), (4, 'd')];
        let expected = [(1, vec!['b']), (2, vec!['a', 'c']), (3, vec![])];
        assert_eq!(gathered(&[1, 2, 3], found), expected);
    }
}
