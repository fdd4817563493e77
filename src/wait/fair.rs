//! The handle: a limiter with a line before it.

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::acquire::Acquire;
use super::error::AcquireError;
use super::permit::Permit;
use super::shared::Shared;
use super::timer::{Alarm, NoTimer, Timer};
use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::decision::Status;
use crate::limiter::RateLimiter;
use crate::nanos::Nanos;
use crate::quota::Policy;

/// A [`RateLimiter`] for which callers can wait, in order of arrival.
///
/// A handle is a pointer and a bound: clone it freely, all clones are one line. See the [module](super) for what is
/// promised.
///
/// ```
/// use tollgate::wait::FairLimiter;
/// use tollgate::{Policy, RateLimiter};
///
/// let limiter = FairLimiter::blocking(RateLimiter::exact(Policy::MICROSOFT_365_DEFENDER)?);
/// for _ in 0..50 {
///     limiter.acquire_blocking()?;
/// }
/// // The next would wait a minute.
/// let denied = limiter.try_acquire().unwrap_err();
/// assert_eq!(denied.denied().and_then(|denied| denied.retry_after_secs()), Some(60));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FairLimiter<A: Algorithm, C: Clock, T: Alarm = NoTimer> {
    pub(super) shared: Arc<Shared<A, C, T>>,
    pub(super) bound: usize,
}

impl<A: Algorithm, C: Clock> FairLimiter<A, C> {
    /// A limiter for which threads can wait. It needs no timer.
    pub fn blocking(limiter: RateLimiter<A, C>) -> Self {
        FairLimiter { shared: Arc::new(Shared::new(limiter, NoTimer)), bound: usize::MAX }
    }
}

impl<A: Algorithm, C: Clock, T: Timer> FairLimiter<A, C, T> {
    /// A limiter for which tasks and threads can wait.
    ///
    /// The line is unbounded: see [`with_bound`](FairLimiter::with_bound). A clone of `limiter` that is kept goes around
    /// the line.
    pub fn new(limiter: RateLimiter<A, C>, timer: T) -> Self {
        FairLimiter { shared: Arc::new(Shared::new(limiter, timer)), bound: usize::MAX }
    }
}

impl<A: Algorithm, C: Clock, T: Alarm> FairLimiter<A, C, T> {
    /// A handle whose calls join the line only while fewer than `bound` wait in it; with 0, they never wait. It
    /// holds for this handle and its clones: others may have another bound to the same line.
    ///
    /// ```
    /// use tollgate::wait::{AcquireError, FairLimiter};
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// let limiter = FairLimiter::blocking(RateLimiter::exact("1/1h".parse()?)?).with_bound(0);
    /// assert!(limiter.acquire_blocking().is_ok());
    /// assert_eq!(limiter.acquire_blocking().unwrap_err(), AcquireError::Full { bound: 0 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_bound(self, bound: usize) -> Self {
        FairLimiter { bound, ..self }
    }

    /// Takes a permit now, or is refused.
    ///
    /// # Errors
    ///
    /// As [`try_acquire_n`](FairLimiter::try_acquire_n).
    pub fn try_acquire(&self) -> Result<Permit<'_, A, C, T>, AcquireError> {
        self.try_acquire_n(1)
    }

    /// Takes `n` permits now, all or none, or is refused.
    ///
    /// It does not barge: while others wait it is refused, unless they and it can all be granted now. Lock-free
    /// while nobody waits.
    ///
    /// # Errors
    ///
    /// [`AcquireError::Denied`] or [`AcquireError::Never`].
    pub fn try_acquire_n(&self, n: u32) -> Result<Permit<'_, A, C, T>, AcquireError> {
        let shared = &*self.shared;
        match shared.without_line(n).unwrap_or_else(|| shared.beside_line(n)) {
            Ok(grant) => Ok(Permit { shared, grant }),
            Err(denied) if denied.retry_at().is_none() => Err(AcquireError::Never(denied)),
            Err(denied) => Err(AcquireError::Denied(denied)),
        }
    }

    /// Waits for a permit: await it, or [`wait`](Acquire::wait) for it.
    ///
    /// # Errors
    ///
    /// As [`acquire_n`](FairLimiter::acquire_n).
    pub fn acquire(&self) -> Acquire<'_, A, C, T> {
        self.acquire_n(1)
    }

    /// Waits for `n` permits, all or none: await it, or [`wait`](Acquire::wait) for it. Give it a deadline by
    /// [`by`](Acquire::by) or [`within`](Acquire::within).
    ///
    /// # Errors
    ///
    /// It ends with [`AcquireError::Never`], [`AcquireError::TooLate`] or [`AcquireError::Full`], each as soon as it
    /// is known.
    pub fn acquire_n(&self, n: u32) -> Acquire<'_, A, C, T> {
        Acquire::new(self, n)
    }

    /// Blocks the thread until there is a permit.
    ///
    /// # Errors
    ///
    /// As [`acquire_n`](FairLimiter::acquire_n).
    pub fn acquire_blocking(&self) -> Result<Permit<'_, A, C, T>, AcquireError> {
        self.acquire().wait()
    }

    /// Blocks the thread until there are `n` permits.
    ///
    /// # Errors
    ///
    /// As [`acquire_n`](FairLimiter::acquire_n).
    pub fn acquire_blocking_n(&self, n: u32) -> Result<Permit<'_, A, C, T>, AcquireError> {
        self.acquire_n(n).wait()
    }

    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.shared.waiting()
    }

    /// As [`RateLimiter::pause_until`]. Who waits goes on waiting, until then or longer; who has a deadline before
    /// that is refused when it would have been its turn, or at the deadline.
    pub fn pause_until(&self, instant: Nanos) {
        self.limiter().pause_until(instant);
    }

    /// As [`pause_until`](FairLimiter::pause_until), counted from now.
    pub fn pause_for(&self, duration: Duration) {
        self.limiter().pause_for(duration);
    }

    /// As [`RateLimiter::resume`]. Whoever waits goes on at once.
    pub fn resume(&self) -> Option<Nanos> {
        let ended = self.limiter().resume();
        if self.waiting() > 0 {
            self.shared.call_head();
        }
        ended
    }

    /// As [`RateLimiter::status`], which knows nothing of the line.
    pub fn status(&self) -> Status {
        self.limiter().status()
    }

    /// The policy that is enforced.
    pub fn policy(&self) -> &Policy {
        self.limiter().policy()
    }

    /// The limiter behind the line. Its `try_acquire` goes around the line.
    pub fn limiter(&self) -> &RateLimiter<A, C> {
        &self.shared.limiter
    }

    /// The clock that is read.
    pub fn clock(&self) -> &C {
        self.limiter().clock()
    }
}

impl<A: Algorithm, C: Clock, T: Alarm> Clone for FairLimiter<A, C, T> {
    fn clone(&self) -> Self {
        FairLimiter { shared: Arc::clone(&self.shared), bound: self.bound }
    }
}

impl<A: Algorithm + fmt::Debug, C: Clock + fmt::Debug, T: Alarm> fmt::Debug for FairLimiter<A, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FairLimiter")
            .field("limiter", self.limiter())
            .field("waiting", &self.waiting())
            .field("bound", &Some(self.bound).filter(|&bound| bound < usize::MAX))
            .finish_non_exhaustive()
    }
}
