//! Why there is no permit.

use core::fmt;

use crate::decision::Denied;
use crate::nanos::Nanos;

/// Why a [`FairLimiter`](super::FairLimiter) gave no permit. Nothing was charged, and no place in the line is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcquireError {
    /// Not now, said to [`try_acquire`](super::FairLimiter::try_acquire), which does not wait. Beside a line the
    /// retry instant is that of the whole line before the call and the call itself, at the earliest: see
    /// [the promise](super#the-promise).
    Denied(Denied),
    /// Never: more permits than the limiter can ever grant to one call, or an instant past its last one.
    Never(Denied),
    /// Not before the deadline: the promised instant lies past it. Said at once where it is known at once.
    TooLate(Denied),
    /// The line is as long as it may be.
    Full {
        /// How many may wait.
        bound: usize,
    },
}

impl AcquireError {
    /// The limiter's own words; `None` if the line was full.
    pub const fn denied(&self) -> Option<&Denied> {
        match self {
            AcquireError::Denied(denied) | AcquireError::Never(denied) | AcquireError::TooLate(denied) => {
                Some(denied)
            }
            AcquireError::Full { .. } => None,
        }
    }

    /// The instant from which a retry is granted, as [`Denied::retry_at`]; `None` also if the line was full.
    pub const fn retry_at(&self) -> Option<Nanos> {
        match self.denied() {
            Some(denied) => denied.retry_at(),
            None => None,
        }
    }

    /// Why a call that may wait until `deadline` gives up at once; `None` if it should wait.
    pub(super) fn for_good(denied: Denied, deadline: Nanos) -> Option<AcquireError> {
        match denied.retry_at() {
            None => Some(AcquireError::Never(denied)),
            Some(at) if at > deadline => Some(AcquireError::TooLate(denied)),
            Some(_) => None,
        }
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AcquireError::Denied(denied) | AcquireError::Never(denied) => denied.fmt(f),
            AcquireError::TooLate(denied) => write!(f, "no permit before the deadline: {denied}"),
            AcquireError::Full { bound } => write!(f, "no more than {bound} may wait for a permit"),
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
