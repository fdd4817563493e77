//! The timer and the clock of tokio.

use alloc::boxed::Box;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use tokio::runtime::{Handle, Id, TryCurrentError};
use tokio::time::Instant;

use super::FairLimiter;
use super::timer::Timer;
use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::limiter::RateLimiter;
use crate::nanos::Nanos;

/// Tokio's time, as a [`Timer`] and as a [`Clock`]. [`FairLimiter::tokio`] makes a limiter with both.
///
/// A task sleeps on its own runtime, and so several runtimes can share one limiter, in a `static` too. Outside of any
/// runtime, in a thread or under another executor, it is the runtime in which this value was made, which must run as
/// long as it is used so. Tokio sleeps in whole milliseconds, rounded up.
///
/// With another clock, `tokio::time::pause` does not work: the timer then runs ahead of the clock, and a wait ends with
/// [`AcquireError::TimerTooFast`](super::AcquireError::TimerTooFast).
///
/// # Panics
///
/// Tokio panics in a task that waits on a runtime whose timer is not enabled (`Builder::enable_time`). The task
/// leaves the queue, and others are not harmed.
#[derive(Clone, Debug)]
pub struct Tokio {
    made_in: Handle,
    origin: Instant,
}

impl Tokio {
    /// The time of the runtime in which this is called. Its origin, as a clock, is now.
    ///
    /// # Errors
    ///
    /// [`TryCurrentError`] outside of a runtime.
    pub fn new() -> Result<Tokio, TryCurrentError> {
        Ok(Tokio { made_in: Handle::try_current()?, origin: Instant::now() })
    }

    /// In the runtime of the caller, or else in the one of this value.
    fn inside<R>(&self, work: impl FnOnce() -> R) -> R {
        let missing = Handle::try_current().err().is_some_and(|error| error.is_missing_context());
        let _inside = missing.then(|| self.made_in.enter());
        work()
    }
}

/// The clock and the timer of tokio.
impl<A: Algorithm> FairLimiter<A, Tokio, Tokio> {
    /// A limiter that lives in tokio's time, for which tasks and threads can wait: `tokio::time::pause` and `advance`
    /// work.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tollgate::wait::FairLimiter;
    /// use tollgate::{Policy, SlidingLog};
    ///
    /// # let mut builder = tokio::runtime::Builder::new_current_thread();
    /// # builder.enable_time().start_paused(true).build()?.block_on(async {
    /// let limiter = FairLimiter::tokio(SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?)?;
    ///
    /// let start = tokio::time::Instant::now();
    /// for _ in 0..51 {
    ///     limiter.acquire().await?;
    /// }
    /// assert_eq!(start.elapsed(), Duration::from_secs(60)); // here the runtime is paused: no time at all
    ///
    /// let late = limiter.acquire_n(50).within(Duration::from_secs(59)).await.unwrap_err();
    /// assert!(late.retry_at().is_some()); // refused at once
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TryCurrentError`] outside of a runtime.
    pub fn tokio(algorithm: A) -> Result<Self, TryCurrentError> {
        let tokio = Tokio::new()?;
        Ok(FairLimiter::new(RateLimiter::new(algorithm, tokio.clone()), tokio))
    }
}

impl Clock for Tokio {
    fn now(&self) -> Nanos {
        self.inside(|| Nanos::ZERO.saturating_add(self.origin.elapsed()))
    }
}

/// A sleep of [`Tokio`].
#[derive(Debug)]
pub struct TokioSleep {
    sleep: Pin<Box<tokio::time::Sleep>>,
    runtime: Id,
}

impl TokioSleep {
    /// Whether whoever runs this is in another runtime by now: the one of the sleep may be gone.
    fn is_elsewhere(&self) -> bool {
        Handle::try_current().is_ok_and(|here| here.id() != self.runtime)
    }
}

impl Timer for Tokio {
    type Sleep = TokioSleep;

    fn sleep(&self, after: Duration) -> TokioSleep {
        self.inside(|| {
            let runtime = Handle::try_current().map_or_else(|_| self.made_in.id(), |here| here.id());
            TokioSleep { sleep: Box::pin(tokio::time::sleep(after)), runtime }
        })
    }

    fn reset(&self, sleep: &mut TokioSleep, after: Duration) {
        let end = self.inside(Instant::now).checked_add(after);
        match end {
            Some(end) if !sleep.is_elsewhere() => sleep.sleep.as_mut().reset(end),
            _ => *sleep = self.sleep(after),
        }
    }
}

impl Future for TokioSleep {
    type Output = ();

    /// Over also in another runtime: then a new one is made there.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.is_elsewhere() {
            return Poll::Ready(());
        }
        self.sleep.as_mut().poll(context)
    }
}
