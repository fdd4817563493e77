//! A request that was decided, or is about to be: served or refused.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::ResponseBody;
use super::layer::{End, Shared};
use super::limiter::{Answer, Limiter};
use crate::decision::{QuotaStatus, Status};
use crate::nanos::Nanos;

pin_project! {
    /// The response of a [`RateLimit`](super::RateLimit): that of the inner service, or a refusal.
    ///
    /// The inner service is called in the same step in which the permits are granted. So there is no grant without a call, and
    /// nothing to undo: dropped after the grant, the call was made, and its permits stay charged. Only while a limiter on
    /// another machine is asked, permits may be charged for a call that is never made.
    pub struct ResponseFuture<S, ReqBody, L, K>
    where
        S: Service<Request<ReqBody>>,
        L: Limiter<K>,
    {
        #[pin]
        state: State<Asked<Call<S, ReqBody, L, K>, L::Deciding>, S::Future, Left<L, K>>,
    }
}

pin_project! {
    // Small, because futures are moved before they are polled: what is rare is boxed.
    #[project = StateProjected]
    enum State<A, F, L> {
        Asking {
            asked: Pin<Box<A>>,
        },
        Serving {
            left: Option<L>,
            #[pin]
            future: F,
        },
        Refused {
            response: Box<Response<Bytes>>,
        },
        Done,
    }
}

pin_project! {
    /// A request whose limiter, on another machine, was asked.
    struct Asked<C, D> {
        // Until there is an answer.
        call: Option<C>,
        #[pin]
        deciding: D,
    }
}

/// A request, and the inner service that is ready for it.
pub(super) struct Call<S, ReqBody, L, K> {
    pub(super) inner: S,
    pub(super) request: Parts,
    pub(super) body: ReqBody,
    pub(super) shared: Arc<Shared<L, K>>,
    pub(super) key: Option<K>,
    pub(super) cost: u32,
}

/// What is written into the response: what a policy, told by its index, has left.
pub(super) struct Left<L, K> {
    shared: Arc<Shared<L, K>>,
    policy: usize,
    kept: Kept,
}

/// A status in less room.
enum Kept {
    Joint { at: Nanos, state: QuotaStatus },
    Each(Box<Status>),
}

impl<L: Limiter<K>, K> Left<L, K> {
    #[inline]
    pub(super) fn of(shared: &Arc<Shared<L, K>>, answer: &Answer, writes: bool) -> Option<Left<L, K>> {
        let status = answer.status().filter(|_| writes)?;
        let kept = match status.quotas() {
            [state] if status.is_joint() => Kept::Joint { at: status.at(), state: *state },
            _ => Kept::Each(Box::new(*status)),
        };
        Some(Left { shared: Arc::clone(shared), policy: answer.policy(), kept })
    }

    fn write(&self, headers: &mut HeaderMap) {
        match &self.kept {
            Kept::Joint { at, state } => self.shared.write(headers, self.policy, &Status::joint(*at, *state)),
            Kept::Each(status) => self.shared.write(headers, self.policy, status),
        }
    }
}

impl<S, ReqBody, L, K> ResponseFuture<S, ReqBody, L, K>
where
    S: Service<Request<ReqBody>>,
    L: Limiter<K>,
{
    #[cold]
    pub(super) fn asking(call: Call<S, ReqBody, L, K>, deciding: L::Deciding) -> Self {
        ResponseFuture { state: State::Asking { asked: Box::pin(Asked { call: Some(call), deciding }) } }
    }

    #[inline]
    pub(super) fn serving(future: S::Future, left: Option<Left<L, K>>) -> Self {
        ResponseFuture { state: State::Serving { left, future } }
    }

    #[cold]
    pub(super) fn refused(response: Response<Bytes>) -> Self {
        ResponseFuture { state: State::Refused { response: Box::new(response) } }
    }
}

impl<S, ReqBody, L, K, ResBody> Future for ResponseFuture<S, ReqBody, L, K>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    L: Limiter<K>,
    ResBody: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<ResBody>>, S::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            // Whoever polls again after the end, or after foreign code has panicked, waits for ever.
            match state.as_mut().project() {
                StateProjected::Asking { asked } => {
                    let asked = asked.as_mut().project();
                    if asked.call.is_none() {
                        return Poll::Pending;
                    }
                    let answer = ready!(asked.deciding.poll(context));
                    let Some(mut call) = asked.call.take() else { return Poll::Pending };
                    let Call { request, shared, key, cost, .. } = &mut call;
                    let next = match shared.end(request, key.as_ref(), *cost, Some(&answer)) {
                        End::Serve { writes } => {
                            let left = Left::of(shared, &answer, writes);
                            State::Serving { left, future: call.make() }
                        }
                        End::Refuse(response) => State::Refused { response: Box::new(response) },
                    };
                    state.set(next);
                }
                StateProjected::Serving { left, future } => {
                    let result = ready!(future.poll(context));
                    let result = result.map(|mut response| {
                        if let Some(left) = left {
                            left.write(response.headers_mut());
                        }
                        response.map(ResponseBody::inner)
                    });
                    state.set(State::Done);
                    return Poll::Ready(result);
                }
                StateProjected::Refused { response } => {
                    let response = core::mem::take(&mut **response);
                    state.set(State::Done);
                    return Poll::Ready(Ok(response.map(ResponseBody::refusal)));
                }
                StateProjected::Done => return Poll::Pending,
            }
        }
    }
}

impl<S: Service<Request<ReqBody>>, ReqBody, L, K> Call<S, ReqBody, L, K> {
    fn make(mut self) -> S::Future {
        self.inner.call(Request::from_parts(self.request, self.body))
    }
}

impl<S, ReqBody, L, K> fmt::Debug for ResponseFuture<S, ReqBody, L, K>
where
    S: Service<Request<ReqBody>>,
    L: Limiter<K>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Asking { .. } => "asking",
            State::Serving { .. } => "serving",
            State::Refused { .. } => "refused",
            State::Done => "done",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish()
    }
}
