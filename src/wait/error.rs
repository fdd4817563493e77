//! Why there is no permit.

use core::fmt;

use crate::decision::Denied;
use crate::nanos::Nanos;

/// Why a [`FairLimiter`](super::FairLimiter) gave no permit. Nothing was charged, and no place in the queue is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcquireError {
    /// Not now: said to [`try_acquire`](super::FairLimiter::try_acquire), which does not wait. While others wait, the
    /// retry instant is the earliest at which they and this call can all have their permits. There is none if the limiter
    /// is paused until it is resumed.
    Denied(Denied),
    /// Never: the call asks for more permits than the limiter can ever grant to one call, or the instant lies past
    /// the last one that the limiter can represent.
    Never(Denied),
    /// Not before the deadline. Said at once if the earliest possible instant lies past the deadline, and else when the
    /// deadline has passed.
    TooLate(Denied),
    /// As many wait as may wait, and there is no permit now.
    Full {
        /// How many may wait.
        bound: usize,
    },
    /// The timer ended many sleeps in a row at once, while the limiter's clock stood still: they do not keep the same
    /// time. So it is with tokio's paused time and a clock of real time: let
    /// [`FairLimiter::tokio`](super::FairLimiter::tokio) make the limiter.
    TimerTooFast,
}

impl AcquireError {
    /// The limiter's own words; `None` if there are none.
    pub const fn denied(&self) -> Option<&Denied> {
        match self {
            AcquireError::Denied(denied) | AcquireError::Never(denied) | AcquireError::TooLate(denied) => {
                Some(denied)
            }
            AcquireError::Full { .. } | AcquireError::TimerTooFast => None,
        }
    }

    /// The instant from which a retry is granted, as [`Denied::retry_at`]; `None` also if there are no
    /// words of the limiter.
    pub const fn retry_at(&self) -> Option<Nanos> {
        match self.denied() {
            Some(denied) => denied.retry_at(),
            None => None,
        }
    }

    /// When a call that may wait until `deadline` should try again, or why it gives up.
    pub(super) fn until(denied: Denied, deadline: Nanos) -> Result<Nanos, AcquireError> {
        // A pause without an end is over when the limiter is resumed.
        let paused = denied.is_paused().then_some(Nanos::MAX);
        match denied.retry_at().or(paused) {
            None => Err(AcquireError::Never(denied)),
            Some(at) if at > deadline => Err(AcquireError::TooLate(denied)),
            Some(at) => Ok(at),
        }
    }

    /// Why a call that may wait until `deadline` gives up at once; `None` if it should wait.
    pub(super) fn for_good(denied: Denied, deadline: Nanos) -> Option<AcquireError> {
        AcquireError::until(denied, deadline).err()
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcquireError::Denied(denied) | AcquireError::Never(denied) => denied.fmt(f),
            AcquireError::TooLate(denied) => write!(f, "no permit before the deadline: {denied}"),
            AcquireError::Full { bound } => write!(f, "no more than {bound} may wait for a permit"),
            AcquireError::TimerTooFast => f.write_str(
                "the timer does not keep the time of the limiter's clock: its sleeps are over at once, as in tokio's \
                 paused time with a clock of real time",
            ),
        }
    }
}

impl core::error::Error for AcquireError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            AcquireError::TooLate(denied) => Some(denied),
            _ => None,
        }
    }
}
