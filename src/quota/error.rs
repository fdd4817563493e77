//! Why a policy was refused.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::text::Written;
use super::{Name, Policy};

/// Why [`Policy::new`] or [`Policy::with_guard`] refused. Quotas are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// No quota was given.
    Empty,
    /// More than [`Policy::MAX_QUOTAS`] were given.
    TooManyQuotas {
        /// How many were given.
        count: usize,
    },
    /// A limit is 0.
    ZeroLimit {
        /// Which quota.
        quota: usize,
    },
    /// A window is 0.
    ZeroWindow {
        /// Which quota.
        quota: usize,
    },
    /// A window and the guard together are above [`Policy::MAX_WINDOW`].
    WindowTooLong {
        /// Which quota.
        quota: usize,
        /// Its window.
        window: Duration,
        /// The guard that would be added to it.
        guard: Duration,
    },
    /// Two quotas have the same window: the one with the larger limit would have no effect.
    DuplicateWindow {
        /// Which quota.
        quota: usize,
        /// The earlier quota with the same window.
        earlier: usize,
        /// The window that both have.
        window: Duration,
    },
    /// A name is longer than 15 bytes, or has a character other than ASCII letters, digits, `-`, `_`, `.`.
    InvalidName {
        /// Which quota.
        quota: usize,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            PolicyError::Empty => {
                write!(f, "a policy has 1 to {} quotas; none was given", Policy::MAX_QUOTAS)
            }
            PolicyError::TooManyQuotas { count } => {
                write!(f, "a policy has 1 to {} quotas; {count} were given", Policy::MAX_QUOTAS)
            }
            PolicyError::ZeroLimit { quota } => {
                write!(f, "quota {quota} (counted from 0) has limit 0; a limit is at least 1")
            }
            PolicyError::ZeroWindow { quota } => {
                write!(f, "quota {quota} (counted from 0) has a window of 0; a window is at least 1ns")
            }
            PolicyError::WindowTooLong { quota, window, guard } => write!(
                f,
                "quota {quota} (counted from 0) has a window of {window:?} and a guard of {guard:?}; \
                 together they are at most {} (146 years)",
                Written(Policy::MAX_WINDOW)
            ),
            PolicyError::DuplicateWindow { quota, earlier, window } => write!(
                f,
                "quotas {earlier} and {quota} (counted from 0) both have the window {}; \
                 windows must differ, because the larger limit would have no effect",
                Written(window)
            ),
            PolicyError::InvalidName { quota } => write!(
                f,
                "quota {quota} (counted from 0) has a name that is longer than {} bytes or has a \
                 character other than ASCII letters, digits, '-', '_' and '.'",
                Name::MAX
            ),
        }
    }
}

impl core::error::Error for PolicyError {}

/// Why a text is not a [`Policy`], or not a [`Quota`](super::Quota).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParsePolicyError {
    /// A part of the text cannot be read.
    Syntax {
        /// The part, as it is in the text. If it is longer than [`ParsePolicyError::MOST_QUOTED`] characters, only its beginning,
        /// and `…`.
        part: String,
        /// The byte at which the part begins.
        at: usize,
        /// What was expected there, in words.
        expected: &'static str,
    },
    /// The text can be read, but the quotas in it are not a policy.
    Policy(PolicyError),
}

impl ParsePolicyError {
    /// How many characters of a bad text an error repeats at most, as they are printed.
    pub const MOST_QUOTED: usize = 40;
}

impl fmt::Display for ParsePolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParsePolicyError::Syntax { part, at, expected } => {
                write!(f, "cannot read {part:?} at byte {at}: expected {expected}")
            }
            ParsePolicyError::Policy(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ParsePolicyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            ParsePolicyError::Syntax { .. } => None,
            ParsePolicyError::Policy(error) => Some(error),
        }
    }
}

impl From<PolicyError> for ParsePolicyError {
    fn from(error: PolicyError) -> Self {
        ParsePolicyError::Policy(error)
    }
}
