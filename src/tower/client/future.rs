//! One call, from its place in the queue to its response.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::error::Error;
use super::handling::{Answer, Cost, Repeat};
use super::heeding::Heeding;
use super::layer::Rules;
use super::limits::{LimiterOf, Limits};
use crate::http::Feedback;
use crate::nanos::Nanos;
use crate::together::TryGrant;
use crate::wait::{AcquireOwned, OwnedPermit};

type Turn<L, Request> = AcquireOwned<
    <L as Limits<Request>>::Algorithm,
    <L as Limits<Request>>::Clock,
    <L as Limits<Request>>::Timer,
>;

pin_project! {
    /// The response to a call of [`RateLimit`](super::RateLimit).
    ///
    /// The call takes its place in the queue when this is first polled. If this is dropped while it waits, its place is given
    /// up and nothing is charged. When its turn has come, the request is sent in the same poll. If this is dropped after
    /// that, the permit stays charged, because the server may have the request.
    #[must_use = "nothing is sent until it is awaited"]
    pub struct ResponseFuture<S, Request, L, A, R>
    where
        S: Service<Request>,
        L: Limits<Request>,
    {
        #[pin]
        step: Step<S::Future, Turn<L, Request>>,
        call: Option<Call<S, Request, L, A, R>>,
    }
}

pin_project! {
    #[project = StepOf]
    enum Step<F, T> {
        /// The inner service must be ready before the call waits for its turn to be sent again.
        Readies,
        Waits { turn: T },
        Sent { #[pin] response: F, permit: Option<OwnedPermit> },
        NoLimiter { error: Option<crate::Error> },
        Over,
    }
}

/// What a call keeps from one step to the next.
struct Call<S, Request, L: Limits<Request>, A, R> {
    inner: S,
    /// The request that is sent next. While one is under way it is a copy, if there may be one.
    request: Option<Request>,
    limiter: LimiterOf<L, Request>,
    permits: u32,
    deadline: Nanos,
    /// How often it may be sent again.
    repeats: u32,
    answer: A,
    repeat: R,
    heeding: Heeding,
}

impl<S, Request, L, A, R> ResponseFuture<S, Request, L, A, R>
where
    S: Service<Request>,
    L: Limits<Request>,
{
    pub(super) fn new<C>(
        inner: S,
        request: Request,
        limiter: LimiterOf<L, Request>,
        deadline: Nanos,
        rules: &Rules<C, A, R>,
    ) -> Self
    where
        C: Cost<Request>,
        A: Clone,
        R: Clone,
    {
        let permits = rules.cost.of(&request);
        let call = Call {
            inner,
            request: Some(request),
            limiter,
            permits,
            deadline,
            repeats: rules.times,
            answer: rules.answer.clone(),
            repeat: rules.repeat.clone(),
            heeding: rules.heeding.clone(),
        };
        ResponseFuture { step: Step::Waits { turn: call.turn() }, call: Some(call) }
    }

    pub(super) fn without_limiter(error: crate::Error) -> Self {
        ResponseFuture { step: Step::NoLimiter { error: Some(error) }, call: None }
    }
}

impl<S, Request, L: Limits<Request>, A, R> Call<S, Request, L, A, R> {
    fn turn(&self) -> Turn<L, Request> {
        self.limiter.acquire_n_owned(self.permits).by(self.deadline)
    }

    /// Sends the request, and keeps a copy if it may have to be sent again.
    fn send(&mut self) -> Option<S::Future>
    where
        S: Service<Request>,
        R: Repeat<Request>,
    {
        let request = self.request.take()?;
        if let Some(left) = self.repeats.checked_sub(1) {
            self.repeats = left;
            self.request = self.repeat.again(&request);
        }
        Some(self.inner.call(request))
    }

    /// Heeds what the server says. Tells whether the call is to be sent again.
    fn heed<Response>(&self, response: &Response, permit: Option<OwnedPermit>) -> bool
    where
        A: Answer<Response>,
    {
        let (status, fields) = self.answer.parts(response);
        let said = Feedback::read(status, fields);
        if !said.counts_against_us() {
            // Somebody else was refused, or something else than the rate. Where the permit cannot be undone, it is forfeited.
            permit.map(OwnedPermit::undo);
        }
        said.heed(self.limiter.limiter(), &self.heeding.of(&said));
        said.is_refusal() && self.request.is_some() && self.may_be_in_time()
    }

    /// Whether the limiter may grant this call before its deadline, as far as it can tell now.
    fn may_be_in_time(&self) -> bool {
        match self.limiter.peek_n(self.permits) {
            Ok(()) => true,
            Err(denied) => match denied.retry_at() {
                Some(at) => at <= self.deadline,
                None => denied.is_paused() && self.deadline == Nanos::MAX,
            },
        }
    }
}

impl<S, Request, L, A, R> Future for ResponseFuture<S, Request, L, A, R>
where
    S: Service<Request>,
    L: Limits<Request>,
    A: Answer<S::Response>,
    R: Repeat<Request>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            // An error on the way ends the call. So does a panic of the inner service.
            let ended = match (this.step.as_mut().project(), this.call.as_mut()) {
                (StepOf::Readies, Some(call)) => match ready!(call.inner.poll_ready(context)) {
                    Ok(()) => {
                        this.step.set(Step::Waits { turn: call.turn() });
                        continue;
                    }
                    Err(error) => Err(Error::Inner(error)),
                },
                (StepOf::Waits { turn }, Some(call)) => match ready!(Pin::new(turn).poll(context)) {
                    Ok(permit) => {
                        this.step.set(Step::Over);
                        if let Some(response) = call.send() {
                            this.step.set(Step::Sent { response, permit: Some(permit) });
                        }
                        continue;
                    }
                    Err(error) => Err(Error::Refused(error)),
                },
                (StepOf::Sent { response, permit }, Some(call)) => match ready!(response.poll(context)) {
                    Ok(response) => {
                        let permit = permit.take();
                        this.step.set(Step::Over);
                        if call.heed(&response, permit) {
                            // The response goes first: a connection may be ready only when it is gone.
                            drop(response);
                            this.step.set(Step::Readies);
                            continue;
                        }
                        Ok(response)
                    }
                    Err(error) => Err(Error::Inner(error)),
                },
                (StepOf::NoLimiter { error }, _) => match error.take() {
                    Some(error) => Err(Error::NoLimiter(error)),
                    None => return Poll::Pending,
                },
                // It was polled after its end, or after a panic: nothing will come.
                _ => return Poll::Pending,
            };
            this.step.set(Step::Over);
            *this.call = None;
            return Poll::Ready(ended);
        }
    }
}

impl<S, Request, L, A, R> fmt::Debug for ResponseFuture<S, Request, L, A, R>
where
    S: Service<Request>,
    L: Limits<Request>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            Step::Readies => "until the inner service is ready",
            Step::Waits { .. } => "for its turn",
            Step::Sent { .. } => "for the response",
            Step::NoLimiter { .. } | Step::Over => "for nothing",
        };
        f.debug_struct("ResponseFuture").field("waits", &step).finish_non_exhaustive()
    }
}
