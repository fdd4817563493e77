//! The handle that users hold: an algorithm and a clock.
//!
//! # Orderings
//!
//! | site | operation | ordering | pairs with | if weaker |
//! |---|---|---|---|---|
//! | L | load `paused_until` | Relaxed | - | is the weakest: who knows of a pause has seen it, and it only grows |
//! | P | `fetch_max` `paused_until` | Relaxed | - | is the weakest: later pauses are merged, and no other memory is published |
//! | Q | load `paused_until` | Relaxed | - | is the weakest: nobody else has a handle |

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use crate::algorithm::Algorithm;
#[cfg(feature = "std")]
use crate::algorithm::{BuildError, SlidingLog, TokenBucket};
use crate::clock::Clock;
#[cfg(feature = "std")]
use crate::clock::DefaultClock;
use crate::decision::{Denied, Grant, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;
use crate::sync::{AtomicU64, Ordering};

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
/// println!("HTTP 429, Retry-After: {:?}", denied.retry_after_secs()); // Some(60)
/// assert_eq!(denied.quota(), 0); // the first: 50 a minute
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RateLimiter<A, C> {
    shared: Arc<Shared<A, C>>,
}

#[derive(Debug)]
struct Shared<A, C> {
    /// In nanoseconds; 0 if never.
    paused_until: AtomicU64,
    algorithm: A,
    clock: C,
}

#[cfg(feature = "std")]
impl RateLimiter<SlidingLog, DefaultClock> {
    /// Grants whenever the rule allows it: a [`SlidingLog`] on the [default clock](DefaultClock).
    ///
    /// Every window is longer by the error of that clock, 1 us at most: the limit holds in true time.
    ///
    /// # Errors
    ///
    /// As [`SlidingLog::new`], and [`BuildError::Policy`] if a window cannot be longer.
    pub fn exact(policy: Policy) -> Result<Self, BuildError> {
        let clock = DefaultClock::new();
        Ok(RateLimiter::new(SlidingLog::new(clock.widen(policy)?)?, clock))
    }
}

#[cfg(feature = "std")]
impl RateLimiter<TokenBucket, DefaultClock> {
    /// Never exceeds the rule, in one word: a [`TokenBucket::strict`] on the [default clock](DefaultClock).
    ///
    /// Every window is longer by the error of that clock, 1 us at most: the limit holds in true time.
    ///
    /// # Errors
    ///
    /// As [`TokenBucket::strict`], and [`BuildError::Policy`] if a window cannot be longer.
    pub fn strict(policy: Policy) -> Result<Self, BuildError> {
        let clock = DefaultClock::new();
        Ok(RateLimiter::new(TokenBucket::strict(clock.widen(policy)?)?, clock))
    }
}

impl<A: Algorithm, C: Clock> RateLimiter<A, C> {
    /// Joins an algorithm and a clock.
    ///
    /// The algorithm keeps its policy by the clock's time. If the clock can be wrong ([`Clock::max_error`]), build the
    /// algorithm for [`clock.widen(policy)?`](Clock::widen), so that the policy holds in true time too.
    /// [`exact`](RateLimiter::exact) and [`strict`](RateLimiter::strict) do so.
    ///
    /// ```
    /// use tollgate::{Clock, DefaultClock, RateLimiter, TokenBucket};
    ///
    /// let clock = DefaultClock::new();
    /// let bucket = TokenBucket::nominal(clock.widen("100/1s".parse()?)?)?;
    /// let limiter = RateLimiter::new(bucket, clock);
    /// assert!(limiter.try_acquire_n(100).is_ok());
    /// assert!(limiter.try_acquire_n(100).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(algorithm: A, clock: C) -> Self {
        RateLimiter { shared: Arc::new(Shared { paused_until: AtomicU64::new(0), algorithm, clock }) }
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
        self.unless_paused(n, A::try_acquire_at)
    }

    /// What [`try_acquire`](RateLimiter::try_acquire) would answer now. Changes nothing.
    ///
    /// # Errors
    ///
    /// As `try_acquire`.
    #[inline]
    pub fn peek(&self) -> Result<(), Denied> {
        self.peek_n(1)
    }

    /// What [`try_acquire_n`](RateLimiter::try_acquire_n) would answer now. Changes nothing.
    ///
    /// ```
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// let limiter = RateLimiter::exact(Policy::MICROSOFT_365_DEFENDER)?;
    /// limiter.try_acquire_n(30)?;
    /// assert!(limiter.peek_n(20).is_ok());
    /// let denied = limiter.peek_n(21).unwrap_err();
    /// assert_eq!(denied.quota(), 0); // the first: 50 a minute
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As `try_acquire_n`.
    #[inline]
    pub fn peek_n(&self, n: u32) -> Result<(), Denied> {
        self.unless_paused(n, A::peek_at)
    }

    /// As [`try_acquire_n`](RateLimiter::try_acquire_n), for a call that may turn out not to be sent: then
    /// [`undo`](RateLimiter::undo) the grant.
    ///
    /// # Errors
    ///
    /// As `try_acquire_n`.
    #[inline]
    pub fn try_grant_n(&self, n: u32) -> Result<Grant, Denied> {
        self.unless_paused(n, A::try_grant_at)
    }

    /// Hands back a grant of this limiter whose call was never sent, as [`Algorithm::undo`]: `false` if the permits
    /// stay charged.
    ///
    /// ```
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// let limiter = RateLimiter::strict(Policy::MICROSOFT_365_DEFENDER)?;
    /// let grant = limiter.try_grant_n(26)?;
    /// assert!(limiter.try_acquire().is_err());
    /// assert!(limiter.undo(grant));
    /// assert!(limiter.try_acquire_n(26).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn undo(&self, grant: Grant) -> bool {
        self.shared.algorithm.undo(grant)
    }

    #[inline]
    fn paused_until(&self) -> Nanos {
        Nanos::from_nanos(self.shared.paused_until.load(Ordering::Relaxed)) // L
    }

    /// What `decide` says now to a call for `n` permits, or the pause.
    #[inline]
    fn unless_paused<R>(
        &self,
        n: u32,
        decide: impl FnOnce(&A, Nanos, u32) -> Result<R, Denied>,
    ) -> Result<R, Denied> {
        let now = self.clock().now();
        if now < self.paused_until() && n > 0 {
            return Err(self.while_paused(now, n));
        }
        decide(self.algorithm(), now, n)
    }

    /// The refusal of a call for `n` permits, at least one.
    #[cold]
    #[inline(never)]
    fn while_paused(&self, now: Nanos, n: u32) -> Denied {
        let until = self.paused_until();
        let burst =
            || self.algorithm().peek_at(until, u32::MAX).map_or_else(|denied| denied.burst(), |()| u32::MAX);
        let denied = match self.algorithm().peek_at(until, n) {
            Ok(()) => Denied::new(now, 0, Some(until), burst()),
            Err(denied) => Denied::new(now, denied.quota(), denied.retry_at(), denied.burst()),
        };
        denied.in_a_pause()
    }

    /// Grants nothing before `instant`, by this handle or any clone: what a client does that was told to come back
    /// later, by an HTTP `Retry-After`. Of several pauses the one that ends last holds; none can be cut short.
    ///
    /// Lock-free. A call that is being decided meanwhile may still be granted. Permits stay charged, those of the
    /// refused call too, for the server may have counted it.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tollgate::{Manual, Nanos, Policy, RateLimiter, TokenBucket};
    ///
    /// let clock = Manual::new();
    /// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER)?;
    /// let limiter = RateLimiter::new(bucket, clock.clone());
    /// limiter.pause_until(Nanos::from_secs(30));
    ///
    /// let denied = limiter.try_acquire().unwrap_err();
    /// assert!(denied.is_paused());
    /// assert_eq!(denied.retry_after(), Some(Duration::from_secs(30)));
    /// clock.advance(Duration::from_secs(30));
    /// assert!(limiter.try_acquire().is_ok());
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    pub fn pause_until(&self, instant: Nanos) {
        self.shared.paused_until.fetch_max(instant.as_nanos(), Ordering::Relaxed); // P
    }

    /// As [`pause_until`](RateLimiter::pause_until), counted from now.
    pub fn pause_for(&self, duration: Duration) {
        self.pause_until(self.shared.clock.now().saturating_add(duration));
    }

    /// What is left of each quota now, whether or not the limiter is paused. Changes nothing.
    #[inline]
    pub fn status(&self) -> Status {
        self.shared.algorithm.status_at(self.shared.clock.now())
    }

    /// Whether this is the only handle, nothing is charged and no pause is in force: a new limiter would answer the same.
    #[cfg(feature = "std")]
    pub(crate) fn is_unused(&mut self) -> bool {
        // `get_mut` also sees to it that what the last holder did is seen here.
        let Some(Shared { paused_until, algorithm, clock }) = Arc::get_mut(&mut self.shared) else {
            return false;
        };
        let now = clock.now();
        let whole = |status: Status| status.quotas().iter().all(|quota| quota.reset_at <= now);
        paused_until.load(Ordering::Relaxed) <= now.as_nanos() && whole(algorithm.status_at(now)) // Q
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
