//! One anchored clock for the whole process, read from many origins.

use core::fmt;
use core::time::Duration;
use std::sync::OnceLock;
use std::time::Instant;

use super::Clock;
use super::anchor::MAX_ERROR;
use super::anchored::{Anchored, Counter, System};
use crate::nanos::{Nanos, saturating_nanos};

static SHARED: OnceLock<Shared> = OnceLock::new();

struct Shared {
    anchored: Anchored<::quanta::Clock, SinceStart>,
    /// Whether there is a counter. Without one, `quanta` reads the system's clock, so reading `quanta` gains nothing.
    counts: bool,
}

/// The system's monotonic clock, in nanoseconds since this value was made.
struct SinceStart(Instant);

impl System for SinceStart {
    #[inline]
    fn nanos(&self) -> u64 {
        saturating_nanos(self.0.elapsed())
    }
}

impl Counter for ::quanta::Clock {
    #[inline]
    fn count(&self) -> u64 {
        self.raw()
    }
}

impl Shared {
    fn start() -> Shared {
        let counter = ::quanta::Clock::new();
        // If counts are nanoseconds without any calibration, they come from the system's clock.
        let counts = counter.delta_as_nanos(0, 1 << 40) != 1 << 40;
        Shared { anchored: Anchored::new(counter, SinceStart(Instant::now())), counts }
    }

    #[inline]
    fn now(&self) -> u64 {
        if self.counts { self.anchored.now() } else { self.anchored.system().nanos() }
    }
}

/// The process's clock, counted from the moment this value was made.
#[derive(Clone)]
pub(super) struct ProcessClock {
    shared: &'static Shared,
    /// When this value was made, by the system's clock.
    origin: u64,
}

impl Default for ProcessClock {
    fn default() -> ProcessClock {
        let shared = SHARED.get_or_init(Shared::start);
        ProcessClock { shared, origin: shared.anchored.system().nanos() }
    }
}

impl Clock for ProcessClock {
    #[inline]
    fn now(&self) -> Nanos {
        Nanos::from_nanos(self.shared.now().saturating_sub(self.origin))
    }

    fn max_error(&self) -> Duration {
        if self.shared.counts { Duration::from_nanos(MAX_ERROR) } else { Duration::ZERO }
    }
}

impl fmt::Debug for ProcessClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessClock").field("now", &self.now()).finish()
    }
}
