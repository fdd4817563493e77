//! What a bounded map holds: exact keys, and a value for each that is dropped only when nobody will miss it.
//!
//! The values stand side by side, so that a search for one to drop goes over the next few of them. A hash table tells where the value of
//! a key stands.

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use std::collections::HashMap;

/// How many values one insertion looks at.
const LOOKS: usize = 8;

pub(super) struct Entries<K, V, S> {
    places: HashMap<K, u32, S>,
    values: Vec<(K, V)>,
    /// Where the next search for a value that may be dropped begins.
    hand: usize,
}

/// A key as it stood in the hash table, with its place, and the key with its value. Keys and values are foreign code: they are dropped
/// after the lock.
pub(super) type Dropped<K, V> = (Option<(K, u32)>, (K, V));

impl<K, V, S> Entries<K, V, S> {
    pub(super) fn new(hasher: S) -> Self {
        Entries { places: HashMap::with_hasher(hasher), values: Vec::new(), hand: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Entries<K, V, S> {
    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = *self.places.get(key)?;
        self.values.get(place as usize).map(|(_, value)| value)
    }

    /// Adds a key, given twice, that is not there. `None`, and nothing is added, if there are 2^32 already.
    pub(super) fn add(&mut self, [place, key]: [K; 2], value: V) -> Option<()> {
        let at = u32::try_from(self.values.len()).ok()?;
        if self.values.len() == self.values.capacity() {
            self.values.reserve_exact((self.values.len() / 8).max(4)); // Doubling would leave half of it unused.
        }
        self.values.push((key, value));
        self.places.insert(place, at);
        Some(())
    }

    /// Takes out one value that nobody will miss, of the next few.
    pub(super) fn forget_one(&mut self, mut may_go: impl FnMut(&mut V) -> bool) -> Option<Dropped<K, V>> {
        let (count, first) = (self.values.len(), self.hand);
        self.hand = (first + LOOKS) % count.max(1);
        let mut next = (0..count.min(LOOKS)).map(|look| (first + look) % count);
        let place = next.find(|&place| may_go(&mut self.values[place].1))?;
        let key_and_place = self.places.remove_entry(&self.values[place].0);
        // The last value moves to the place that becomes free.
        if let Some(moved) = self.places.get_mut(&self.values[count - 1].0) {
            *moved = u32::try_from(place).unwrap_or(u32::MAX);
        }
        Some((key_and_place, self.values.swap_remove(place)))
    }
}
