//! Why a call has no response.

use alloc::boxed::Box;
use core::convert::Infallible;
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

type BoxError = Box<dyn core::error::Error + Send + Sync>;

impl<E: Into<BoxError>> Error<E> {
    /// As a boxed error, which is what the timeout and the buffer of `tower` take around them, and what they fail with. A
    /// box is no [`Error`](core::error::Error) itself, and so neither is this type around one.
    ///
    /// The error of the inner service becomes a box as it does by itself. The others are found in the box as an
    /// `Error<Infallible>`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::RateLimiter;
    /// use tollgate::tower::client::{Error, RateLimitLayer};
    /// use tollgate::wait::{AsyncIo, FairLimiter};
    /// use tower::{BoxError, Layer, ServiceExt, service_fn};
    ///
    /// # let policy = "1/1h".parse()?;
    /// let server = service_fn(|_: http::Request<()>| async { Ok::<_, BoxError>(http::Response::new(())) });
    /// let layer = RateLimitLayer::new(FairLimiter::new(RateLimiter::exact(policy)?, AsyncIo));
    /// let client = layer.within(Duration::from_secs(1)).layer(server).map_err(Error::into_boxed);
    ///
    /// # futures_lite::future::block_on(async {
    /// client.clone().oneshot(http::Request::new(())).await?;
    /// let error: BoxError = client.oneshot(http::Request::new(())).await.unwrap_err();
    /// assert!(error.to_string().starts_with("the call was not sent"));
    /// # Ok::<(), BoxError>(())
    /// # }).unwrap();
    /// # Ok::<(), BoxError>(())
    /// ```
    pub fn into_boxed(self) -> Box<dyn core::error::Error + Send + Sync> {
        match self {
            Error::Inner(error) => error.into(),
            Error::Refused(error) => Box::new(Error::<Infallible>::Refused(error)),
            Error::NoLimiter(error) => Box::new(Error::<Infallible>::NoLimiter(error)),
        }
    }
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
