//! The service that a layer makes.

use alloc::sync::Arc;
use core::fmt;
use core::mem;
use core::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::ResponseBody;
use super::future::{Call, Left, ResponseFuture};
use super::layer::{Begin, End, Shared};
use super::limiter::{Answer, Limiter};

/// The service that a [`RateLimitLayer`](super::RateLimitLayer) makes: the inner one, for those who are let through.
pub struct RateLimit<S, L, K = ()> {
    inner: S,
    shared: Arc<Shared<L, K>>,
}

impl<S, L, K> RateLimit<S, L, K> {
    pub(super) fn new(inner: S, shared: Arc<Shared<L, K>>) -> Self {
        RateLimit { inner, shared }
    }
}

impl<S, L, K, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimit<S, L, K>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    L: Limiter<K>,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, L, K>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut request, body) = request.into_parts();
        let answer;
        let end = match self.shared.begin(&request) {
            Begin::Ask { key, cost } => {
                let Some(now) = self.shared.answer(key.as_ref(), cost) else {
                    let deciding = self.shared.limiter.decide(key.as_ref(), cost);
                    let (inner, shared) = (self.take_ready(), Arc::clone(&self.shared));
                    return ResponseFuture::asking(
                        Call { inner, request, body, shared, key, cost },
                        deciding,
                    );
                };
                answer = now;
                self.shared.end(&mut request, key.as_ref(), cost, Some(&answer))
            }
            Begin::NoKey { cost } => {
                answer = Answer::NONE;
                self.shared.end(&mut request, None, cost, None)
            }
            Begin::Skip => {
                answer = Answer::NONE;
                End::Serve { writes: false }
            }
        };
        match end {
            End::Serve { writes } => {
                let future = self.inner.call(Request::from_parts(request, body));
                ResponseFuture::serving(future, Left::of(&self.shared, &answer, writes))
            }
            End::Refuse(response) => {
                drop(self.take_ready());
                ResponseFuture::refused(response)
            }
        }
    }
}

impl<S: Clone, L, K> RateLimit<S, L, K> {
    /// The inner service that was made ready. The clone that takes its place need not be.
    #[cold]
    fn take_ready(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}

impl<S: Clone, L, K> Clone for RateLimit<S, L, K> {
    fn clone(&self) -> Self {
        RateLimit { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S, L: fmt::Debug, K> fmt::Debug for RateLimit<S, L, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.debug("RateLimit", f)
    }
}
