//! Until when somebody waits.

use core::time::Duration;
use std::time::Instant;

use crate::clock::Clock;
use crate::nanos::Nanos;

/// An instant until which a call may wait: [`Nanos`] by the limiter's clock, [`std::time::Instant`], or tokio's `Instant`
/// with the feature `tokio`.
///
/// Instants of other clocks are turned into the limiter's when they are given, by what is left until then.
pub trait Deadline: sealed::Sealed {
    #[doc(hidden)]
    fn on<C: Clock>(self, clock: &C) -> Nanos;
}

impl Deadline for Nanos {
    fn on<C: Clock>(self, _: &C) -> Nanos {
        self
    }
}

impl Deadline for Instant {
    fn on<C: Clock>(self, clock: &C) -> Nanos {
        let now = Instant::now();
        at(clock.now(), self.saturating_duration_since(now), now.saturating_duration_since(self))
    }
}

#[cfg(feature = "tokio")]
impl Deadline for tokio::time::Instant {
    fn on<C: Clock>(self, clock: &C) -> Nanos {
        let now = tokio::time::Instant::now();
        at(clock.now(), self.saturating_duration_since(now), now.saturating_duration_since(self))
    }
}

/// The instant that is so long ahead of `now`, or so long past.
fn at(now: Nanos, ahead: Duration, past: Duration) -> Nanos {
    let past = crate::nanos::saturating_nanos(past);
    Nanos::from_nanos(now.as_nanos().saturating_sub(past)).saturating_add(ahead)
}

mod sealed {
    #[allow(unreachable_pub, reason = "it seals a public trait")]
    pub trait Sealed {}

    impl Sealed for crate::nanos::Nanos {}
    impl Sealed for std::time::Instant {}
    #[cfg(feature = "tokio")]
    impl Sealed for tokio::time::Instant {}
}
