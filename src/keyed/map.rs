//! A map of limiters for callers that need more than one word each: bounded, and it forgets nobody who owes.

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::entries::{Dropped, Entries};
use super::forgettable::Forgettable;

/// A limiter of any kind for each of a bounded number of keys. No two keys ever share one.
///
/// For few callers with large limits, where each needs the exact log (16 KiB for 50/min and 1500/h) or a queue. For many
/// callers, or hostile ones, use a [`KeyedLimiter`](super::KeyedLimiter).
///
/// A limiter is dropped only if its state makes no difference and nobody holds it ([`Forgettable`]); then a
/// newcomer takes its place. If the map is full of others, the newcomer is refused. One insertion looks at eight
/// limiters at most, so a flood of newcomers costs each of them the same little time; the next insertion looks at the
/// next eight.
///
/// Looking up a key takes a read lock, for the time of one hash table access and the clone of a handle. Decisions
/// are made without the lock.
///
/// # Your code under the lock
///
/// The map calls code of yours while it is locked: `Hash` and `Eq` of the key, the hasher, the limiter's `clone`, and
/// [`Forgettable::is_forgettable`], which reads the limiter's clock and status. **None of them may use the map: the thread
/// would wait for itself for ever.** If one of them takes long, all callers wait. The function that makes a limiter is called
/// without the lock, and keys and limiters are dropped without it.
///
/// An [`Algorithm`](crate::Algorithm) of your own must name its quotas in its status. If the status names none, the limiter
/// counts as one that has granted nothing, so the map may drop it although it owes something.
///
/// ```
/// use tollgate::keyed::{KeyedMap, MapFull};
/// use tollgate::{Manual, Policy, RateLimiter, SlidingLog};
///
/// let clock = Manual::new();
/// let map = KeyedMap::new(1);
/// let limiter = |name: &'static str| {
///     map.get_or_insert(&name, || -> Result<_, Box<dyn std::error::Error>> {
///         Ok(RateLimiter::new(SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?, clock.clone()))
///     })
/// };
/// limiter("alice")?.try_acquire()?;
///
/// let error = limiter("bob").unwrap_err();
/// assert_eq!(error.to_string(), MapFull { capacity: 1 }.to_string());
/// clock.advance(std::time::Duration::from_secs(3600)); // the hour of alice's call is over
/// assert!(limiter("bob").is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyedMap<K, L, S = RandomState> {
    entries: RwLock<Entries<K, L, S>>,
    capacity: usize,
}

/// The map is full of limiters that are in use, or so it seemed from eight of them. Also the answer to every newcomer after
/// a key has panicked where it was hashed or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapFull {
    /// How many limiters the map holds.
    pub capacity: usize,
}

impl fmt::Display for MapFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the map holds {} limiters, as many as it may, and none was found that has recovered and is held by nobody",
            self.capacity
        )
    }
}

impl core::error::Error for MapFull {}

impl<K: Hash + Eq + Clone, L: Forgettable> KeyedMap<K, L> {
    /// A map for at most `capacity` limiters. It grows as they come.
    pub fn new(capacity: usize) -> Self {
        KeyedMap::with_hasher(capacity, RandomState::new())
    }
}

impl<K: Hash + Eq + Clone, L: Forgettable, S: BuildHasher> KeyedMap<K, L, S> {
    /// As [`new`](KeyedMap::new), with another hasher.
    pub fn with_hasher(capacity: usize, hasher: S) -> Self {
        KeyedMap { entries: RwLock::new(Entries::new(hasher)), capacity }
    }

    /// The limiter of `key`, if there is one.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<L>
    where
        K: Borrow<Q>,
    {
        self.read().get(key).cloned()
    }

    /// The limiter of `key`, which `make` makes if there is none: one for all who ask at the same time. `make` is not called
    /// if there is no place for it, and not while the map is locked.
    ///
    /// # Errors
    ///
    /// [`MapFull`], as your error type takes it, or the error of `make`.
    pub fn get_or_insert<E: From<MapFull>>(
        &self,
        key: &K,
        make: impl FnOnce() -> Result<L, E>,
    ) -> Result<L, E> {
        if let Some(limiter) = self.get(key) {
            return Ok(limiter);
        }
        drop(self.room()?);
        let (limiter, keys) = (make()?, [key.clone(), key.clone()]);
        self.insert(keys, limiter).map_err(E::from)
    }

    /// Makes room for one more. Returns what was dropped for it, for keys and limiters are foreign code and are not
    /// dropped under the lock.
    fn room(&self) -> Result<Option<Dropped<K, L>>, MapFull> {
        let mut entries = self.write()?;
        if entries.len() < self.capacity {
            return Ok(None);
        }
        entries.forget_one(L::is_forgettable).map(Some).ok_or(self.full())
    }

    /// Unless another came first: then that one's limiter.
    fn insert(&self, [place, key]: [K; 2], limiter: L) -> Result<L, MapFull> {
        let mut dropped = None;
        let mut entries = self.write()?;
        if let Some(first) = entries.get(&key) {
            return Ok(first.clone());
        }
        if entries.len() >= self.capacity {
            dropped = Some(entries.forget_one(L::is_forgettable).ok_or(self.full())?);
        }
        entries.add([place, key], limiter.clone()).ok_or(self.full())?;
        drop(entries);
        drop(dropped);
        Ok(limiter)
    }

    /// How many limiters there are.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many limiters there may be.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Who is found is found also after a panic.
    fn read(&self) -> RwLockReadGuard<'_, Entries<K, L, S>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key that panics in the middle of a change can leave a limiter that is not found any more. Another one for its
    /// key would forget a debt. So after a panic nobody comes and nobody goes.
    fn write(&self) -> Result<RwLockWriteGuard<'_, Entries<K, L, S>>, MapFull> {
        self.entries.write().map_err(|_| self.full())
    }

    const fn full(&self) -> MapFull {
        MapFull { capacity: self.capacity }
    }
}

/// Without the keys, which may be secrets.
impl<K, L, S> fmt::Debug for KeyedMap<K, L, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedMap").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}
