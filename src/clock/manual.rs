//! A clock that is moved by hand.

use alloc::sync::Arc;
use core::time::Duration;

use super::Clock;
use crate::nanos::{Nanos, saturating_nanos};
use crate::sync::{AtomicU64, Ordering};

/// A clock that stands still until it is moved: for tests and for virtual time.
///
/// Clones share one time. If a thread sees that the clock has moved, it also sees what the thread that moved it did
/// before.
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

    /// Moves the clock to `to`, forwards or backwards.
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
