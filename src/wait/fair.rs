//! The handle: a limiter with a queue before it.

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::acquire::{Acquire, AcquireOwned};
use super::error::AcquireError;
use super::permit::Permit;
use super::shared::Shared;
use super::timer::{AnyTimer, NoTimer, Timer};
use crate::algorithm::Algorithm;
use crate::clock::{Clock, DefaultClock};
use crate::decision::{Denied, Grant, Receipt, Status};
use crate::keyed::Forgettable;
use crate::limiter::RateLimiter;
use crate::nanos::Nanos;
use crate::quota::Policy;
use crate::together::TryGrant;

/// A [`RateLimiter`] for which callers can wait, in order of arrival.
///
/// A handle is a pointer and a bound: clone it freely, all clones share one queue. See the [module](super) for what is
/// promised.
///
/// Name it by its algorithm: `FairLimiter<SlidingLog>` is one on the default clock for threads, made by
/// [`blocking`](FairLimiter::blocking), and `FairLimiter<SlidingLog, Tokio, Tokio>` one for the tasks of tokio, made by
/// [`tokio`](FairLimiter::tokio).
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
pub struct FairLimiter<A: ?Sized, C = DefaultClock, T = NoTimer> {
    pub(super) shared: Arc<Shared<A, C, T>>,
    pub(super) bound: usize,
}

impl<A: Algorithm + ?Sized, C: Clock> FairLimiter<A, C> {
    /// A limiter for which threads can wait. It needs no timer.
    pub fn blocking(limiter: RateLimiter<A, C>) -> Self {
        FairLimiter { shared: Arc::new(Shared::new(limiter, NoTimer)), bound: usize::MAX }
    }
}

impl<A: Algorithm + ?Sized, C: Clock, T: Timer> FairLimiter<A, C, T> {
    /// A limiter for which tasks and threads can wait.
    ///
    /// The queue is unbounded: see [`with_bound`](FairLimiter::with_bound). A clone of `limiter` that is kept goes around
    /// the queue.
    pub fn new(limiter: RateLimiter<A, C>, timer: T) -> Self {
        FairLimiter { shared: Arc::new(Shared::new(limiter, timer)), bound: usize::MAX }
    }
}

impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> FairLimiter<A, C, T> {
    /// A handle whose calls join the queue only while fewer than `bound` wait in it; with 0, they never wait. Waiters that
    /// were passed over, because their futures are not polled, do not count. The bound holds for this handle and its
    /// clones: others may have another bound to the same queue.
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
    pub fn try_acquire(&self) -> Result<Permit<'_>, AcquireError> {
        self.try_acquire_n(1)
    }

    /// Takes `n` permits now, all or none, or is refused.
    ///
    /// It does not overtake: while others wait, it is refused unless they and it can all be granted now. Waiters that were
    /// passed over do not count. Lock-free while nobody waits.
    ///
    /// # Errors
    ///
    /// [`AcquireError::Denied`] or [`AcquireError::Never`].
    pub fn try_acquire_n(&self, n: u32) -> Result<Permit<'_>, AcquireError> {
        let shared = &*self.shared;
        match shared.grant(n) {
            Ok(grant) => Ok(self.permit(grant)),
            Err(denied) if denied.retry_at().is_none() && !denied.is_paused() => {
                Err(AcquireError::Never(denied))
            }
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
    /// is known, or with [`AcquireError::TimerTooFast`].
    pub fn acquire_n(&self, n: u32) -> Acquire<'_, A, C, T> {
        Acquire::new(self, n)
    }

    /// As [`acquire`](FairLimiter::acquire), by a future that borrows nothing, for a permit that borrows nothing.
    ///
    /// ```
    /// use tollgate::wait::{FairLimiter, OwnedPermit};
    /// use tollgate::{Policy, RateLimiter, TokenBucket};
    ///
    /// struct Call {
    ///     permit: OwnedPermit,
    /// }
    ///
    /// fn next_call(limiter: &FairLimiter<TokenBucket>) -> Result<Call, tollgate::wait::AcquireError> {
    ///     Ok(Call { permit: limiter.acquire_owned().wait()? })
    /// }
    ///
    /// let limiter = FairLimiter::blocking(RateLimiter::strict(Policy::MICROSOFT_365_DEFENDER)?);
    /// let call = next_call(&limiter)?;
    /// drop(limiter);
    /// call.permit.undo(); // it was never sent
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// With an algorithm of your own, such a permit cannot be undone: see [`OwnedPermit::undo`](super::OwnedPermit::undo).
    ///
    /// # Errors
    ///
    /// As [`acquire_n`](FairLimiter::acquire_n).
    pub fn acquire_owned(&self) -> AcquireOwned<A, C, T>
    where
        A: 'static,
        C: 'static,
        T: 'static,
    {
        self.acquire_n_owned(1)
    }

    /// As [`acquire_owned`](FairLimiter::acquire_owned), for `n` permits, all or none.
    ///
    /// # Errors
    ///
    /// As [`acquire_n`](FairLimiter::acquire_n).
    pub fn acquire_n_owned(&self, n: u32) -> AcquireOwned<A, C, T>
    where
        A: 'static,
        C: 'static,
        T: 'static,
    {
        AcquireOwned::new(self.clone(), n)
    }

    /// Blocks the thread until there is a permit.
    ///
    /// # Errors
    ///
    /// As [`acquire_n`](FairLimiter::acquire_n).
    pub fn acquire_blocking(&self) -> Result<Permit<'_>, AcquireError> {
        self.acquire().wait()
    }

    /// Blocks the thread until there are `n` permits.
    ///
    /// # Errors
    ///
    /// As [`acquire_n`](FairLimiter::acquire_n).
    pub fn acquire_blocking_n(&self, n: u32) -> Result<Permit<'_>, AcquireError> {
        self.acquire_n(n).wait()
    }

    pub(super) fn permit<'a>(&'a self, grant: Grant<'a>) -> Permit<'a> {
        Permit { origin: &*self.shared, grant }
    }

    /// How many wait now, those who were passed over included.
    pub fn waiting(&self) -> usize {
        self.shared.waiting()
    }

    /// As [`RateLimiter::pause_until`]. Those who wait go on waiting, until then or longer; with [`Nanos::MAX`], until this
    /// queue is [resumed](FairLimiter::resume). A waiter with a deadline before that is refused when it would have been its
    /// turn, or at the deadline.
    pub fn pause_until(&self, instant: Nanos) {
        self.limiter().pause_until(instant);
    }

    /// As [`pause_until`](FairLimiter::pause_until), counted from now.
    pub fn pause_for(&self, duration: Duration) {
        self.limiter().pause_for(duration);
    }

    /// As [`RateLimiter::resume`]. Whoever waits goes on at once: this wakes all of them, so that nobody waits for one that
    /// is not polled. If a clone of the inner limiter is resumed instead, nobody is woken: the head sleeps until the pause
    /// would have ended.
    pub fn resume(&self) -> Option<Nanos> {
        let ended = self.limiter().resume();
        // Also if nobody seems to wait: somebody who joins may have seen the pause already, and is not counted yet.
        self.shared.call_all();
        ended
    }

    /// As [`RateLimiter::status`], which knows nothing of the queue.
    pub fn status(&self) -> Status {
        self.limiter().status()
    }

    /// The policy that is enforced.
    pub fn policy(&self) -> &Policy {
        self.limiter().policy()
    }

    /// The limiter behind the queue. Its `try_acquire` goes around the queue. A grant of its `try_grant` that is undone does
    /// not call the head of the queue, which sleeps on until the instant that it was told: so nobody waits longer
    /// than if the grant had not been undone.
    pub fn limiter(&self) -> &RateLimiter<A, C> {
        &self.shared.limiter
    }

    /// The clock that is read.
    pub fn clock(&self) -> &C {
        self.limiter().clock()
    }
}

/// A limiter with a queue, listed for [`try_acquire_all`](crate::try_acquire_all). It answers as
/// [`try_acquire_n`](FairLimiter::try_acquire_n): the call does not overtake those who wait.
///
/// If the grant is undone, the head of the queue is called, as by [`Permit::undo`]. Like an
/// [`OwnedPermit`](super::OwnedPermit), the grant of an algorithm of your own cannot be undone.
///
/// ```
/// use tollgate::wait::FairLimiter;
/// use tollgate::{RateLimiter, try_acquire_all};
///
/// let server = FairLimiter::blocking(RateLimiter::strict("1/1h".parse()?)?); // its callers wait for each other
/// let caller = RateLimiter::exact("5/1m".parse()?)?; // and each has a limit of its own
/// try_acquire_all(&[(&server, 1), (&caller, 1)])?;
/// assert_eq!(try_acquire_all(&[(&server, 1), (&caller, 1)]).unwrap_err().limiter(), 0);
/// assert_eq!(caller.status().remaining(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> TryGrant for FairLimiter<A, C, T> {
    fn peek_n(&self, n: u32) -> Result<(), Denied> {
        self.shared.peek(n)
    }

    fn try_grant_n(&self, n: u32) -> Result<Grant<'_>, Denied> {
        // The receipt goes through `Shared`, which calls the head when the grant is undone.
        let Receipt { before, after } = self.shared.grant(n)?.into_receipt();
        Ok(Grant::new(&*self.shared, before, after))
    }
}

/// Whoever waits borrows a handle or holds one, so nobody waits where there is one handle alone.
impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> Forgettable for FairLimiter<A, C, T> {
    fn is_forgettable(&mut self) -> bool {
        Arc::get_mut(&mut self.shared).is_some_and(|shared| shared.limiter.is_forgettable())
    }
}

impl<A: ?Sized, C, T> Clone for FairLimiter<A, C, T> {
    fn clone(&self) -> Self {
        FairLimiter { shared: Arc::clone(&self.shared), bound: self.bound }
    }
}

impl<A: Algorithm + ?Sized, C: Clock + fmt::Debug, T: AnyTimer> fmt::Debug for FairLimiter<A, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FairLimiter")
            .field("limiter", self.limiter())
            .field("waiting", &self.waiting())
            .field("bound", &Some(self.bound).filter(|&bound| bound < usize::MAX))
            .finish_non_exhaustive()
    }
}
