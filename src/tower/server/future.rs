//! A request on its way: decided, then served or refused.

use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::ResponseBody;
use super::layer::{Begin, End, Shared};
use super::limiter::{Answer, Limiter};
use crate::decision::Status;

pin_project! {
    /// The response of a [`RateLimit`](super::RateLimit): that of the inner service, or a refusal.
    ///
    /// The limiter is asked when it is polled first, and the inner service is called in the same poll in which the permits
    /// are granted. So there is no grant without a call, and nothing to undo: dropped before the first poll, it has charged
    /// nothing; dropped after the grant, the call has begun, and its permits stay charged. Only while a limiter on another
    /// machine is asked, permits may be charged for a call that is never made.
    pub struct ResponseFuture<S, ReqBody, L, K>
    where
        S: Service<Request<ReqBody>>,
        L: Limiter<K>,
    {
        shared: Arc<Shared<L, K>>,
        // Until the call is made. It stays in its place meanwhile, because it is large.
        call: Option<Call<S, ReqBody>>,
        #[pin]
        state: State<K, S::Future, L::Deciding>,
    }
}

pin_project! {
    #[project = StateProjected]
    enum State<K, F, D> {
        New,
        // Also while foreign code runs that could panic.
        Over,
        Asking {
            key: Option<K>,
            // Until there is an answer.
            cost: Option<u32>,
            #[pin]
            deciding: D,
        },
        Serving {
            // What is written into the response: the index of a policy, and what it has left.
            left: Option<(usize, Status)>,
            #[pin]
            future: F,
        },
    }
}

/// A request, and the inner service that is ready for it.
struct Call<S, ReqBody> {
    inner: S,
    request: Parts,
    body: ReqBody,
}

impl<S, ReqBody, L, K> ResponseFuture<S, ReqBody, L, K>
where
    S: Service<Request<ReqBody>>,
    L: Limiter<K>,
{
    pub(super) fn new(inner: S, request: Request<ReqBody>, shared: Arc<Shared<L, K>>) -> Self {
        let (request, body) = request.into_parts();
        ResponseFuture { shared, call: Some(Call { inner, request, body }), state: State::New }
    }
}

impl<S, ReqBody, L, K, ResBody> Future for ResponseFuture<S, ReqBody, L, K>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    L: Limiter<K>,
    ResBody: Body<Data = Bytes>,
{
    type Output = Result<Response<ResponseBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let shared = &**this.shared;
        loop {
            let answer;
            let end = match this.state.as_mut().project() {
                // Whoever polls again after the end, or after a panic, waits for ever and is not charged again.
                StateProjected::Over => return Poll::Pending,
                StateProjected::New => {
                    let Some(call) = this.call.as_mut() else { return Poll::Pending };
                    this.state.set(State::Over);
                    match shared.begin(&call.request) {
                        Begin::Ask { key, cost } => {
                            let Some(now) = shared.limiter.decide_now(key.as_ref(), cost) else {
                                let deciding = shared.limiter.decide(key.as_ref(), cost);
                                this.state.set(State::Asking { key, cost: Some(cost), deciding });
                                continue;
                            };
                            answer = now;
                            shared.end(&mut call.request, key.as_ref(), cost, Some(&answer))
                        }
                        Begin::NoKey { cost } => {
                            answer = Answer::NONE;
                            shared.end(&mut call.request, None, cost, None)
                        }
                        Begin::Skip => {
                            answer = Answer::NONE;
                            End::Serve { writes: false }
                        }
                    }
                }
                StateProjected::Asking { key, cost, deciding } => {
                    let (Some(call), Some(_)) = (this.call.as_mut(), &cost) else { return Poll::Pending };
                    answer = ready!(deciding.poll(context));
                    let cost = cost.take().unwrap_or(0);
                    shared.end(&mut call.request, key.as_ref(), cost, Some(&answer))
                }
                StateProjected::Serving { left, future } => {
                    let result = ready!(future.poll(context));
                    let left = left.take();
                    this.state.set(State::Over);
                    let mut response = result?;
                    if let Some((policy, status)) = &left {
                        shared.write(response.headers_mut(), *policy, status);
                    }
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
            };
            let Some(call) = this.call.take() else { return Poll::Pending };
            match end {
                End::Serve { writes } => {
                    let future = call.make();
                    let left = answer.status().filter(|_| writes).map(|status| (answer.policy(), *status));
                    this.state.set(State::Serving { left, future });
                }
                End::Refuse(response) => {
                    this.state.set(State::Over);
                    return Poll::Ready(Ok(response.map(ResponseBody::refusal)));
                }
            }
        }
    }
}

impl<S: Service<Request<ReqBody>>, ReqBody> Call<S, ReqBody> {
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
        let state = match self.state {
            State::New => "new",
            State::Asking { .. } => "asking",
            State::Serving { .. } => "serving",
            State::Over => "done",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}
