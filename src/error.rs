//! One type for every error of the crate.

use core::fmt;

use crate::algorithm::BuildError;
use crate::decision::Denied;
use crate::keyed::KeyedError;
#[cfg(feature = "std")]
use crate::keyed::{MapFull, Refused};
use crate::quota::{ParsePolicyError, PolicyError};
use crate::together::DeniedBy;
#[cfg(feature = "wait")]
use crate::wait::AcquireError;

/// Any error of this crate, for functions in which several kinds meet: `?` turns each of them into it.
///
/// It says what the error inside says, and has the same source.
///
/// ```
/// use tollgate::{Error, RateLimiter};
///
/// fn call(policy: &str) -> Result<(), Error> {
///     let limiter = RateLimiter::exact(policy.parse()?)?;
///     limiter.try_acquire()?;
///     Ok(())
/// }
///
/// assert!(call("50/minute, 1500/hour").is_ok());
/// assert!(matches!(call("50 a minute"), Err(Error::Parse(_))));
/// assert!(matches!(call("4294967295/s"), Err(Error::Build(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A text is not a policy.
    Parse(ParsePolicyError),
    /// Quotas are not a policy.
    Policy(PolicyError),
    /// A limiter cannot be built for a policy.
    Build(BuildError),
    /// A table of keyed limits cannot be built, or a plan does not fit it.
    Keyed(KeyedError),
    /// A map of limiters has no room for a new key.
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    MapFull(MapFull),
    /// A call was refused.
    Denied(Denied),
    /// A call was refused by one of several limiters.
    DeniedBy(DeniedBy),
    /// A call that waited was given no permit.
    #[cfg(feature = "wait")]
    #[cfg_attr(docsrs, doc(cfg(feature = "wait")))]
    Acquire(AcquireError),
}

impl Error {
    fn inner(&self) -> &(dyn core::error::Error + 'static) {
        match self {
            Error::Parse(error) => error,
            Error::Policy(error) => error,
            Error::Build(error) => error,
            Error::Keyed(error) => error,
            #[cfg(feature = "std")]
            Error::MapFull(error) => error,
            Error::Denied(denied) => denied,
            Error::DeniedBy(denied) => denied,
            #[cfg(feature = "wait")]
            Error::Acquire(error) => error,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.inner(), f)
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.inner().source()
    }
}

impl From<ParsePolicyError> for Error {
    fn from(error: ParsePolicyError) -> Error {
        Error::Parse(error)
    }
}

impl From<PolicyError> for Error {
    fn from(error: PolicyError) -> Error {
        Error::Policy(error)
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Error {
        Error::Build(error)
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Error {
        Error::Denied(denied)
    }
}

impl From<KeyedError> for Error {
    fn from(error: KeyedError) -> Error {
        Error::Keyed(error)
    }
}

#[cfg(feature = "std")]
impl From<MapFull> for Error {
    fn from(error: MapFull) -> Error {
        Error::MapFull(error)
    }
}

#[cfg(feature = "std")]
impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        match refused {
            Refused::Denied(denied) => Error::Denied(denied),
            Refused::Full(full) => Error::MapFull(full),
        }
    }
}

impl From<DeniedBy> for Error {
    fn from(denied: DeniedBy) -> Error {
        Error::DeniedBy(denied)
    }
}

#[cfg(feature = "wait")]
impl From<AcquireError> for Error {
    fn from(error: AcquireError) -> Error {
        Error::Acquire(error)
    }
}
