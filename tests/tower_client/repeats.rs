//! How often a call is sent that the server refuses.

use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio::time::Instant;
use tollgate::tower::client::{Error, RateLimitLayer};
use tollgate::wait::AcquireError;
use tower::{Layer, Service, ServiceExt};

use super::world::{Broken, Server, Strict, all, answer, call, exact, paused};

fn refusal() -> Response<()> {
    answer(429, &[("retry-after", "2")])
}

#[expect(clippy::unnecessary_wraps, reason = "a request may not be repeatable")]
fn again(request: &Request<u32>) -> Option<Request<u32>> {
    Some(Request::new(*request.body()))
}

#[test]
fn a_refused_call_is_sent_again_as_often_as_is_allowed() {
    for (times, sent, status) in [(0, 1, 429), (1, 2, 429), (2, 3, 429), (3, 4, 200), (9, 4, 200)] {
        paused(async {
            let server = Server::answering([refusal(), refusal(), refusal()]);
            let layer = RateLimitLayer::new(exact("10/1s")).repeating(times, again);
            let response = layer.layer(server.clone()).oneshot(call(7)).await.unwrap();
            assert_eq!(response.status(), status);
            let expected: Vec<_> = (0..sent).map(|i| (7, i * 2_000)).collect();
            assert_eq!(server.came(), expected, "at most {times} times again");
        });
    }
}

#[test]
fn a_call_without_a_copy_is_sent_once() {
    paused(async {
        let server = Server::answering([refusal(), refusal()]);
        // Even numbers may be repeated.
        let even = |request: &Request<u32>| again(request).filter(|request| request.body() % 2 == 0);
        let client = RateLimitLayer::new(exact("10/1s")).repeating(5, even).layer(server.clone());
        assert_eq!(client.clone().oneshot(call(1)).await.unwrap().status(), 429);
        assert_eq!(client.clone().oneshot(call(2)).await.unwrap().status(), 200);
        assert_eq!(server.came(), [(1, 0), (2, 2_000), (2, 4_000)]);
    });
}

#[test]
fn what_is_no_refusal_is_not_repeated() {
    paused(async {
        let server = Server::answering([answer(500, &[]), answer(404, &[]), answer(599, &[])]);
        let client = RateLimitLayer::new(exact("10/1s")).repeating(5, again).layer(server.clone());
        assert_eq!(client.clone().oneshot(call(0)).await.unwrap().status(), 500);
        assert_eq!(client.clone().oneshot(call(1)).await.unwrap().status(), 404);
        assert_eq!(client.clone().oneshot(call(2)).await.unwrap_err(), Error::Inner(Broken));
        assert_eq!(server.came(), [(0, 0), (1, 0), (2, 0)]);
    });
}

#[test]
fn a_repetition_waits_its_turn_behind_those_who_wait() {
    paused(async {
        // When the refusal is there, 1 and 2 wait already.
        let server = Server::answering([refusal()]).slow(Duration::from_millis(1));
        let client = RateLimitLayer::new(exact("1/10s")).repeating(1, again).layer(server.clone());
        all(&client, 0..3).await;
        assert_eq!(server.came(), [(0, 0), (1, 10_000), (2, 20_000), (0, 30_000)]);
    });
}

#[test]
fn a_repetition_does_not_start_the_deadline_anew() {
    paused(async {
        // Refused at 0, 2 and 4 s. The third repetition would be at 6 s.
        let server = Server::answering([refusal(), refusal(), refusal()]);
        let layer = RateLimitLayer::new(exact("10/1s")).repeating(9, again).within(Duration::from_secs(5));
        let start = Instant::now();
        let response = layer.layer(server.clone()).oneshot(call(0)).await.unwrap();
        // What the server said at last, at once and not at the deadline.
        assert_eq!((response.status().as_u16(), start.elapsed()), (429, Duration::from_secs(4)));
        assert_eq!(server.times(), [0, 2_000, 4_000]);
    });
}

#[test]
fn a_repetition_that_turns_out_to_be_late_is_an_error() {
    paused(async {
        let server = Server::answering([refusal()]);
        let limiter = exact("10/1s");
        let layer = RateLimitLayer::new(limiter.clone()).repeating(9, again).within(Duration::from_secs(5));
        let waiting = tokio::spawn(layer.layer(server.clone()).oneshot(call(0)));
        tokio::time::sleep(Duration::from_secs(1)).await;
        limiter.pause_for(Duration::from_secs(60));
        let error = waiting.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Refused(AcquireError::TooLate(_))), "{error:?}");
    });
}

#[test]
fn the_inner_service_is_ready_before_each_sending() {
    paused(async {
        let server = Server::answering([refusal(), refusal()]);
        let layer = RateLimitLayer::new(exact("10/1s")).repeating(2, again);
        let client = layer.layer(Strict::new(server.clone()));
        assert_eq!(client.oneshot(call(0)).await.unwrap().status(), 200);
        assert_eq!(server.times(), [0, 2_000, 4_000]);
    });
}

/// Ready once.
struct ReadyOnce(bool);

impl Clone for ReadyOnce {
    fn clone(&self) -> Self {
        ReadyOnce(true)
    }
}

impl Service<Request<u32>> for ReadyOnce {
    type Response = Response<()>;
    type Error = Broken;
    type Future = std::future::Ready<Result<Response<()>, Broken>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.0 { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn call(&mut self, _: Request<u32>) -> Self::Future {
        self.0 = true;
        std::future::ready(Ok(refusal()))
    }
}

/// One connection that is ready for the next call when the last response is gone, as one of HTTP/1 is.
#[derive(Clone, Default)]
struct Connection {
    under_way: std::sync::Arc<()>,
    refused: bool,
}

impl Service<Request<u32>> for Connection {
    type Response = Response<std::sync::Arc<()>>;
    type Error = Broken;
    type Future = std::future::Ready<Result<Self::Response, Broken>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        // The layer has a clone of it, the test too, and perhaps there is a response.
        if std::sync::Arc::strong_count(&self.under_way) > 2 { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn call(&mut self, _: Request<u32>) -> Self::Future {
        let mut response = Response::new(self.under_way.clone());
        if !std::mem::replace(&mut self.refused, true) {
            *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        }
        std::future::ready(Ok(response))
    }
}

#[test]
fn a_refusal_is_dropped_before_the_connection_is_needed() {
    paused(async {
        let layer = RateLimitLayer::new(exact("10/1s")).repeating(1, again);
        let mut client = layer.layer(Connection::default());
        client.ready().await.unwrap();
        let response = tokio::time::timeout(Duration::from_secs(60), client.call(call(0))).await;
        assert_eq!(response.unwrap().unwrap().status(), 200);
    });
}

#[test]
fn an_inner_service_that_is_never_ready_again_costs_no_permit() {
    paused(async {
        let limiter = exact("10/1s");
        let layer = RateLimitLayer::new(limiter.clone()).repeating(1, again);
        let mut client = layer.layer(ReadyOnce(false));
        client.ready().await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_secs(60), client.call(call(0))).await;
        assert!(waiting.is_err(), "it waits for the inner service");
        assert_eq!((limiter.status().remaining(), limiter.waiting()), (10, 0));
    });
}
