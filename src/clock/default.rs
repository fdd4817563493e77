//! The clock that limiters use unless told otherwise.

use core::time::Duration;

use super::Clock;
#[cfg(not(feature = "quanta"))]
use super::Monotonic as Fastest;
#[cfg(all(feature = "quanta", target_family = "wasm"))]
use super::Quanta as Fastest;
#[cfg(all(feature = "quanta", not(target_family = "wasm")))]
use super::process::ProcessClock as Fastest;
use crate::nanos::Nanos;

/// The clock that limiters use unless told otherwise: as right as the operating system's monotonic clock, and with the
/// feature `quanta` as cheap as the CPU's counter.
///
/// It is the same type whatever the features are, so turning a feature on breaks no code.
///
/// # With the feature `quanta`
///
/// A reading costs about 10 ns instead of the 25 or more of [`Monotonic`](crate::Monotonic). It reads the CPU's counter and
/// converts the count by the rate that was measured against the operating system's clock during the last
/// milliseconds. Every 100 us, the next thread that reads compares the two again, which costs that reading about
/// 80 ns. All clocks of a process share this work, and a clock is two words. No reading blocks.
///
/// - **A reading is never ahead of the system's clock, and less than 1 us behind.** So two readings can lie in the
///   wrong order by less than 1 us. [`max_error`](Clock::max_error) says 1 us; `RateLimiter::exact` and `strict`
///   lengthen every window by that.
/// - **The system's clock answers instead** for the first 16 ms of a process, and when the counter cannot be trusted: it
///   is not invariant, the system's clock takes more than 0.2 us to read, or the counter has jumped, was reset,
///   differs between cores, or has changed its rate. After such a fault the counter is left alone for a second, twice
///   as long after each further one, at most 4096 s.
/// - **What it cannot see.** A fault is noticed at the next comparison. In the 100 us before that, readings can be ahead
///   of the system's clock:
///   - by a jump forward of the counter, if the jump is shorter than 100 us;
///   - by what a counter gains in that time that became faster, because a virtual machine was moved to another host;
///   - by up to 9 us if the system's clock is slowed by more than 2000 millionths at once. (`ntpd` changes its rate by
///     up to 500 millionths, `chronyd` in a hurry by 83,000.)
///
///   If a reading is less than 0.4 us ahead, this may stay unnoticed for 8 ms.
/// - **A counter that stops** while the process runs makes the clock stand still. A limiter then refuses, as if no
///   time passed. Once the counter moves on, the clock is right again within 100 us. Counters of current CPUs
///   do not stop.
///
/// The first clock of a process takes a millisecond to make, because `quanta` measures the counter's rate when it is
/// started. This takes up to 200 ms where it is hard. The rate that it finds is not used.
///
/// # Without the feature `quanta`
///
/// It is [`Monotonic`](crate::Monotonic).
#[derive(Clone, Debug, Default)]
pub struct DefaultClock(Fastest);

impl DefaultClock {
    /// A clock whose origin is now.
    pub fn new() -> DefaultClock {
        DefaultClock::default()
    }
}

impl Clock for DefaultClock {
    #[inline]
    fn now(&self) -> Nanos {
        self.0.now()
    }

    #[inline]
    fn max_error(&self) -> Duration {
        self.0.max_error()
    }
}
