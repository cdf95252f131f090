//! A memory of what was looked at last, bounded.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, mem};

/// Values by key, in two halves: what is asked for is among the newer ones, and when those are as many as are to be remembered, the
/// older ones are forgotten. So the ones asked for last are there, and at most twice as many.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
    least: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    /// Remembers at least so many, where so many are asked for.
    pub(crate) fn new(least: usize) -> Self {
        Self { newer: HashMap::new(), older: HashMap::new(), least }
    }

    /// Remembers a value instead of what was remembered under this key.
    pub(crate) fn put(&mut self, key: K, value: V) {
        if self.newer.len() >= self.least && !self.newer.contains_key(&key) {
            self.older = mem::take(&mut self.newer);
        }
        self.older.remove(&key);
        self.newer.insert(key, value);
    }

    /// What is remembered under this key.
    pub(crate) fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(value) = self.newer.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.older.remove_entry(key)?;
        self.put(key, value.clone());
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_last_is_remembered_and_no_more_than_twice_as_much() {
        let mut recent = Recent::new(3);
        for n in 0..5 {
            recent.put(n, n);
        }
        assert_eq!([4, 3, 2].map(|n| recent.get(&n)), [Some(4), Some(3), Some(2)]);
        recent.put(0, 0);
        for n in 5..100 {
            recent.put(n, n);
            assert_eq!(recent.get(&0), Some(0), "it is asked for all the time");
            assert!(recent.newer.len() + recent.older.len() <= 6);
        }
        assert_eq!(recent.get(&7), None);
    }

    #[test]
    fn the_last_value_counts_in_whichever_half_the_first_was() {
        let mut recent = Recent::new(2);
        for (key, value) in [(1, 'a'), (2, 'a'), (3, 'a'), (1, 'b'), (3, 'b')] {
            recent.put(key, value);
        }
        assert_eq!([1, 2, 3].map(|key| recent.get(&key)), [Some('b'), Some('a'), Some('b')]);
    }
}
