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
/// milliseconds. Every 100 us, one of the readings compares the two again, which costs that reading about 80 ns. If
/// readings are more than 0.1 ms apart, each costs about 40 ns more than one of `Monotonic`. All clocks of a process
/// share this work, and a clock is two words. No reading blocks.
///
/// - **A reading is never ahead of the system's clock, and less than 1 us behind**, as long as the counter counts evenly. So
///   two readings can lie in the wrong order by less than 1 us. [`max_error`](Clock::max_error) says 1 us, and
///   `RateLimiter::exact` and `strict` lengthen every window by that.
/// - **The system's clock answers instead** for the first 16 ms of a process, and when the counter cannot be trusted: it
///   is not invariant, the system's clock takes more than 0.4 us to read, or the counter has jumped, was reset,
///   differs between cores, or has changed its rate. After such a fault the counter is not used for a second. This
///   time doubles with each fault that came before, up to 4096 s. One fault is forgiven in 4096 s. So a laptop whose counter
///   runs on while it sleeps does without the counter for a few seconds each time it wakes, unless it sleeps more often
///   than about once in 70 minutes of work.
///
/// The first clock of a process takes a millisecond to make, because `quanta` measures the counter's rate when it is
/// started. This takes up to 200 ms where it is hard. The rate that it finds is not used.
///
/// # What it cannot see
///
/// A fault of the counter is noticed, or its effect ends, at the next comparison. Until then, for 100 us by the counter,
/// readings can be ahead of the system's clock or late.
///
/// Readings are ahead:
///
/// - by a jump forward of the counter, if the jump is shorter than 100 us;
/// - by what the counter gains in that time if it becomes faster, because a virtual machine was moved to another host;
/// - by up to 9 us if the system's clock is slowed by more than 2000 millionths at once. `ntpd` changes its rate by up
///   to 500 millionths. `chronyd` changes it by up to 83,000 if it has a large error to correct.
///
/// Readings that are less than 0.5 us ahead can stay unnoticed for 8 ms.
///
/// Readings are late:
///
/// - by a jump back of the counter, if the jump is shorter than 100 us;
/// - by what the counter loses in that time if it becomes slower, which is 100 us if its rate is halved;
/// - by as long as the counter stops. The clock then stands still, and it is right again within 100 us once the counter
///   moves on. The counters of current CPUs do not stop while the system's clock goes on.
///
/// Either makes a limiter grant too much in true time. A reading that is ahead lets a permit through too early. A permit that
/// is granted by a late reading counts as older than it is, so it leaves its window too early. A window is then shorter
/// than the policy says by as much as the reading was wrong: by 100 us at most, except for a counter that stops or loses
/// more than half its rate. After a stop as long as a window, the whole limit may be granted twice. If this matters to
/// you, use [`Monotonic`](crate::Monotonic). A [guard](crate::Policy::with_guard) of 100 us is enough for all but the
/// stop.
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
