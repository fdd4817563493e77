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
        #[pin]
        state: State<S, ReqBody, K, S::Future, L::Deciding>,
    }
}

pin_project! {
    #[project = StateProjected]
    enum State<S, ReqBody, K, F, D> {
        New {
            call: Option<Call<S, ReqBody>>,
        },
        Asking {
            call: Option<Call<S, ReqBody>>,
            key: Option<K>,
            cost: u32,
            #[pin]
            deciding: D,
        },
        Serving {
            // What is written into the response.
            left: Option<(usize, Status)>,
            #[pin]
            future: F,
        },
        Done,
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
        ResponseFuture { shared, state: State::New { call: Some(Call { inner, request, body }) } }
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
            // In each state that goes on, the call is there. Where foreign code panics, it is not put back: then the future
            // is done, and polled again it waits for ever.
            let (mut call, key, cost, answer) = match this.state.as_mut().project() {
                StateProjected::New { call } => {
                    let Some(call) = call.take() else { return Poll::Pending };
                    match shared.begin(&call.request) {
                        Begin::Skip => {
                            let future = call.make();
                            this.state.set(State::Serving { left: None, future });
                            continue;
                        }
                        Begin::Ask { key, cost } => {
                            let deciding = shared.limiter.decide(key.as_ref(), cost);
                            this.state.set(State::Asking { call: Some(call), key, cost, deciding });
                            continue;
                        }
                        Begin::NoKey { cost } => (call, None, cost, None),
                    }
                }
                StateProjected::Asking { call, key, cost, deciding } => {
                    if call.is_none() {
                        return Poll::Pending;
                    }
                    let answer = ready!(deciding.poll(context));
                    let Some(call) = call.take() else { return Poll::Pending };
                    (call, key.take(), *cost, Some(answer))
                }
                StateProjected::Serving { left, future } => {
                    let result = ready!(future.poll(context));
                    let left = left.take();
                    this.state.set(State::Done);
                    let mut response = result?;
                    if let Some((policy, status)) = left {
                        shared.write(response.headers_mut(), policy, &status);
                    }
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProjected::Done => return Poll::Pending,
            };
            match shared.end(&mut call.request, key.as_ref(), cost, answer.as_ref()) {
                End::Serve(left) => {
                    let future = call.make();
                    this.state.set(State::Serving { left, future });
                }
                End::Refuse(response) => {
                    this.state.set(State::Done);
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
            State::New { .. } => "new",
            State::Asking { .. } => "asking",
            State::Serving { .. } => "serving",
            State::Done => "done",
        };
        f.debug_struct("ResponseFuture").field("state", &state).finish_non_exhaustive()
    }
}
