//! Where `now` comes from.

#[cfg(all(feature = "quanta", not(target_family = "wasm")))]
mod anchor;
#[cfg(all(feature = "quanta", not(target_family = "wasm")))]
mod anchored;
#[cfg(feature = "std")]
mod default;
mod manual;
#[cfg(feature = "std")]
mod monotonic;
#[cfg(all(feature = "quanta", not(target_family = "wasm")))]
mod process;
#[cfg(feature = "quanta")]
mod quanta;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

#[cfg(feature = "std")]
pub use default::DefaultClock;
pub use manual::Manual;
#[cfg(feature = "std")]
pub use monotonic::Monotonic;
#[cfg(feature = "quanta")]
pub use quanta::Quanta;

use crate::nanos::Nanos;
use crate::quota::{Policy, PolicyError};

/// A source of instants for a [`RateLimiter`](crate::RateLimiter).
///
/// Its origin must be recent, and not the Unix epoch, as [`Nanos`] explains. A clock should not go backwards. If it does,
/// a limiter refuses more until the clock has caught up, and no limit is exceeded in the clock's own time. In true time
/// one can be: if a late clock leaps forward, the permits that were granted while it was late count as older than they are,
/// and leave their windows too early.
///
/// [`now`](Clock::now) must not panic, block, or call a limiter, because a wait queue reads the clock while it holds its
/// lock.
pub trait Clock: Send + Sync {
    /// The time since the clock's origin.
    fn now(&self) -> Nanos;

    /// The largest error of the time between two readings, where the operating system's monotonic clock says how much time
    /// truly passed between them. The default is zero.
    ///
    /// If each reading may be wrong by `e` in either direction, this is `2 * e`.
    ///
    /// It is the error of a clock that works. A fault of the hardware can make readings ahead or late by more, and late
    /// readings are no safer: a permit that is granted by one leaves its window too early.
    /// `DefaultClock` tells how much that can be. A clock for which no bound is known, such as `Quanta`, says zero, too.
    fn max_error(&self) -> Duration {
        Duration::ZERO
    }

    /// The policy that a limiter on this clock must keep, so that the given policy holds in true time. Every window is
    /// longer by [`max_error`](Clock::max_error), which is added to the [guard](Policy::with_guard). If the clock says
    /// zero because no bound is known, nothing is added: choose a guard yourself.
    ///
    /// `RateLimiter::exact` and `RateLimiter::strict` do this by
    /// themselves. Call it when you pass an algorithm and a clock to [`RateLimiter::new`](crate::RateLimiter::new).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Clock, Manual, Nanos, Policy, RateLimiter, SlidingLog};
    ///
    /// /// A clock that ticks every ten milliseconds.
    /// struct Coarse(Manual);
    ///
    /// impl Clock for Coarse {
    ///     fn now(&self) -> Nanos {
    ///         let nanos = self.0.now().as_nanos();
    ///         Nanos::from_nanos(nanos - nanos % 10_000_000)
    ///     }
    ///
    ///     fn max_error(&self) -> Duration {
    ///         Duration::from_millis(10)
    ///     }
    /// }
    ///
    /// let clock = Coarse(Manual::new());
    /// let log = SlidingLog::new(clock.widen("1/1s".parse()?)?)?;
    /// let limiter = RateLimiter::new(log, clock);
    /// assert!(limiter.try_acquire().is_ok());
    /// let denied = limiter.try_acquire().unwrap_err();
    /// assert_eq!(denied.retry_after(), Some(Duration::from_millis(1010)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PolicyError::WindowTooLong`] if a window, the guard and the error together exceed
    /// [`Policy::MAX_WINDOW`].
    fn widen(&self, policy: Policy) -> Result<Policy, PolicyError> {
        policy.with_guard(policy.guard().saturating_add(self.max_error()))
    }
}

macro_rules! through_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<C: Clock + ?Sized> Clock for $pointer {
            #[inline]
            fn now(&self) -> Nanos {
                (**self).now()
            }

            #[inline]
            fn max_error(&self) -> Duration {
                (**self).max_error()
            }

            #[inline]
            fn widen(&self, policy: Policy) -> Result<Policy, PolicyError> {
                (**self).widen(policy)
            }
        }
    )*};
}

through_a_pointer!(&C, Box<C>, Arc<C>);
