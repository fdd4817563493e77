//! Which part of a request is the key?

use http::HeaderValue;
use http::header::HeaderName;
use http::request::Parts;

/// The value of the header with this name, as a key. It is marked as sensitive, so that no debug output shows it.
///
/// **Whoever invents a value has a bucket of its own.** So check first that it is one of yours, as the example
/// `axum_server` does, or limit the address, too.
///
/// ```
/// use http::HeaderName;
/// use tollgate::Policy;
/// use tollgate::keyed::KeyedLimiter;
/// use tollgate::tower::server::{RateLimitLayer, header};
///
/// let limiter = KeyedLimiter::strict(Policy::MICROSOFT_365_DEFENDER, 100_000)?;
/// let layer = RateLimitLayer::keyed(limiter, header(HeaderName::from_static("x-api-key")));
/// # Ok::<(), tollgate::Error>(())
/// ```
pub fn header(name: HeaderName) -> impl Fn(&Parts) -> Option<HeaderValue> + Send + Sync + 'static {
    move |request| {
        let mut value = request.headers.get(&name)?.clone();
        value.set_sensitive(true);
        Some(value)
    }
}

/// What `key` makes of the extension of type `T` that the server has put into the request, as a key.
///
/// With axum, this limits each route by its path as it was declared, such as `/users/{id}`, or each route of each caller:
///
/// ```
/// use axum::extract::MatchedPath;
/// use tollgate::Policy;
/// use tollgate::keyed::KeyedLimiter;
/// use tollgate::tower::server::{RateLimitLayer, extension};
///
/// let limiter = KeyedLimiter::strict(Policy::MICROSOFT_365_DEFENDER, 1_000)?;
/// let layer = RateLimitLayer::keyed(limiter, extension(|path: &MatchedPath| path.as_str().to_owned()));
/// # Ok::<(), tollgate::Error>(())
/// ```
pub fn extension<T: Send + Sync + 'static, K>(
    key: impl Fn(&T) -> K + Send + Sync + 'static,
) -> impl Fn(&Parts) -> Option<K> + Send + Sync + 'static {
    move |request| request.extensions.get().map(&key)
}
