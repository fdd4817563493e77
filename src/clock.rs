//! Where `now` comes from.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

use crate::nanos::{Nanos, saturating_nanos};
use crate::sync::{AtomicU64, Ordering};

/// A source of instants for a [`RateLimiter`](crate::RateLimiter).
///
/// Its origin must be recent, as [`Nanos`] tells: not the Unix epoch. A clock should not go backwards; if it does, no limiter mints a permit: it only refuses more until the
/// clock has caught up.
pub trait Clock: Send + Sync {
    /// The time since the clock's origin.
    fn now(&self) -> Nanos;
}

impl<C: Clock + ?Sized> Clock for &C {
    #[inline]
    fn now(&self) -> Nanos {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Box<C> {
    #[inline]
    fn now(&self) -> Nanos {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    #[inline]
    fn now(&self) -> Nanos {
        (**self).now()
    }
}

/// The clock that limiters use unless told otherwise: `Quanta` with the feature `quanta`, else [`Monotonic`].
///
/// One type whatever the features, so that turning one on breaks nobody's code.
#[cfg(feature = "std")]
#[derive(Clone, Debug, Default)]
pub struct DefaultClock(Fastest);

#[cfg(feature = "quanta")]
type Fastest = Quanta;

#[cfg(all(feature = "std", not(feature = "quanta")))]
type Fastest = Monotonic;

#[cfg(feature = "std")]
impl DefaultClock {
    /// A clock whose origin is now.
    pub fn new() -> DefaultClock {
        DefaultClock::default()
    }
}

#[cfg(feature = "std")]
impl Clock for DefaultClock {
    #[inline]
    fn now(&self) -> Nanos {
        self.0.now()
    }
}

/// The operating system's monotonic clock, counted from the moment this value was made.
///
/// It reads [`std::time::Instant`]; whether time passes while the machine sleeps is the system's choice (on
/// Linux it does not, which only makes a limiter stricter).
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Monotonic {
    origin: std::time::Instant,
}

#[cfg(feature = "std")]
impl Monotonic {
    /// A clock whose origin is now.
    pub fn new() -> Monotonic {
        Monotonic { origin: std::time::Instant::now() }
    }
}

#[cfg(feature = "std")]
impl Default for Monotonic {
    fn default() -> Monotonic {
        Monotonic::new()
    }
}

#[cfg(feature = "std")]
impl Clock for Monotonic {
    #[inline]
    fn now(&self) -> Nanos {
        Nanos::ZERO.saturating_add(self.origin.elapsed())
    }
}

/// The CPU's time-stamp counter, counted from the moment this value was made, by the crate `quanta`.
///
/// Where the counter is not invariant, `quanta` falls back to the system's monotonic clock. The first clock of a
/// process calibrates the counter, which takes up to 200 ms.
#[cfg(feature = "quanta")]
#[derive(Clone, Debug)]
pub struct Quanta {
    clock: quanta::Clock,
    origin: quanta::Instant,
}

#[cfg(feature = "quanta")]
impl Quanta {
    /// A clock whose origin is now.
    pub fn new() -> Quanta {
        let clock = quanta::Clock::new();
        let origin = clock.now();
        Quanta { clock, origin }
    }
}

#[cfg(feature = "quanta")]
impl Default for Quanta {
    fn default() -> Quanta {
        Quanta::new()
    }
}

#[cfg(feature = "quanta")]
impl Clock for Quanta {
    #[inline]
    fn now(&self) -> Nanos {
        Nanos::ZERO.saturating_add(self.clock.now().saturating_duration_since(self.origin))
    }
}

/// A clock that stands still until it is moved: for tests and for virtual time. Clones share one time, and who
/// sees it moved sees what was done before.
///
/// ```
/// use core::time::Duration;
/// use tollgate::{Manual, Policy, RateLimiter, SlidingLog};
///
/// let clock = Manual::new();
/// let limiter = RateLimiter::new(SlidingLog::new("1/10s".parse()?)?, clock.clone());
/// assert!(limiter.try_acquire().is_ok());
/// assert!(limiter.try_acquire().is_err());
/// clock.advance(Duration::from_secs(10));
/// assert!(limiter.try_acquire().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Manual {
    now: Arc<AtomicU64>,
}

impl Manual {
    /// A clock that stands at its origin.
    pub fn new() -> Manual {
        Manual::default()
    }

    /// Moves the clock forward, at most to [`Nanos::MAX`].
    pub fn advance(&self, by: Duration) {
        let by = saturating_nanos(by);
        let moved = |now: u64| Some(now.saturating_add(by));
        // Never `Err`: `moved` always returns a value.
        let _ = self.now.fetch_update(Ordering::AcqRel, Ordering::Acquire, moved);
    }

    /// Moves the clock to `to`, backwards too.
    pub fn set(&self, to: Nanos) {
        self.now.store(to.as_nanos(), Ordering::Release);
    }
}

impl Clock for Manual {
    #[inline]
    fn now(&self) -> Nanos {
        Nanos::from_nanos(self.now.load(Ordering::Acquire))
    }
}
