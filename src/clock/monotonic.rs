//! The clock of the operating system.

use super::Clock;
use crate::nanos::Nanos;

/// The operating system's monotonic clock, counted from the moment this value was made.
///
/// It reads [`std::time::Instant`], which costs 20 to 60 ns. The operating system decides whether time passes
/// while the machine sleeps. On Linux it does not, which only makes a limiter stricter.
#[derive(Clone, Copy, Debug)]
pub struct Monotonic {
    origin: std::time::Instant,
}

impl Monotonic {
    /// A clock whose origin is now.
    pub fn new() -> Monotonic {
        Monotonic { origin: std::time::Instant::now() }
    }
}

impl Default for Monotonic {
    fn default() -> Monotonic {
        Monotonic::new()
    }
}

impl Clock for Monotonic {
    #[inline]
    fn now(&self) -> Nanos {
        Nanos::ZERO.saturating_add(self.origin.elapsed())
    }
}
