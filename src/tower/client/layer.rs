//! The layer, and the service that it makes.

use alloc::sync::Arc;
use core::mem;
use core::task::{Context, Poll};
use core::time::Duration;

use http::{HeaderMap, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use super::error::Error;
use super::future::ResponseFuture;
use super::handling::{Answer, Cost, HttpFields, Once, One, Repeat};
use super::heeding::Heeding;
use super::limits::Limits;
use crate::clock::Clock;
use crate::http::{Feedback, Heed};
use crate::nanos::Nanos;

/// Lets each call wait for its turn, sends it, reads what the server says, and heeds it.
///
/// See the [module](super) for what happens to a call. The type parameters are the limiter `L` ([`Limits`]), and what
/// must be known of requests and responses: [`Cost`], [`Answer`] and [`Repeat`].
#[derive(Clone, Debug)]
pub struct RateLimitLayer<L, C = One, A = HttpFields, R = Once> {
    limits: L,
    rules: Rules<C, A, R>,
}

/// What is the same for every call.
#[derive(Clone, Debug)]
pub(super) struct Rules<C, A, R> {
    pub(super) cost: C,
    pub(super) answer: A,
    pub(super) repeat: R,
    /// How often a call may be sent again.
    pub(super) times: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) heeding: Heeding,
}

impl<L> RateLimitLayer<L> {
    /// A layer whose calls wait for `limits`: a [`FairLimiter`](crate::wait::FairLimiter) for all of them, or
    /// [`PerHost`](super::PerHost).
    ///
    /// A bound of the queue is a matter of the limiter: see [`FairLimiter::with_bound`](crate::wait::FairLimiter::with_bound).
    pub const fn new(limits: L) -> Self {
        let heeding = Heeding::Always(Heed::new());
        let rules = Rules { cost: One, answer: HttpFields, repeat: Once, times: 0, timeout: None, heeding };
        RateLimitLayer { limits, rules }
    }
}

impl<L, C, A, R> RateLimitLayer<L, C, A, R> {
    /// A call waits for its turns no longer than `timeout`, counted from the moment at which it was made. That is the time of
    /// waiting and not of the answer. A repetition does not start it anew.
    ///
    /// A call that cannot be in time is refused at once, with the instant to come back. Without a timeout a call
    /// waits as long as it takes, through pauses too.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.rules.timeout = Some(timeout);
        self
    }

    /// What the server says is heeded in this way. Unless this is called, it is [`Heed::new`]: no pause is longer than five
    /// minutes.
    #[must_use]
    pub fn heeding(mut self, heed: Heed) -> Self {
        self.rules.heeding = Heeding::Always(heed);
        self
    }

    /// What the server says is heeded as `choose` tells, which sees what each response says before it is heeded. So it is
    /// the place to count refusals, and to log what was not understood ([`Feedback::ignored`]).
    #[must_use]
    pub fn heeding_by(mut self, choose: impl Fn(&Feedback) -> Heed + Send + Sync + 'static) -> Self {
        self.rules.heeding = Heeding::By(Arc::new(choose));
        self
    }

    /// A request costs as many permits as `cost` tells. A repetition costs the same.
    pub fn cost<Request, F>(self, cost: F) -> RateLimitLayer<L, F, A, R>
    where
        F: Fn(&Request) -> u32 + Clone,
    {
        let Rules { answer, repeat, times, timeout, heeding, .. } = self.rules;
        RateLimitLayer { limits: self.limits, rules: Rules { cost, answer, repeat, times, timeout, heeding } }
    }

    /// Responses that are not those of the crate `http` have their status and their fields where `answer` tells.
    ///
    /// For reqwest it is `|response: &reqwest::Response| (response.status(), response.headers())`.
    pub fn reading<Response, F>(self, answer: F) -> RateLimitLayer<L, C, F, R>
    where
        F: for<'a> Fn(&'a Response) -> (StatusCode, &'a HeaderMap) + Clone,
    {
        let Rules { cost, repeat, times, timeout, heeding, .. } = self.rules;
        RateLimitLayer { limits: self.limits, rules: Rules { cost, answer, repeat, times, timeout, heeding } }
    }

    /// A call that the server refuses is sent again, at most so many `times`, if `repeat` gives a copy of its request. Each
    /// time it waits its turn anew, at the end of the queue.
    ///
    /// **Give a copy only of a request that the server may be sent twice.** `repeat` is asked before each sending,
    /// because the request itself is gone then. For reqwest it is `reqwest::Request::try_clone`.
    ///
    /// If the call could not be sent again before its deadline, its caller has the server's refusal.
    pub fn repeating<Request, F>(self, times: u32, repeat: F) -> RateLimitLayer<L, C, A, F>
    where
        F: Fn(&Request) -> Option<Request> + Clone,
    {
        let Rules { cost, answer, timeout, heeding, .. } = self.rules;
        RateLimitLayer { limits: self.limits, rules: Rules { cost, answer, repeat, times, timeout, heeding } }
    }
}

impl<S, L: Clone, C: Clone, A: Clone, R: Clone> Layer<S> for RateLimitLayer<L, C, A, R> {
    type Service = RateLimit<S, L, C, A, R>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit { inner, limits: self.limits.clone(), rules: self.rules.clone() }
    }
}

/// A client whose calls wait for their turn: made by [`RateLimitLayer`].
///
/// Clones share the limiter and its queue, and so do the services of one layer.
#[derive(Clone, Debug)]
pub struct RateLimit<S, L, C = One, A = HttpFields, R = Once> {
    inner: S,
    limits: L,
    rules: Rules<C, A, R>,
}

impl<Request, S, L, C, A, R> Service<Request> for RateLimit<S, L, C, A, R>
where
    S: Service<Request> + Clone,
    L: Limits<Request>,
    C: Cost<Request>,
    A: Answer<S::Response>,
    R: Repeat<Request>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S, Request, L, A, R>;

    /// Whether the inner service is ready. No permit is taken here: it would be used at an unknown time.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Error::Inner)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let limiter = match self.limits.limiter(&request) {
            Ok(limiter) => limiter,
            Err(error) => return ResponseFuture::without_limiter(error),
        };
        // The clone may not be ready. The one that is takes the call.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let deadline = match self.rules.timeout {
            Some(timeout) => limiter.clock().now().saturating_add(timeout),
            None => Nanos::MAX,
        };
        ResponseFuture::new(inner, request, limiter, deadline, &self.rules)
    }
}
