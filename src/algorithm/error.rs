//! Why a limiter could not be built for a policy.

use core::fmt;

use crate::quota::PolicyError;

/// Why a limiter could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The burst is 0 or above the smallest limit of the policy.
    BurstOutOfRange {
        /// The burst that was asked for.
        burst: u32,
        /// The largest that the policy allows.
        max: u32,
    },
    /// The limiter's state cannot hold fine enough timestamps for a year: rounding would cost more than one part in ten
    /// thousand of the rate. The rate is too high, or the lengths of the windows are too different.
    Unrepresentable {
        /// The quota, counted from 0, that needs the finest timestamps.
        quota: usize,
    },
    /// No word of 64 bits holds a strict sliding-window counter of the policy for a year.
    ///
    /// The word must hold the smallest limit once in full and at least once in part. It must also hold the windows of a year,
    /// and the time until the longest quota is full again.
    NoCounterFits {
        /// The quota with the smallest limit, counted from 0. It is the one that would be counted.
        quota: usize,
    },
    /// The log would need more memory than there is.
    TooLarge {
        /// The largest limit of the policy. The log keeps one timestamp for each of its permits.
        limit: u32,
    },
    /// The policy is not valid, or it is no longer valid when its windows are lengthened by the error of the limiter's
    /// clock.
    Policy(PolicyError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            BuildError::BurstOutOfRange { burst, max } => {
                write!(f, "a burst of {burst} is outside 1 to {max}, the smallest limit of the policy")
            }
            BuildError::Unrepresentable { quota } => write!(
                f,
                "quota {quota} (counted from 0) needs a finer clock than the state words can keep for a \
                 year; lower its limit, lengthen its window for the same limit, or choose another algorithm"
            ),
            BuildError::NoCounterFits { quota } => write!(
                f,
                "a sliding-window counter of quota {quota} (counted from 0) beside the other quotas does not fit into \
                 a word of 64 bits for a year; choose a strict token bucket, whose burst is smaller, or a sliding \
                 log, which needs more memory"
            ),
            BuildError::TooLarge { limit } => write!(
                f,
                "a sliding log for a limit of {limit} keeps 8 bytes for each permit, and that much memory \
                 cannot be had; choose a token bucket, which needs none"
            ),
            BuildError::Policy(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            BuildError::Policy(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PolicyError> for BuildError {
    fn from(error: PolicyError) -> BuildError {
        BuildError::Policy(error)
    }
}
