//! The handle that users hold: a table, a hasher and a clock.

use alloc::sync::Arc;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use super::error::KeyedError;
use super::keyed_table::KeyedTable;
use super::plan::KeyPlan;
use super::usage::Usage;
use crate::algorithm::{BuildError, Plan};
use crate::clock::Clock;
#[cfg(feature = "std")]
use crate::clock::DefaultClock;
use crate::decision::{Denied, Status};
use crate::quota::Policy;

/// The hasher of a limiter that names none.
#[cfg(feature = "std")]
type UnnamedHasher = std::hash::RandomState;
/// Its clock.
#[cfg(feature = "std")]
type UnnamedClock = DefaultClock;

/// Without `std` there is neither: name both.
#[cfg(not(feature = "std"))]
type UnnamedHasher = NoHasher;
#[cfg(not(feature = "std"))]
type UnnamedClock = crate::limiter::NoClock;

#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[derive(Debug)]
pub enum NoHasher {}

/// A limit for each caller of a server, for any number of callers, in memory that is fixed when it is built.
///
/// A handle is one pointer: clone it freely. See the [module](super) for what is promised.
///
/// ```
/// use tollgate::Policy;
/// use tollgate::keyed::KeyedLimiter;
///
/// let limiter = KeyedLimiter::strict(Policy::MICROSOFT_365_DEFENDER, 100_000)?; // 800 kB
/// for _ in 0..26 {
///     limiter.try_acquire("alice")?;
/// }
/// let denied = limiter.try_acquire("alice").unwrap_err();
/// println!("HTTP 429, Retry-After: {:?}", denied.retry_after_secs());
/// assert_eq!(denied.retry_after_secs(), Some(3));
/// assert!(limiter.try_acquire("bob").is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In a type of your own it is `KeyedLimiter`, with the default hasher and the default clock, or `KeyedLimiter<S, C>`:
///
/// ```
/// use tollgate::keyed::KeyedLimiter;
///
/// struct Server {
///     limiter: KeyedLimiter,
/// }
///
/// let server = Server { limiter: KeyedLimiter::strict("50/1m".parse()?, 1_000)? };
/// assert!(server.limiter.try_acquire("alice").is_ok());
/// # Ok::<(), tollgate::Error>(())
/// ```
///
/// # The hasher
///
/// The default is the standard library's `RandomState`, which has a random key: nobody can
/// foresee which callers share a set. **A hasher without a random key is a weakness**: an attacker who knows it
/// chooses names that share the set, or even the bucket, of somebody else, and uses up his permits. Without `std` there
/// is no source of randomness, so give a hasher with a key that you took from one.
///
/// Twice as fast as the default and keyed, too, are the hashers of some crates (`ahash`, `foldhash`'s `quality`); read
/// what each says about attackers.
pub struct KeyedLimiter<S = UnnamedHasher, C = UnnamedClock> {
    shared: Arc<Shared<S, C>>,
}

#[derive(Debug)]
struct Shared<S, C> {
    table: KeyedTable,
    hasher: S,
    clock: C,
}

#[cfg(feature = "std")]
impl KeyedLimiter<std::hash::RandomState, DefaultClock> {
    /// The default [`Plan`] of `policy` for each key, in a table with `slots` slots of 8 bytes (see
    /// [`KeyedTable::new`]), on the [default clock](DefaultClock).
    ///
    /// If some keys will have a policy of their own ([`fit`](KeyedLimiter::fit)), pass the fastest of all policies here. A
    /// key whose calls come without a plan gets this one.
    ///
    /// **Windows are longer by the error of that clock**, so that the limit holds in true time: by 1 us with the feature
    /// `quanta`, by nothing without it. It is a part of the guard of the table's policy. So a retry can be 1 us later
    /// than the policy says, and then [`retry_after_secs`](crate::Denied::retry_after_secs) is one second more.
    ///
    /// # Errors
    ///
    /// As [`KeyedTable::new`], and [`KeyedError::Plan`] as [`Plan::new`] or if a window cannot be longer.
    pub fn strict(policy: Policy, slots: usize) -> Result<Self, KeyedError> {
        let clock = DefaultClock::new();
        let table = KeyedTable::new(plan_for(&clock, &policy)?, slots)?;
        Ok(KeyedLimiter::new(table, std::hash::RandomState::new(), clock))
    }
}

/// The default plan that keeps `policy` in true time.
fn plan_for(clock: &impl Clock, policy: &Policy) -> Result<Plan, BuildError> {
    Plan::new(clock.widen(*policy)?)
}

impl<S: BuildHasher, C: Clock> KeyedLimiter<S, C> {
    /// Joins a table, a hasher and a clock. If the clock can be wrong ([`Clock::max_error`]), build the plan for
    /// [`clock.widen(policy)?`](Clock::widen), so that the policy holds in true time too.
    ///
    /// A table for several plans is built from the fastest one, which is also the plan of all calls that come without one.
    ///
    /// ```
    /// use std::hash::RandomState;
    /// use std::time::Duration;
    /// use tollgate::keyed::{KeyedLimiter, KeyedTable};
    /// use tollgate::{Manual, Plan};
    ///
    /// let clock = Manual::new();
    /// let table = KeyedTable::new(Plan::new("1/10s".parse()?)?, 1_000)?;
    /// let limiter = KeyedLimiter::new(table, RandomState::new(), clock.clone());
    /// assert!(limiter.try_acquire(&7).is_ok());
    /// assert!(limiter.try_acquire(&7).is_err());
    /// clock.advance(Duration::from_millis(10_001));
    /// assert!(limiter.try_acquire(&7).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(table: KeyedTable, hasher: S, clock: C) -> Self {
        KeyedLimiter { shared: Arc::new(Shared { table, hasher, clock }) }
    }

    /// The default [`Plan`] of `policy`, made ready for the calls of some keys (see [`KeyedTable::fit`]). Windows are longer
    /// by the error of the clock, as `strict` makes them, so the policy holds in true time.
    ///
    /// For a burst of your own, pass `Plan::with_burst(limiter.clock().widen(policy)?, burst)?` to
    /// [`table`](KeyedLimiter::table)`().fit`.
    ///
    /// ```
    /// use tollgate::keyed::KeyedLimiter;
    ///
    /// let limiter = KeyedLimiter::strict("1000/1h".parse()?, 1_000)?; // the fastest plan
    /// let free = limiter.fit("10/1h".parse()?)?;
    /// assert!(limiter.try_acquire_with("free", 1, &free).is_ok());
    /// assert!(limiter.try_acquire_with("free", 1, &free).is_err());
    /// assert_eq!(limiter.status_with("free", &free).remaining(), 0);
    /// assert!(limiter.try_acquire_n("pro", 11).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`KeyedTable::fit`], and [`KeyedError::Plan`] as [`Plan::new`] or if a window cannot be longer.
    pub fn fit(&self, policy: Policy) -> Result<KeyPlan, KeyedError> {
        self.shared.table.fit(&plan_for(&self.shared.clock, &policy)?)
    }

    /// Takes one permit of `key` now.
    ///
    /// # Errors
    ///
    /// [`Denied`] says from which instant a retry is granted.
    #[inline]
    pub fn try_acquire<K: Hash + ?Sized>(&self, key: &K) -> Result<(), Denied> {
        self.try_acquire_n(key, 1)
    }

    /// Takes `n` permits of `key` now, all or none.
    ///
    /// # Errors
    ///
    /// [`Denied`] says from which instant a retry is granted, or that none ever is.
    #[inline]
    pub fn try_acquire_n<K: Hash + ?Sized>(&self, key: &K, n: u32) -> Result<(), Denied> {
        let Shared { table, clock, .. } = &*self.shared;
        table.try_acquire_at(clock.now(), self.hash(key), n)
    }

    /// Takes `n` permits of `key` now, all or none, where `key` has a plan of its own, made by
    /// [`fit`](KeyedLimiter::fit), which shows an example.
    ///
    /// # Errors
    ///
    /// As [`try_acquire_n`](KeyedLimiter::try_acquire_n).
    #[inline]
    pub fn try_acquire_with<K: Hash + ?Sized>(&self, key: &K, n: u32, plan: &KeyPlan) -> Result<(), Denied> {
        let Shared { table, clock, .. } = &*self.shared;
        table.try_acquire_with(clock.now(), self.hash(key), n, plan)
    }

    /// What [`try_acquire`](KeyedLimiter::try_acquire) would answer now. Changes nothing.
    ///
    /// # Errors
    ///
    /// As `try_acquire`.
    #[inline]
    pub fn peek<K: Hash + ?Sized>(&self, key: &K) -> Result<(), Denied> {
        self.peek_n(key, 1)
    }

    /// What [`try_acquire_n`](KeyedLimiter::try_acquire_n) would answer now. Changes nothing.
    ///
    /// # Errors
    ///
    /// As `try_acquire_n`.
    #[inline]
    pub fn peek_n<K: Hash + ?Sized>(&self, key: &K, n: u32) -> Result<(), Denied> {
        let Shared { table, clock, .. } = &*self.shared;
        table.peek_at(clock.now(), self.hash(key), n)
    }

    /// What [`try_acquire_with`](KeyedLimiter::try_acquire_with) would answer now. Changes nothing.
    ///
    /// # Errors
    ///
    /// As `try_acquire_with`.
    #[inline]
    pub fn peek_with<K: Hash + ?Sized>(&self, key: &K, n: u32, plan: &KeyPlan) -> Result<(), Denied> {
        let Shared { table, clock, .. } = &*self.shared;
        table.peek_with(clock.now(), self.hash(key), n, plan)
    }

    /// What is left for `key` now. For a key that has no slot: what it would find. Changes nothing.
    pub fn status<K: Hash + ?Sized>(&self, key: &K) -> Status {
        let Shared { table, clock, .. } = &*self.shared;
        table.status_at(clock.now(), self.hash(key))
    }

    /// What is left now for `key`, which has a plan of its own. For a key that has no slot: what it would find. Changes
    /// nothing.
    pub fn status_with<K: Hash + ?Sized>(&self, key: &K, plan: &KeyPlan) -> Status {
        let Shared { table, clock, .. } = &*self.shared;
        table.status_with(clock.now(), self.hash(key), plan)
    }

    /// How full the table is now. It reads the whole table: a millisecond for a million slots.
    pub fn usage(&self) -> Usage {
        self.shared.table.usage_at(self.shared.clock.now())
    }

    /// The hash that the table uses for `key`. If you have the hash already, call
    /// [`table`](KeyedLimiter::table)`().try_acquire_at(now, hash, n)`.
    #[inline]
    pub fn hash<K: Hash + ?Sized>(&self, key: &K) -> u64 {
        self.shared.hasher.hash_one(key)
    }

    /// The table that decides.
    #[inline]
    pub fn table(&self) -> &KeyedTable {
        &self.shared.table
    }

    /// The clock that is read.
    #[inline]
    pub fn clock(&self) -> &C {
        &self.shared.clock
    }
}

impl<S, C> Clone for KeyedLimiter<S, C> {
    #[inline]
    fn clone(&self) -> Self {
        KeyedLimiter { shared: Arc::clone(&self.shared) }
    }
}

/// Without the hasher, which may hold a secret.
impl<S, C: fmt::Debug> fmt::Debug for KeyedLimiter<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLimiter")
            .field("policy", self.shared.table.policy())
            .field("slots", &self.shared.table.slots())
            .field("clock", &self.shared.clock)
            .finish_non_exhaustive()
    }
}
