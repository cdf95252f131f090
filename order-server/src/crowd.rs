//! How many of something somebody has at once, so that one of many cannot have all there is.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// So many places for everybody who has a name. Clones share them.
#[derive(Clone)]
pub(crate) struct Crowd<K> {
    most: usize,
    present: Arc<Mutex<BTreeMap<K, usize>>>,
}

/// A place that somebody has, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Ord> {
    whose: K,
    crowd: Crowd<K>,
}

impl<K: Ord + Clone> Crowd<K> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, present: Arc::default() }
    }

    /// A place for somebody; `None` where they have as many as they may.
    pub(crate) fn enter(&self, who: &K) -> Option<Place<K>> {
        let mut present = self.present();
        match present.get_mut(who) {
            Some(count) if *count >= self.most => return None,
            Some(count) => *count += 1,
            None => drop(present.insert(who.clone(), 1)),
        }
        drop(present);
        Some(Place { whose: who.clone(), crowd: self.clone() })
    }
}

impl<K> Crowd<K> {
    fn present(&self) -> MutexGuard<'_, BTreeMap<K, usize>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord> Drop for Place<K> {
    fn drop(&mut self) {
        let mut present = self.crowd.present();
        match present.get_mut(&self.whose) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(present.remove(&self.whose)),
        }
    }
}

impl<K> fmt::Debug for Crowd<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crowd").field("most", &self.most).field("present", &self.present().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_so_many_places_and_nobody_those_of_others() {
        let crowd = Crowd::new(2);
        let first = crowd.enter(&"ada").unwrap();
        let second = crowd.enter(&"ada").unwrap();
        assert!(crowd.enter(&"ada").is_none());
        let other = crowd.clone().enter(&"eve").unwrap();
        drop(first);
        let third = crowd.enter(&"ada").unwrap();
        assert!(crowd.enter(&"ada").is_none());
        drop((second, third, other));
        assert!(crowd.present().is_empty(), "nobody is remembered who is gone");
    }
}
