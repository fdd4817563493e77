//! The handle that users hold: an algorithm and a clock.

use alloc::sync::Arc;
use core::fmt;

use crate::algorithm::Algorithm;
#[cfg(feature = "std")]
use crate::algorithm::{BuildError, SlidingLog, TokenBucket};
use crate::clock::Clock;
#[cfg(feature = "std")]
use crate::clock::DefaultClock;
use crate::decision::{Denied, Status};
use crate::quota::Policy;

/// A rate limiter that knows the time.
///
/// A handle is one pointer: clone it freely, every clone spends the same quota. A decision costs one reading of
/// the clock and one decision of the algorithm; nothing blocks and nothing is allocated.
///
/// ```
/// use tollgate::{Policy, RateLimiter};
///
/// let limiter = RateLimiter::exact(Policy::MICROSOFT_365_DEFENDER)?;
/// for _ in 0..50 {
///     limiter.try_acquire()?; // 50 a minute
/// }
/// let denied = limiter.try_acquire().unwrap_err();
/// println!("HTTP 429, Retry-After: {:?}", denied.retry_after_secs());
/// assert_eq!(denied.retry_after_secs(), Some(60));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RateLimiter<A, C> {
    shared: Arc<Shared<A, C>>,
}

#[derive(Debug)]
struct Shared<A, C> {
    algorithm: A,
    clock: C,
}

#[cfg(feature = "std")]
impl RateLimiter<SlidingLog, DefaultClock> {
    /// Grants whenever the rule allows it: a [`SlidingLog`] on the default clock, whose first use in a process may
    /// take 200 ms to calibrate.
    ///
    /// # Errors
    ///
    /// As [`SlidingLog::new`].
    pub fn exact(policy: Policy) -> Result<Self, BuildError> {
        Ok(RateLimiter::new(SlidingLog::new(policy)?, DefaultClock::new()))
    }
}

#[cfg(feature = "std")]
impl RateLimiter<TokenBucket, DefaultClock> {
    /// Never exceeds the rule, in one word: a [`TokenBucket::strict`] on the default clock, whose first use in a
    /// process may take 200 ms to calibrate.
    ///
    /// # Errors
    ///
    /// As [`TokenBucket::strict`].
    pub fn strict(policy: Policy) -> Result<Self, BuildError> {
        Ok(RateLimiter::new(TokenBucket::strict(policy)?, DefaultClock::new()))
    }
}

impl<A: Algorithm, C: Clock> RateLimiter<A, C> {
    /// Joins an algorithm and a clock.
    pub fn new(algorithm: A, clock: C) -> Self {
        RateLimiter { shared: Arc::new(Shared { algorithm, clock }) }
    }

    /// Takes one permit now.
    ///
    /// # Errors
    ///
    /// [`Denied`] says which quota binds and from which instant a retry is granted.
    #[inline]
    pub fn try_acquire(&self) -> Result<(), Denied> {
        self.try_acquire_n(1)
    }

    /// Takes `n` permits now, all or none.
    ///
    /// # Errors
    ///
    /// [`Denied`] says which quota binds and from which instant a retry is granted, or that none ever is.
    #[inline]
    pub fn try_acquire_n(&self, n: u32) -> Result<(), Denied> {
        self.shared.algorithm.try_acquire_at(self.shared.clock.now(), n)
    }

    /// What is left of each quota now. Changes nothing.
    #[inline]
    pub fn status(&self) -> Status {
        self.shared.algorithm.status_at(self.shared.clock.now())
    }

    /// The policy that is enforced.
    #[inline]
    pub fn policy(&self) -> &Policy {
        self.shared.algorithm.policy()
    }

    /// The algorithm that decides.
    #[inline]
    pub fn algorithm(&self) -> &A {
        &self.shared.algorithm
    }

    /// The clock that is read.
    #[inline]
    pub fn clock(&self) -> &C {
        &self.shared.clock
    }
}

impl<A, C> Clone for RateLimiter<A, C> {
    #[inline]
    fn clone(&self) -> Self {
        RateLimiter { shared: Arc::clone(&self.shared) }
    }
}

impl<A: fmt::Debug, C: fmt::Debug> fmt::Debug for RateLimiter<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("algorithm", &self.shared.algorithm)
            .field("clock", &self.shared.clock)
            .finish()
    }
}
