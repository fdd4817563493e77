//! Time as the core sees it: whole nanoseconds since the origin of some clock.

use core::fmt;
use core::time::Duration;

/// An instant: whole nanoseconds since the origin of the clock that produced it.
///
/// Every decision takes an instant as an argument, so a decision never reads a clock. Each clock has its own origin
/// (process start, boot, the first event of a trace), so instants of different clocks must not be mixed. Arithmetic
/// saturates: nothing wraps, and nothing panics.
///
/// # The origin must be recent
///
/// Timestamps overflow in a limiter earlier than in a `u64` of nanoseconds (584 years), because its state is small. For
/// 50/min and 1500/h, those of the sliding log overflow after 36 years, and those of the nominal token bucket after 8.7. No
/// limiter's timestamps overflow before one year. After that, time stands still for the limiter: once its permits are
/// spent, it refuses all calls. So do not count from the Unix epoch; count from a recent start.
///
/// A limiter remembers an instant far in the future like any other. A permit that is granted at such an instant stays
/// charged until then.
///
/// ```
/// use core::time::Duration;
/// use tollgate::Nanos;
///
/// let t = Nanos::from_secs(60).saturating_add(Duration::from_millis(5));
/// assert_eq!(t.as_nanos(), 60_005_000_000);
/// assert_eq!(t.to_string(), "60.005s");
/// assert_eq!(Nanos::MAX.saturating_add(Duration::from_secs(1)), Nanos::MAX);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Nanos(u64);

impl Nanos {
    /// The origin of the clock.
    pub const ZERO: Nanos = Nanos(0);

    /// The last instant that can be represented.
    pub const MAX: Nanos = Nanos(u64::MAX);

    /// The instant `nanos` nanoseconds after the origin.
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Nanos {
        Nanos(nanos)
    }

    /// The instant `secs` seconds after the origin, at most [`Nanos::MAX`].
    #[inline]
    pub const fn from_secs(secs: u64) -> Nanos {
        Nanos(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the origin.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The instant `duration` later, at most [`Nanos::MAX`].
    #[inline]
    #[must_use = "this returns the later instant and leaves the original as it was"]
    pub const fn saturating_add(self, duration: Duration) -> Nanos {
        Nanos(self.0.saturating_add(saturating_nanos(duration)))
    }

    /// How long after `earlier` this instant is. Zero if it is not after `earlier`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tollgate::Nanos;
    /// let (a, b) = (Nanos::from_secs(1), Nanos::from_secs(3));
    /// assert_eq!(b.saturating_duration_since(a), Duration::from_secs(2));
    /// assert_eq!(a.saturating_duration_since(b), Duration::ZERO);
    /// ```
    #[inline]
    pub const fn saturating_duration_since(self, earlier: Nanos) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Seconds, with as many decimals as are needed to be exact.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, mut frac) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        if frac == 0 {
            return write!(f, "{secs}s");
        }
        let mut digits = 9;
        while frac % 10 == 0 {
            frac /= 10;
            digits -= 1;
        }
        write!(f, "{secs}.{frac:0digits$}s")
    }
}

/// The nanoseconds of `duration`, or `u64::MAX` if they do not fit.
#[expect(clippy::cast_possible_truncation, reason = "checked")]
pub(crate) const fn saturating_nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}
