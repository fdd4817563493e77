//! Which limiter does a request wait for?

use alloc::sync::Arc;
use core::fmt;
use core::hash::Hash;

use http::header::HOST;
use http::uri::Authority;

use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::keyed::KeyedMap;
use crate::wait::{FairLimiter, Timer};

/// Which limiter a request waits for: a [`FairLimiter`] for all requests, or [`PerHost`]. Implement it for a choice of your
/// own.
pub trait Limits<Request> {
    /// The algorithm of the limiter.
    type Algorithm: Algorithm + ?Sized + 'static;
    /// Its clock.
    type Clock: Clock + 'static;
    /// Its timer.
    type Timer: Timer + 'static;

    /// The limiter of this request. Its pauses and what it grants must hold for all that the request's server counts
    /// together.
    ///
    /// # Errors
    ///
    /// The request is then not sent, and the caller has this error in [`Error::NoLimiter`](super::Error::NoLimiter).
    fn limiter(&self, request: &Request) -> Result<LimiterOf<Self, Request>, crate::Error>;
}

/// The limiter that some [`Limits`] choose.
pub type LimiterOf<L, Request> = FairLimiter<
    <L as Limits<Request>>::Algorithm,
    <L as Limits<Request>>::Clock,
    <L as Limits<Request>>::Timer,
>;

/// One limiter for all requests.
impl<Request, A, C, T> Limits<Request> for FairLimiter<A, C, T>
where
    A: Algorithm + ?Sized + 'static,
    C: Clock + 'static,
    T: Timer + 'static,
{
    type Algorithm = A;
    type Clock = C;
    type Timer = T;

    fn limiter(&self, _: &Request) -> Result<Self, crate::Error> {
        Ok(self.clone())
    }
}

/// A limiter for each host, or for whatever else a request is counted by, and a bound on how many there are.
///
/// A limiter is made when the first request for its host comes. It is dropped only when nothing is charged to it, it is not
/// paused and no call waits for it or is under way; and only to make room for another host. While the map is full of
/// others, a new host is refused by [`MapFull`](crate::keyed::MapFull). It is not sent through a limiter that several hosts share:
/// when it got one of its own later, what it had spent would be forgotten.
///
/// ```
/// use tollgate::tower::client::{PerHost, RateLimitLayer, authority};
/// use tollgate::wait::{AsyncIo, FairLimiter};
/// use tollgate::RateLimiter;
///
/// let policy = "5/1s".parse()?;
/// let hosts = PerHost::new(100, authority::<String>, move |_| Ok(FairLimiter::new(RateLimiter::exact(policy)?, AsyncIo)));
/// let layer = RateLimitLayer::new(hosts);
/// # drop(layer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With tokio, all limiters share one `Tokio`, which is made in the runtime:
///
/// ```
/// use reqwest::Request;
/// use tollgate::tower::client::PerHost;
/// use tollgate::wait::{FairLimiter, Tokio};
/// use tollgate::{RateLimiter, SlidingLog};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = "5/1s".parse()?;
/// let time = Tokio::new()?;
/// let host = |request: &Request| request.url().host_str().map(str::to_owned);
/// let hosts = PerHost::new(100, host, move |_| {
///     let limiter = RateLimiter::new(SlidingLog::new(policy)?, time.clone());
///     Ok(FairLimiter::new(limiter, time.clone()))
/// });
/// # drop(hosts);
/// # Ok(())
/// # }
/// ```
pub struct PerHost<K, F, M, A: Algorithm + ?Sized, C: Clock, T: Timer> {
    hosts: Arc<Hosts<K, F, M, A, C, T>>,
}

struct Hosts<K, F, M, A: Algorithm + ?Sized, C: Clock, T: Timer> {
    limiters: KeyedMap<K, FairLimiter<A, C, T>>,
    key: F,
    make: M,
}

impl<K, F, M, A, C, T> PerHost<K, F, M, A, C, T>
where
    K: Hash + Eq + Clone,
    A: Algorithm + ?Sized,
    C: Clock,
    T: Timer,
{
    /// Limiters for at most `hosts` hosts. `key` tells the host of a request, and `make` makes the limiter of a host.
    ///
    /// For requests of the crate `http` the key is [`authority`]. For others it is a closure, such as
    /// `|request: &reqwest::Request| request.url().host_str().map(str::to_owned)`.
    pub fn new<Request>(hosts: usize, key: F, make: M) -> Self
    where
        F: Fn(&Request) -> K,
        M: Fn(&K) -> Result<FairLimiter<A, C, T>, crate::Error>,
    {
        PerHost { hosts: Arc::new(Hosts { limiters: KeyedMap::new(hosts), key, make }) }
    }
}

impl<Request, K, F, M, A, C, T> Limits<Request> for PerHost<K, F, M, A, C, T>
where
    K: Hash + Eq + Clone,
    F: Fn(&Request) -> K,
    M: Fn(&K) -> Result<FairLimiter<A, C, T>, crate::Error>,
    A: Algorithm + ?Sized + 'static,
    C: Clock + 'static,
    T: Timer + 'static,
{
    type Algorithm = A;
    type Clock = C;
    type Timer = T;

    fn limiter(&self, request: &Request) -> Result<FairLimiter<A, C, T>, crate::Error> {
        let Hosts { limiters, key, make } = &*self.hosts;
        let key = key(request);
        limiters.get_or_insert(&key, || make(&key))
    }
}

/// The host and the port to which a request goes, as its URI has them, or else its field `Host`; without a name and a
/// password. Upper and lower case are the same. `None` if the request names no host: such requests share one limiter.
///
/// A port counts only if it is written: `example.com` and `example.com:443` are two hosts.
pub fn authority<B>(request: &http::Request<B>) -> Option<Authority> {
    let Some(authority) = request.uri().authority() else {
        return Authority::try_from(request.headers().get(HOST)?.as_bytes()).ok();
    };
    match authority.as_str().rsplit_once('@') {
        Some((_, host)) => host.parse().ok(),
        None => Some(authority.clone()),
    }
}

impl<K, F, M, A: Algorithm + ?Sized, C: Clock, T: Timer> Clone for PerHost<K, F, M, A, C, T> {
    fn clone(&self) -> Self {
        PerHost { hosts: Arc::clone(&self.hosts) }
    }
}

/// Without the hosts.
impl<K, F, M, A: Algorithm + ?Sized, C: Clock, T: Timer> fmt::Debug for PerHost<K, F, M, A, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerHost").field("limiters", &self.hosts.limiters).finish_non_exhaustive()
    }
}
