//! Readiness, dropped requests, panics and limiters that answer later: step by step, without a socket.

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use http_body::Body;
use tollgate::http::Fields;
use tollgate::tower::server::{Answer, Limiter, RateLimitLayer, ResponseBody};
use tollgate::{Denied, Nanos, Policy};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::exact;

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn request() -> Request<String> {
    Request::new(String::new())
}

/// How often it was made ready, called and dropped unused.
#[derive(Default)]
struct Seen {
    reserved: AtomicUsize,
    released: AtomicUsize,
    called: AtomicUsize,
}

/// It reserves something when it is ready, and must be ready when it is called. A clone is not ready.
struct Scarce {
    seen: Arc<Seen>,
    is_ready: bool,
}

impl Clone for Scarce {
    fn clone(&self) -> Self {
        Scarce { seen: Arc::clone(&self.seen), is_ready: false }
    }
}

impl Drop for Scarce {
    fn drop(&mut self) {
        self.seen.released.fetch_add(usize::from(self.is_ready), SeqCst);
    }
}

impl Service<Request<String>> for Scarce {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.seen.reserved.fetch_add(usize::from(!self.is_ready), SeqCst);
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        assert!(self.is_ready, "called without being ready");
        self.is_ready = false;
        self.seen.called.fetch_add(1, SeqCst);
        ready(Ok(Response::new(String::new())))
    }
}

#[test]
fn the_service_that_was_ready_is_called_and_a_refusal_gives_it_back() {
    let (limiter, _) = exact("2/10s");
    let seen = Arc::new(Seen::default());
    let mut service = RateLimitLayer::new(limiter).layer(Scarce { seen: Arc::clone(&seen), is_ready: false });
    for expected in [200, 200, 429, 429] {
        let response = futures_lite::future::block_on(async { service.ready().await?.call(request()).await });
        assert_eq!(response.unwrap_or_else(|never| match never {}).status(), expected);
    }
    let counts =
        |seen: &Seen| (seen.reserved.load(SeqCst), seen.called.load(SeqCst), seen.released.load(SeqCst));
    assert_eq!(counts(&seen), (4, 2, 2));
    // Ready and then dropped.
    assert!(futures_lite::future::block_on(service.ready()).is_ok());
    drop(service);
    assert_eq!(counts(&seen), (5, 2, 3));
}

#[test]
fn an_inner_service_that_is_not_ready_charges_nothing() {
    #[derive(Clone)]
    struct Never;
    impl Service<Request<String>> for Never {
        type Response = Response<String>;
        type Error = &'static str;
        type Future = std::future::Pending<Result<Response<String>, &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Err("broken"))
        }
        fn call(&mut self, _: Request<String>) -> Self::Future {
            pending()
        }
    }
    let (limiter, _) = exact("2/10s");
    let service = RateLimitLayer::new(limiter.clone()).layer(Never);
    assert_eq!(futures_lite::future::block_on(service.oneshot(request())).unwrap_err(), "broken");
    assert_eq!(limiter.status().remaining(), 2);
}

#[test]
fn a_request_is_charged_when_the_inner_service_is_called_and_stays_so() {
    let (limiter, _) = exact("5/10s");
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let handler = service_fn(move |_: Request<String>| {
        counted.fetch_add(1, SeqCst);
        pending::<Result<Response<String>, Infallible>>()
    });
    let mut service = RateLimitLayer::new(limiter.clone()).layer(handler);

    let mut served = Box::pin(service.call(request()));
    assert_eq!((limiter.status().remaining(), calls.load(SeqCst)), (4, 1));
    assert!(poll(served.as_mut()).is_pending());
    assert!(poll(served.as_mut()).is_pending());
    assert_eq!((limiter.status().remaining(), calls.load(SeqCst)), (4, 1));
    // The call was made: it stays charged.
    drop(served);
    assert_eq!(limiter.status().remaining(), 4);

    // Dropped before it is polled, it was made all the same.
    drop(service.call(request()));
    assert_eq!((limiter.status().remaining(), calls.load(SeqCst)), (3, 2));
}

#[test]
fn errors_of_the_inner_service_stay_as_they_are() {
    let (limiter, _) = exact("5/10s");
    let fails = service_fn(|_: Request<String>| ready(Err::<Response<String>, _>("as it is")));
    let service = RateLimitLayer::new(limiter).layer(fails);
    assert_eq!(futures_lite::future::block_on(service.oneshot(request())).unwrap_err(), "as it is");
}

#[test]
fn after_a_panic_the_others_go_on() {
    let (limiter, _) = exact("4/10s");
    let layer = RateLimitLayer::new(limiter.clone());
    let in_call = layer.layer(service_fn(|request: Request<String>| {
        assert!(request.body().is_empty(), "a panic in `call`");
        ready(Ok::<_, Infallible>(Response::new(String::new())))
    }));
    let bad = Request::new(String::from("bad"));
    let mut panics = Box::pin(in_call.clone().oneshot(bad));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(panics.as_mut()))).is_err());
    assert_eq!(limiter.status().remaining(), 3);
    assert!(futures_lite::future::block_on(in_call.oneshot(request())).is_ok());

    let mut service = layer.layer(service_fn(|_: Request<String>| async {
        assert!(Nanos::ZERO > Nanos::MAX, "a panic in the future");
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let mut panics = Box::pin(service.call(request()));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(panics.as_mut()))).is_err());
    drop(panics);
    assert_eq!(limiter.status().remaining(), 1);
}

#[test]
fn polled_again_after_its_end_a_response_waits_for_ever() {
    let (limiter, _) = exact("1/10s");
    let handler = service_fn(|_: Request<String>| ready(Ok::<_, Infallible>(Response::new(String::new()))));
    let mut service = RateLimitLayer::new(limiter.clone()).layer(handler);
    for status in [200, 429] {
        let mut response = Box::pin(service.call(request()));
        assert!(matches!(poll(response.as_mut()), Poll::Ready(Ok(response)) if response.status() == status));
        assert!(poll(response.as_mut()).is_pending());
    }
}

#[test]
fn after_a_hook_has_panicked_a_request_is_charged_once_and_not_served() {
    let (limiter, _) = exact("3/10s");
    let layer = RateLimitLayer::new(limiter.clone()).on_decision(|_| panic!("as it was told"));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let mut service = layer.layer(service_fn(move |_: Request<String>| {
        counted.fetch_add(1, SeqCst);
        ready(Ok::<_, Infallible>(Response::new(String::new())))
    }));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(service.call(request())))).is_err());
    assert_eq!((limiter.status().remaining(), calls.load(SeqCst)), (2, 0));
}

/// A limiter on another machine: it answers when it is told to.
#[derive(Clone, Default)]
struct Far {
    answer: Arc<Mutex<Option<Answer>>>,
    asked: Arc<AtomicUsize>,
}

impl Limiter<u32> for Far {
    type Deciding = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn fields(&self) -> Vec<Fields> {
        let policy: Policy = "3/1m".parse().unwrap();
        vec![Fields::new(&policy)]
    }

    fn decide(&self, key: Option<&u32>, cost: u32) -> Self::Deciding {
        assert_eq!((key, cost), (Some(&7), 2));
        self.asked.fetch_add(1, SeqCst);
        let answer = Arc::clone(&self.answer);
        Box::pin(std::future::poll_fn(move |_| match answer.lock().unwrap().take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }))
    }
}

#[test]
fn an_answer_that_comes_later() {
    let far = Far::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let handler = service_fn(move |request: Request<String>| {
        assert_eq!(request.body(), "the body");
        counted.fetch_add(1, SeqCst);
        ready(Ok::<_, Infallible>(Response::new(String::new())))
    });
    let layer = RateLimitLayer::keyed(far.clone(), |_| Some(7)).cost(|_| 2);
    let layer = layer.on_decision(|decision| assert_eq!((decision.key(), decision.cost()), (Some(&7), 2)));
    let mut service = layer.layer(handler);

    let mut response = Box::pin(service.call(Request::new("the body".into())));
    assert_eq!((far.asked.load(SeqCst), calls.load(SeqCst)), (1, 0));
    assert!(poll(response.as_mut()).is_pending());
    assert!(poll(response.as_mut()).is_pending());
    assert_eq!((far.asked.load(SeqCst), calls.load(SeqCst)), (1, 0));
    *far.answer.lock().unwrap() = Some(Answer::new(Ok(()), None));
    assert!(matches!(poll(response.as_mut()), Poll::Ready(Ok(response)) if response.status() == 200));
    assert_eq!((far.asked.load(SeqCst), calls.load(SeqCst)), (1, 1));

    let denied = Denied::new(Nanos::ZERO, 0, Some(Nanos::from_secs(20)), 3);
    let mut response = Box::pin(service.call(Request::new("the body".into())));
    assert!(poll(response.as_mut()).is_pending());
    *far.answer.lock().unwrap() = Some(Answer::new(Err(denied), None));
    let Poll::Ready(Ok(response)) = poll(response.as_mut()) else { panic!("no response") };
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"20".parse().unwrap())
    );

    // Dropped while it is asked: the inner service is not called.
    let mut response = Box::pin(service.call(Request::new("the body".into())));
    assert!(poll(response.as_mut()).is_pending());
    drop(response);
    assert_eq!((far.asked.load(SeqCst), calls.load(SeqCst)), (3, 1));
}

#[test]
fn bodies_tell_their_size_and_their_end() {
    type B = http_body_util::Full<bytes::Bytes>;
    let (limiter, _) = exact("1/10s");
    let handler =
        service_fn(|_: Request<String>| ready(Ok::<_, Infallible>(Response::new(B::from("hello")))));
    let service = RateLimitLayer::new(limiter).layer(handler);
    for (status, size) in [(200, 5), (429, 222)] {
        let response = futures_lite::future::block_on(service.clone().oneshot(request())).unwrap();
        assert_eq!(response.status(), status);
        let mut body = Box::pin(response.into_body());
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(size), false));
        let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("no frame")
        };
        assert_eq!(frame.into_data().ok().map(|data| data.len() as u64), Some(size));
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
        let end = body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(end, Poll::Ready(None)));
    }
    assert!(ResponseBody::<B>::default().is_end_stream());
}

/// What frameworks ask of the types.
#[test]
fn everything_can_be_sent_cloned_and_shown() {
    fn sent<T: Send + Sync + 'static>(_: &T) {}
    let (limiter, _) = exact("1/10s");
    let layer = RateLimitLayer::new(limiter);
    let mut service = layer
        .layer(service_fn(|_: Request<String>| ready(Ok::<_, Infallible>(Response::new(String::new())))));
    sent(&layer);
    sent(&service);
    let response = service.call(request());
    sent(&response);
    assert!(format!("{layer:?} {:?}", service.clone()).contains("RateLimitLayer"));
    assert_eq!(format!("{response:?}"), "ResponseFuture { state: \"serving\" }");
}
