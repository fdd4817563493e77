//! The counter of the CPU, with a rate that is measured once.

use ::quanta::{Clock as Counter, Instant};

use super::Clock;
use crate::nanos::Nanos;

/// The CPU's time-stamp counter as the crate `quanta` reads it, counted from the moment this value was made.
///
/// **It does not keep true time, so limits on this clock are not exact.** `quanta` measures the counter's rate once, when
/// the process makes its first clock, usually in less than a millisecond. An error of 20 to 80 millionths is common.
/// That is 72 to 288 ms in an hour, and nothing corrects it later. After a suspend, or when a virtual machine moves to
/// another host, the counter may go on from another value or at another rate, and this clock follows it.
///
/// No bound of its error is known. So [`max_error`](Clock::max_error) is zero and [`widen`](Clock::widen) lengthens no window.
/// That does not mean that it is exact. Give the policy a [guard](crate::Policy::with_guard) that is longer than the error
/// over its longest window: 300 ms for a window of an hour, if the rate is wrong by up to 80 millionths.
///
/// [`DefaultClock`](crate::DefaultClock) costs no more and corrects all of this. `Quanta` is there to compare with.
///
/// Where the counter is not invariant, `quanta` reads the system's monotonic clock instead.
#[derive(Clone, Debug)]
pub struct Quanta {
    clock: Counter,
    origin: Instant,
}

impl Quanta {
    /// A clock whose origin is now. The first clock of a process takes a millisecond to make, or up to 200 ms where the
    /// counter is hard to measure.
    pub fn new() -> Quanta {
        let clock = Counter::new();
        let origin = clock.now();
        Quanta { clock, origin }
    }
}

impl Default for Quanta {
    fn default() -> Quanta {
        Quanta::new()
    }
}

impl Clock for Quanta {
    #[inline]
    fn now(&self) -> Nanos {
        Nanos::ZERO.saturating_add(self.clock.now().saturating_duration_since(self.origin))
    }
}
