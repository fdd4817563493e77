//! The timer and the clock of a tokio runtime.

use alloc::boxed::Box;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;

use tokio::runtime::{Handle, TryCurrentError};
use tokio::task::unconstrained;
use tokio::time::Instant;

use super::timer::Timer;
use crate::clock::Clock;
use crate::nanos::Nanos;

/// A tokio runtime, as a [`Timer`] and as a [`Clock`], which starts when it is made.
///
/// With both, a limiter lives in the time of the runtime, so that `tokio::time::pause` and `advance` work. As a
/// timer it goes with any clock. It remembers its runtime, so any thread may wait; no thread is added. Tokio sleeps
/// in whole milliseconds, rounded up.
///
/// ```
/// use core::time::Duration;
/// use tollgate::wait::{FairLimiter, Tokio};
/// use tollgate::{Policy, RateLimiter, SlidingLog};
///
/// # let mut builder = tokio::runtime::Builder::new_current_thread();
/// # builder.enable_time().start_paused(true).build()?.block_on(async {
/// let log = SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?;
/// let tokio = Tokio::new()?;
/// let limiter = FairLimiter::new(RateLimiter::new(log, tokio.clone()), tokio);
///
/// let start = tokio::time::Instant::now();
/// for _ in 0..51 {
///     limiter.acquire().await?;
/// }
/// assert_eq!(start.elapsed(), Duration::from_secs(60)); // here the runtime is paused: no time at all
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tokio {
    runtime: Handle,
    origin: Instant,
}

impl Tokio {
    /// The runtime in which this is called. Its origin, as a clock, is now.
    ///
    /// The runtime must have its timer enabled (`Builder::enable_time`) and live as long as anybody waits: tokio
    /// panics in whoever sleeps otherwise.
    ///
    /// # Errors
    ///
    /// [`TryCurrentError`] outside of a runtime.
    pub fn new() -> Result<Tokio, TryCurrentError> {
        Ok(Tokio { runtime: Handle::try_current()?, origin: Instant::now() })
    }
}

impl Clock for Tokio {
    fn now(&self) -> Nanos {
        let _here = self.runtime.enter();
        Nanos::ZERO.saturating_add(self.origin.elapsed())
    }
}

/// A sleep of [`Tokio`].
#[derive(Debug)]
pub struct TokioSleep(Pin<Box<tokio::time::Sleep>>);

impl Timer for Tokio {
    type Sleep = TokioSleep;

    fn sleep(&self, after: Duration) -> TokioSleep {
        let _here = self.runtime.enter();
        TokioSleep(Box::pin(tokio::time::sleep(after)))
    }

    fn reset(&self, sleep: &mut TokioSleep, after: Duration) {
        let _here = self.runtime.enter();
        let Some(end) = Instant::now().checked_add(after) else {
            *sleep = self.sleep(after);
            return;
        };
        sleep.0.as_mut().reset(end);
    }
}

impl Future for TokioSleep {
    type Output = ();

    /// Outside of tokio's budget, which is the polling task's: here one task arms the sleep of another, and must not
    /// fail to because it has itself done much.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        pin!(unconstrained(self.0.as_mut())).poll(context)
    }
}
