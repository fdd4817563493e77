//! The futures that wait for permits: one that borrows its limiter, and one that owns a handle to it.

use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use super::FairLimiter;
use super::deadline::Deadline;
use super::error::AcquireError;
use super::permit::{OwnedPermit, Permit};
use super::timer::{AnyTimer, NoTimer, Timer};
use super::waiting::Waiting;
use crate::algorithm::Algorithm;
use crate::clock::{Clock, DefaultClock};
use crate::decision::Grant;

/// A wait for permits, from [`FairLimiter::acquire`]: await it, or [`wait`](Acquire::wait) for it.
///
/// It takes its place in the queue when it is first polled, and gives it up when it is dropped. Wherever that happens,
/// nothing was charged, and the next is called if it was its turn. Polled after it has ended, it begins anew.
#[must_use = "nothing is acquired until it is awaited, or waited for"]
pub struct Acquire<'a, A: Algorithm + ?Sized, C: Clock = DefaultClock, T: AnyTimer = NoTimer> {
    limiter: &'a FairLimiter<A, C, T>,
    waiting: Waiting<T::Sleep>,
}

/// As [`Acquire`], from [`FairLimiter::acquire_owned`]: it borrows nothing, so it can be stored, or moved to another task.
#[must_use = "nothing is acquired until it is awaited, or waited for"]
pub struct AcquireOwned<A, C = DefaultClock, T = NoTimer>
where
    A: Algorithm + ?Sized + 'static,
    C: Clock + 'static,
    T: AnyTimer + 'static,
{
    limiter: FairLimiter<A, C, T>,
    waiting: Waiting<T::Sleep>,
}

impl<'a, A: Algorithm + ?Sized, C: Clock, T: AnyTimer> Acquire<'a, A, C, T> {
    pub(super) fn new(limiter: &'a FairLimiter<A, C, T>, n: u32) -> Self {
        Acquire { limiter, waiting: Waiting::new(n) }
    }

    /// Waits no longer than until `deadline`: an instant of the limiter's clock ([`Nanos`](crate::Nanos)), or a
    /// [`std::time::Instant`]. Of several deadlines the earliest holds.
    ///
    /// It is checked before anything else: if the earliest possible instant lies past it, the call is refused at
    /// once, with that instant. An instant equal to the deadline is in time. A permit that can be had is granted even if the
    /// deadline has passed: it ends the waiting, not the call.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use tollgate::RateLimiter;
    /// use tollgate::wait::{AcquireError, FairLimiter};
    ///
    /// let limiter = FairLimiter::blocking(RateLimiter::exact("1/1h".parse()?)?);
    /// let end = Instant::now() + Duration::from_secs(5);
    /// assert!(limiter.acquire().by(end).wait().is_ok());
    /// assert!(matches!(limiter.acquire().by(end).wait(), Err(AcquireError::TooLate(_)))); // said at once
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn by(mut self, deadline: impl Deadline) -> Self {
        self.waiting.by(deadline.on(self.limiter.clock()));
        self
    }

    /// As [`by`](Acquire::by), `timeout` after this is called: no retry and no poll starts it anew.
    pub fn within(self, timeout: Duration) -> Self {
        let deadline = self.limiter.clock().now().saturating_add(timeout);
        self.by(deadline)
    }

    /// Blocks the thread until there is a permit, in the same queue as the tasks. For a thread that has no task to run:
    /// not in async code.
    ///
    /// # Errors
    ///
    /// As [`FairLimiter::acquire_n`].
    pub fn wait(mut self) -> Result<Permit<'a>, AcquireError> {
        let limiter = self.limiter;
        self.waiting.wait(limiter).map(|grant| limiter.permit(grant))
    }
}

impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> AcquireOwned<A, C, T> {
    pub(super) fn new(limiter: FairLimiter<A, C, T>, n: u32) -> Self {
        AcquireOwned { limiter, waiting: Waiting::new(n) }
    }

    /// As [`Acquire::by`].
    pub fn by(mut self, deadline: impl Deadline) -> Self {
        self.waiting.by(deadline.on(self.limiter.clock()));
        self
    }

    /// As [`Acquire::within`].
    pub fn within(self, timeout: Duration) -> Self {
        let deadline = self.limiter.clock().now().saturating_add(timeout);
        self.by(deadline)
    }

    /// As [`Acquire::wait`].
    ///
    /// # Errors
    ///
    /// As [`FairLimiter::acquire_n`].
    pub fn wait(mut self) -> Result<OwnedPermit, AcquireError> {
        self.waiting.wait(&self.limiter).map(|grant| owned(&self.limiter, grant))
    }
}

fn owned<A, C, T>(limiter: &FairLimiter<A, C, T>, grant: Grant<'_>) -> OwnedPermit
where
    A: Algorithm + ?Sized + 'static,
    C: Clock + 'static,
    T: AnyTimer + 'static,
{
    OwnedPermit { origin: Arc::clone(&limiter.shared) as _, receipt: grant.into_receipt() }
}

impl<'a, A: Algorithm + ?Sized, C: Clock, T: Timer> Future for Acquire<'a, A, C, T> {
    type Output = Result<Permit<'a>, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let limiter = self.limiter;
        self.waiting.poll(limiter, context).map(|result| result.map(|grant| limiter.permit(grant)))
    }
}

impl<A: Algorithm + ?Sized, C: Clock, T: Timer> Future for AcquireOwned<A, C, T> {
    type Output = Result<OwnedPermit, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let AcquireOwned { limiter, waiting } = &mut *self;
        waiting.poll(limiter, context).map(|result| result.map(|grant| owned(limiter, grant)))
    }
}

impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> Drop for Acquire<'_, A, C, T> {
    fn drop(&mut self) {
        self.waiting.leave(self.limiter);
    }
}

impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> Drop for AcquireOwned<A, C, T> {
    fn drop(&mut self) {
        self.waiting.leave(&self.limiter);
    }
}

impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> fmt::Debug for Acquire<'_, A, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.waiting.debug("Acquire", f)
    }
}

impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> fmt::Debug for AcquireOwned<A, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.waiting.debug("AcquireOwned", f)
    }
}
