//! A server that writes down when which call came, and answers as it is told; and a runtime whose time is paused.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tollgate::tower::client::{Error, RateLimitLayer};
use tollgate::wait::{FairLimiter, Tokio};
use tollgate::{SlidingLog, TokenBucket};
use tower::{Layer, Service, ServiceExt};

pub(crate) type OnTokio<A> = FairLimiter<A, Tokio, Tokio>;

/// Runs it in paused time: whenever all tasks sleep, the time jumps to the next end of a sleep.
pub(crate) fn paused(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(test);
}

pub(crate) fn exact(policy: &str) -> OnTokio<SlidingLog> {
    FairLimiter::tokio(SlidingLog::new(policy.parse().unwrap()).unwrap()).unwrap()
}

pub(crate) fn strict(policy: &str) -> OnTokio<TokenBucket> {
    FairLimiter::tokio(TokenBucket::strict(policy.parse().unwrap()).unwrap()).unwrap()
}

/// A call with this number.
pub(crate) fn call(number: u32) -> Request<u32> {
    Request::new(number)
}

/// A response without a body.
pub(crate) fn answer(status: u16, fields: &[(&str, &str)]) -> Response<()> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap()
}

/// A server: clones are the same one.
#[derive(Clone)]
pub(crate) struct Server {
    start: Instant,
    /// Each call that came, and after how many milliseconds.
    came: Arc<Mutex<Vec<(u32, u128)>>>,
    /// What the next calls are answered, one after the other. The rest is answered 200.
    answers: Arc<Mutex<VecDeque<Response<()>>>>,
    latency: Duration,
}

impl Server {
    pub(crate) fn new() -> Server {
        Server {
            start: Instant::now(),
            came: Arc::default(),
            answers: Arc::default(),
            latency: Duration::ZERO,
        }
    }

    pub(crate) fn slow(self, latency: Duration) -> Server {
        Server { latency, ..self }
    }

    pub(crate) fn answering(answers: impl IntoIterator<Item = Response<()>>) -> Server {
        Server { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Server::new() }
    }

    pub(crate) fn came(&self) -> Vec<(u32, u128)> {
        self.came.lock().unwrap().clone()
    }

    /// The milliseconds at which calls came.
    pub(crate) fn times(&self) -> Vec<u128> {
        self.came().into_iter().map(|(_, time)| time).collect()
    }
}

/// What an inner service of these tests fails with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection broke")
    }
}

impl std::error::Error for Broken {}

pub(crate) type Answered = Result<Response<()>, Error<Broken>>;

impl Service<Request<u32>> for Server {
    type Response = Response<()>;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Broken>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<u32>) -> Self::Future {
        let number = request.into_body();
        self.came.lock().unwrap().push((number, self.start.elapsed().as_millis()));
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or_else(|| answer(200, &[]));
        let latency = self.latency;
        Box::pin(async move {
            // A sleep of no time would let others run, and the order would be theirs.
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            // 599 is no answer but a broken connection.
            if answer.status() == 599 { Err(Broken) } else { Ok(answer) }
        })
    }
}

/// A task that makes a call.
pub(crate) fn spawn<S>(client: &S, request: Request<u32>) -> JoinHandle<Answered>
where
    S: Service<Request<u32>, Response = Response<()>, Error = Error<Broken>> + Clone + Send + 'static,
    S::Future: Send,
{
    tokio::spawn(client.clone().oneshot(request))
}

/// Makes calls in this order, each by a task of its own, and waits for all.
pub(crate) async fn all<S>(client: &S, numbers: impl IntoIterator<Item = u32>) -> Vec<Answered>
where
    S: Service<Request<u32>, Response = Response<()>, Error = Error<Broken>> + Clone + Send + 'static,
    S::Future: Send,
{
    let tasks: Vec<_> = numbers.into_iter().map(|number| spawn(client, call(number))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// The layer with nothing but a limiter, before a server.
pub(crate) fn plain<L: Clone>(limits: L, server: &Server) -> tollgate::tower::client::RateLimit<Server, L> {
    RateLimitLayer::new(limits).layer(server.clone())
}

/// A clone of it is not ready before it is asked, and only a ready one may be called.
#[derive(Debug)]
pub(crate) struct Strict<S> {
    pub(crate) inner: S,
    ready: bool,
}

impl<S> Strict<S> {
    pub(crate) fn new(inner: S) -> Strict<S> {
        Strict { inner, ready: false }
    }
}

impl<S: Clone> Clone for Strict<S> {
    fn clone(&self) -> Self {
        Strict::new(self.inner.clone())
    }
}

impl<R, S: Service<R>> Service<R> for Strict<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let polled = self.inner.poll_ready(context);
        self.ready = matches!(polled, Poll::Ready(Ok(())));
        polled
    }

    fn call(&mut self, request: R) -> S::Future {
        assert!(std::mem::take(&mut self.ready), "it was called without being ready");
        self.inner.call(request)
    }
}
