//! One rule and a state of 8 bytes for each of a bounded number of keys, which are exact.

use alloc::borrow::ToOwned;
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::entries::Entries;
use super::map::MapFull;
use crate::algorithm::{Algorithm, BuildError, Rule, State};
use crate::clock::{Clock, DefaultClock};
use crate::decision::{Denied, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// A limit for each of a bounded number of callers, where "50 a minute" means 50 at once, and no two callers ever share a
/// state.
///
/// All callers have one [`Rule`], so each costs its key twice, 8 bytes of state and the place in a hash table: less than 64
/// bytes for a key of 8 bytes. A handle is one pointer: clone it freely.
///
/// A state is dropped only if all its quotas are reset, so that a new one would answer the same; then a newcomer takes its
/// place. If the map is full of others, the newcomer is refused ([`Refused::Full`]). One insertion looks at eight states at
/// most, and the next one at the next eight. A call that is granted nothing takes no place.
///
/// A decision on a key that has a place takes a read lock. It is held until the decision is made, so that no state is
/// dropped meanwhile. A newcomer takes the write lock.
///
/// The map calls code of yours while it is locked: `Hash` and `Eq` of the key, its hasher and the clock. **None of them may
/// use the map: the thread would wait for itself for ever.**
///
/// ```
/// use std::hash::RandomState;
/// use std::time::Duration;
/// use tollgate::keyed::{KeyedRule, Refused};
/// use tollgate::{Manual, Policy, Rule};
///
/// let clock = Manual::new();
/// let rule = Rule::counted(Policy::MICROSOFT_365_DEFENDER)?;
/// let callers = KeyedRule::<String, _, _>::new(rule, 1, RandomState::new(), clock.clone());
/// callers.try_acquire_n("alice", 50)?;
/// match callers.try_acquire("alice") {
///     Err(Refused::Denied(denied)) => assert_eq!(denied.retry_after_secs(), Some(81)), // HTTP 429
///     other => panic!("{other:?}"),
/// }
/// assert!(matches!(callers.try_acquire("bob"), Err(Refused::Full(_)))); // HTTP 503
/// clock.advance(Duration::from_secs(3600)); // alice owes nothing any more
/// assert!(callers.try_acquire("bob").is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyedRule<K, S = RandomState, C = DefaultClock> {
    shared: Arc<Shared<K, S, C>>,
}

struct Shared<K, S, C> {
    callers: RwLock<Callers<K, S>>,
    capacity: usize,
    rule: Rule,
    clock: C,
    /// The one state of all callers whose key is not known.
    #[cfg(feature = "tower")]
    nobody: State,
}

struct Callers<K, S> {
    entries: Entries<K, State, S>,
    /// The latest `now` at which a state was dropped. No decision is made before it: a state that is new would not know
    /// what was granted then.
    earliest: Nanos,
}

/// Why a [`KeyedRule`] refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The key has used its permits: when to come back.
    Denied(Denied),
    /// The key has no place, and there is none for it.
    Full(MapFull),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Denied(denied) => denied.fmt(f),
            Refused::Full(full) => full.fmt(f),
        }
    }
}

impl core::error::Error for Refused {}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Refused {
        Refused::Denied(denied)
    }
}

impl From<MapFull> for Refused {
    fn from(full: MapFull) -> Refused {
        Refused::Full(full)
    }
}

impl<K: Hash + Eq> KeyedRule<K> {
    /// The rule of a [`WindowCounter`](crate::WindowCounter) for at most `capacity` keys, on the
    /// [default clock](DefaultClock), by whose error windows are longer.
    ///
    /// # Errors
    ///
    /// As [`CounterPlan::new`](crate::CounterPlan::new), or if a window cannot be longer.
    pub fn counted(policy: Policy, capacity: usize) -> Result<Self, BuildError> {
        let clock = DefaultClock::new();
        let rule = Rule::counted(clock.widen(policy)?)?;
        Ok(KeyedRule::new(rule, capacity, RandomState::new(), clock))
    }
}

impl<K: Hash + Eq, S: BuildHasher, C: Clock> KeyedRule<K, S, C> {
    /// Joins a rule, a hasher and a clock, for at most `capacity` keys, or 2^32 - 1 if that is less. The map grows as they
    /// come. If the clock can be wrong ([`Clock::max_error`]), build the rule for [`clock.widen(policy)?`](Clock::widen).
    pub fn new(rule: Rule, capacity: usize, hasher: S, clock: C) -> Self {
        let callers = Callers { entries: Entries::new(hasher), earliest: Nanos::ZERO };
        let capacity = u32::try_from(capacity).map_or(u32::MAX as usize, |_| capacity);
        let shared = Shared {
            callers: RwLock::new(callers),
            capacity,
            rule,
            clock,
            #[cfg(feature = "tower")]
            nobody: State::default(),
        };
        KeyedRule { shared: Arc::new(shared) }
    }

    /// Takes one permit of `key` now.
    ///
    /// # Errors
    ///
    /// [`Refused`] says from which instant a retry is granted, or that the key has no place.
    pub fn try_acquire<Q>(&self, key: &Q) -> Result<(), Refused>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.try_acquire_n(key, 1)
    }

    /// Takes `n` permits of `key` now, all or none.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](KeyedRule::try_acquire), or that `n` permits are never granted.
    pub fn try_acquire_n<Q>(&self, key: &Q, n: u32) -> Result<(), Refused>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if n == 0 {
            return Ok(());
        }
        let callers = self.read();
        if let Some(state) = callers.entries.get(key) {
            return Ok(self.shared.rule.bind(state).try_acquire_at(self.now(&callers), n)?);
        }
        drop(callers);
        self.newcomer(key, [key.to_owned(), key.to_owned()], n)
    }

    /// A call by a key that had no place a moment ago. It takes one only if it is granted.
    fn newcomer<Q>(&self, key: &Q, [place, owned]: [K; 2], n: u32) -> Result<(), Refused>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Shared { callers, capacity, rule, .. } = &*self.shared;
        let full = MapFull { capacity: *capacity };
        let mut dropped = None; // A key is foreign code, so it is dropped after the lock.
        // A key that panics in the middle of a change can leave a state that is not found any more. Another one for its key
        // would forget what it used. So after a panic nobody comes and nobody goes.
        let mut callers = callers.write().map_err(|_| full)?;
        let now = self.now(&callers);
        if let Some(state) = callers.entries.get(key) {
            return Ok(rule.bind(state).try_acquire_at(now, n)?);
        }
        let state = State::default();
        rule.bind(&state).try_acquire_at(now, n)?;
        if callers.entries.len() >= *capacity {
            let is_reset = |state: &mut State| {
                let status = rule.bind(state).status_at(now);
                status.quotas().iter().all(|quota| quota.reset_at <= now)
            };
            dropped = Some(callers.entries.forget_one(is_reset).ok_or(full)?);
            callers.earliest = callers.earliest.max(now);
        }
        callers.entries.add([place, owned], state).ok_or(full)?;
        drop(callers);
        drop(dropped);
        Ok(())
    }

    /// What [`try_acquire_n`](KeyedRule::try_acquire_n) would answer now, if there is a place for the key. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Denied`] says from which instant a retry is granted, or that none ever is.
    pub fn peek_n<Q>(&self, key: &Q, n: u32) -> Result<(), Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let callers = self.read();
        let unused = State::default();
        self.shared.rule.bind(callers.entries.get(key).unwrap_or(&unused)).peek_at(self.now(&callers), n)
    }

    /// As [`peek_n`](KeyedRule::peek_n) for one permit.
    ///
    /// # Errors
    ///
    /// As `peek_n`.
    pub fn peek<Q>(&self, key: &Q) -> Result<(), Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.peek_n(key, 1)
    }

    /// What is left for `key` now. A key that has no place has used nothing. Changes nothing.
    pub fn status<Q>(&self, key: &Q) -> Status
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let callers = self.read();
        let unused = State::default();
        self.shared.rule.bind(callers.entries.get(key).unwrap_or(&unused)).status_at(self.now(&callers))
    }

    /// Takes `n` permits of `key`, or of the state of all without a key, and tells what is left. `None` if the key has no place
    /// and there is none for it.
    #[cfg(feature = "tower")]
    pub(crate) fn decide_n(&self, key: Option<&K>, n: u32) -> Option<(Result<(), Denied>, Status)>
    where
        K: Clone,
    {
        let Some(key) = key else {
            let (nobody, now) = (self.shared.rule.bind(&self.shared.nobody), self.shared.clock.now());
            return Some((nobody.try_acquire_at(now, n), nobody.status_at(now)));
        };
        match self.try_acquire_n(key, n) {
            Ok(()) => Some((Ok(()), self.status(key))),
            Err(Refused::Denied(denied)) => Some((Err(denied), self.status(key))),
            Err(Refused::Full(_)) => None,
        }
    }

    /// The address of the state that all clones share.
    #[cfg(feature = "tower")]
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.shared).addr()
    }

    /// How many keys have a place.
    pub fn len(&self) -> usize {
        self.read().entries.len()
    }

    /// Whether no key has a place.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys there may be.
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// The rule of every key.
    pub fn rule(&self) -> &Rule {
        &self.shared.rule
    }

    /// The clock that is read.
    pub fn clock(&self) -> &C {
        &self.shared.clock
    }

    /// Read while the map is locked: a state cannot be dropped at a later instant and come back at this one.
    fn now(&self, callers: &Callers<K, S>) -> Nanos {
        self.shared.clock.now().max(callers.earliest)
    }

    /// Who is found is found also after a panic.
    fn read(&self) -> RwLockReadGuard<'_, Callers<K, S>> {
        self.shared.callers.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, S, C> Clone for KeyedRule<K, S, C> {
    fn clone(&self) -> Self {
        KeyedRule { shared: Arc::clone(&self.shared) }
    }
}

/// Without the keys and the hasher, which may be secrets.
impl<K, S, C: fmt::Debug> fmt::Debug for KeyedRule<K, S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRule")
            .field("policy", self.shared.rule.policy())
            .field("capacity", &self.shared.capacity)
            .field("clock", &self.shared.clock)
            .finish_non_exhaustive()
    }
}
