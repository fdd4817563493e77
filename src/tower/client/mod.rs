//! The layer of a client: each call waits for its turn, and what the server says is heeded.
//!
//! It goes around reqwest, the client of hyper-util, or any other `tower` service that can be cloned. This client makes 50
//! calls a minute and 1500 an hour at most, whatever number of tasks share it. A guard of a second covers what the server
//! sees differently.
//!
//! ```no_run
//! use std::time::Duration;
//! use tollgate::tower::client::RateLimitLayer;
//! use tollgate::wait::FairLimiter;
//! use tollgate::{Policy, TokenBucket};
//! use tower::{Layer, ServiceExt};
//!
//! # async fn call() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::MICROSOFT_365_DEFENDER.with_guard(Duration::from_secs(1))?;
//! let layer = RateLimitLayer::new(FairLimiter::tokio(TokenBucket::strict(policy)?)?)
//!     .within(Duration::from_secs(600))
//!     .reading(|response: &reqwest::Response| (response.status(), response.headers()))
//!     .repeating(2, reqwest::Request::try_clone);
//! let client = layer.layer(reqwest::Client::new());
//!
//! let request = reqwest::Request::new(reqwest::Method::GET, "http://localhost:3000/api/incidents".parse()?);
//! let response = client.clone().oneshot(request).await?; // each clone waits in the same queue
//! # Ok(())
//! # }
//! ```
//!
//! Here the server refuses a call all the same, and another call cannot be in time:
//!
//! ```
//! use std::time::Duration;
//! use http::{Request, Response};
//! use tollgate::SlidingLog;
//! use tollgate::tower::client::{Error, RateLimitLayer};
//! use tollgate::wait::{AcquireError, FairLimiter};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # let mut builder = tokio::runtime::Builder::new_current_thread();
//! # builder.enable_time().start_paused(true).build()?.block_on(async {
//! let server = service_fn(|_: Request<()>| async {
//!     Ok::<_, std::io::Error>(Response::builder().status(429).header("retry-after", "30").body(()).unwrap())
//! });
//! let limiter = FairLimiter::tokio(SlidingLog::new("50/1m".parse()?)?)?;
//! let client = RateLimitLayer::new(limiter).within(Duration::from_secs(20)).layer(server);
//!
//! // The response comes as it is. It pauses the limiter for 30 seconds.
//! assert_eq!(client.clone().oneshot(Request::new(())).await?.status(), 429);
//! // This call is not sent: it is refused at once, because it would have to wait longer than 20 seconds.
//! let error = client.oneshot(Request::new(())).await.unwrap_err();
//! assert!(matches!(error, Error::Refused(AcquireError::TooLate(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What happens to a call
//!
//! 1. **It gets its limiter** from [`Limits`]: one for all calls, or with [`PerHost`] one for each host. No room for another
//!    host is [`Error::NoLimiter`].
//! 2. **It waits for its turn**, in order of arrival, when it is first polled. It gives up after the time of
//!    [`within`](RateLimitLayer::within), and at once if that is known before. That is [`Error::Refused`].
//! 3. **It is sent** in the same poll in which it is granted, so a permit is used at the instant at which it is charged.
//! 4. **What the response says is heeded** ([`Feedback`](crate::http::Feedback)): a `Retry-After` of any kind, a quota of which
//!    nothing is left, or of which less is left than this client expects. The limiter is paused, or it grants less at once. It
//!    never grants more than its own policy. [`Heed`](crate::http::Heed) says how far a server is trusted: a pause is at most
//!    five minutes long, unless you choose otherwise.
//! 5. **If the server refused it**, it is sent again if [`repeating`](RateLimitLayer::repeating) says so, and waits for its turn anew.
//!    Otherwise the caller has the server's response, as it is.
//!
//! # What is charged
//!
//! | the call | its permits |
//! |---|---|
//! | is dropped while it waits, or never polled | are not charged, and its place goes to the next |
//! | is dropped after it was sent; fails; panics in the inner service | stay charged: the server may have it |
//! | is refused by the server | stay charged: the server may have counted it |
//! | is refused because of others, or of concurrency, as the server says | are undone where the algorithm can ([`OwnedPermit::undo`](crate::wait::OwnedPermit::undo)), else forfeited |
//! | is sent again | are charged again |
//!
//! There is no moment between the permit and the sending at which a call could be dropped.
//!
//! # Which limiter
//!
//! - A limiter that keeps the rule, with a guard above the jitter, draws no 429 from any server that grants the rule:
//!   [`SlidingLog`](crate::SlidingLog), [`WindowCounter`](crate::WindowCounter) or
//!   [`TokenBucket::strict`](crate::TokenBucket::strict). The lab's `matrix` shows all of them against all kinds of servers.
//! - **Some servers grant less at once than the rule**: this crate's own strict bucket and its
//!   [`KeyedLimiter`](crate::keyed::KeyedLimiter), for example. For these take a strict bucket with a small burst
//!   ([`TokenBucket::with_burst`](crate::TokenBucket::with_burst)). What the server holds beyond that burst makes up for the jitter.
//! - If the key is used by others, too, or the limit is not known, rely on what the server says, and repeat.
//!
//! # Where it stands among layers
//!
//! The permit is taken in `call`, never in `poll_ready`: one that is taken there is used at an unknown time, and a thousand
//! clones that are ready could then send a thousand calls at once. The inner service that was ready is the one that is called,
//! so **what it reserved when it became ready is held while the call waits**:
//!
//! - reqwest and the client of hyper-util reserve nothing.
//! - With a `ConcurrencyLimit` inside, a call that waits counts as one in progress. That delays nobody, unless calls to
//!   several hosts share that limit.
//! - Put a `Buffer` outside. Inside, calls that wait would take its places.
//! - Put a timeout for the whole call outside, and one for the answer inside. Where one inside fails with a box, let
//!   [`Error::into_boxed`] stand between it and what is outside.
//! - Redirects and retries of reqwest itself happen inside, unseen: each is one more request to the server that is not
//!   charged. So let reqwest follow no redirects (`redirect::Policy::none()`) if the limit is tight.

mod error;
mod future;
mod handling;
mod heeding;
mod layer;
mod limits;

pub use error::Error;
pub use future::ResponseFuture;
pub use handling::{Answer, Cost, HttpFields, Once, One, Repeat};
pub use layer::{RateLimit, RateLimitLayer};
pub use limits::{LimiterOf, Limits, PerHost, authority};
