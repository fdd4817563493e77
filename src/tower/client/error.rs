//! Why a call has no response.

use core::fmt;

use crate::wait::AcquireError;

/// Why a call has no response. It tells apart what the inner service said and what was decided here, before anything
/// was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The inner service failed. This is its own error, unchanged.
    Inner(E),
    /// The call was given no permit: its deadline cannot be met, too many wait, or it costs more than the limiter ever
    /// grants. Nothing was sent, or nothing after the responses that were refused and were to be repeated.
    Refused(AcquireError),
    /// There is no limiter for the call's host: [`PerHost`](super::PerHost) has no room for one more
    /// ([`MapFull`](crate::Error::MapFull)), or the function that makes limiters failed. Nothing was sent.
    NoLimiter(crate::Error),
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Inner(error) => error.fmt(f),
            Error::Refused(error) => write!(f, "the call was not sent: {error}"),
            Error::NoLimiter(error) => write!(f, "the call was not sent, because it has no limiter: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Error::Inner(error) => error.source(),
            Error::Refused(error) => Some(error),
            Error::NoLimiter(error) => Some(error),
        }
    }
}
