//! Why could a table not be built, or a plan not be fitted to it?

use core::fmt;
use core::time::Duration;

use crate::algorithm::BuildError;

/// Why a [`KeyedTable`](super::KeyedTable) could not be built, or a plan could not be fitted to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyedError {
    /// No plan keeps the policy.
    Plan(BuildError),
    /// The table would have no slots.
    Empty,
    /// The memory cannot be had.
    TooLarge {
        /// The slots that were asked for, 8 bytes each.
        slots: usize,
    },
    /// The plan gives permits back faster than the table can count. Another table may be able to: one that is built from
    /// this plan, or from a faster one.
    TooFine {
        /// The time per permit that was asked for.
        interval: Duration,
        /// The shortest time per permit that this table, or any table for an error of its construction, can keep.
        least: Duration,
    },
    /// The burst takes so long to come back that the slots of this table would not last a year.
    TooLong {
        /// The time per permit that was asked for.
        interval: Duration,
        /// The burst that was asked for.
        burst: u32,
    },
}

impl fmt::Display for KeyedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            KeyedError::Plan(error) => error.fmt(f),
            KeyedError::Empty => write!(f, "a keyed table has at least one slot; none was asked for"),
            KeyedError::TooLarge { slots } => write!(
                f,
                "a keyed table of {slots} slots takes 8 bytes for each, and that much memory cannot be had"
            ),
            KeyedError::TooFine { interval, least } => write!(
                f,
                "the plan gives back one permit per {interval:?}, and the slots of this table need at least \
                 {least:?} per permit to last a year; build the table from the fastest of its plans, and if that \
                 is refused as well, give such a caller a limiter of its own"
            ),
            KeyedError::TooLong { interval, burst } => write!(
                f,
                "a burst of {burst} that gives back one permit per {interval:?} takes longer to come back than \
                 the slots of this table can hold; choose a smaller burst, or give such callers a table or a \
                 limiter of their own"
            ),
        }
    }
}

impl core::error::Error for KeyedError {}

impl From<BuildError> for KeyedError {
    fn from(error: BuildError) -> KeyedError {
        KeyedError::Plan(error)
    }
}
