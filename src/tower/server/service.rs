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
use super::future::ResponseFuture;
use super::layer::Shared;
use super::limiter::Limiter;

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
        // The clone need not be ready, so the one that is goes with the request.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        ResponseFuture::new(ready, request, Arc::clone(&self.shared))
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
