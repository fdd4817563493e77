//! Calls that are given up, and inner services that panic.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::task::noop_waker_ref;
use http::{Request, Response};
use tollgate::tower::client::RateLimitLayer;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::world::{Broken, Server, answer, call, exact, paused, plain, spawn, strict};

#[test]
fn a_call_that_is_dropped_while_it_waits_is_not_charged_and_the_next_goes() {
    paused(async {
        let limiter = exact("1/10s");
        let server = Server::new();
        let client = plain(limiter.clone(), &server);
        client.clone().oneshot(call(0)).await.unwrap();
        let (second, third) = (spawn(&client, call(1)), spawn(&client, call(2)));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(limiter.waiting(), 2);
        second.abort();
        assert!(second.await.unwrap_err().is_cancelled());
        assert_eq!(limiter.waiting(), 1);
        third.await.unwrap().unwrap();
        assert_eq!(server.came(), [(0, 0), (2, 10_000)]);
        // Nothing is left, and the next call has its permit when the rule says so.
        client.oneshot(call(3)).await.unwrap();
        assert_eq!(server.came()[2..], [(3, 20_000)]);
        assert_eq!(limiter.waiting(), 0);
    });
}

#[test]
fn a_call_that_is_never_polled_is_not_charged() {
    paused(async {
        let limiter = exact("1/10s");
        let mut client = plain(limiter.clone(), &Server::new());
        drop(client.call(call(0)));
        assert_eq!((limiter.status().remaining(), limiter.waiting()), (1, 0));
    });
}

#[test]
fn a_call_that_is_dropped_after_it_was_sent_stays_charged() {
    paused(async {
        // A bucket could undo it. But the server has the request.
        let limiter = strict("2/10s");
        let server = Server::new().slow(Duration::from_secs(5));
        let before = limiter.status().remaining();
        let mut client = plain(limiter.clone(), &server);
        let mut sent = Box::pin(client.call(call(0)));
        assert!(sent.as_mut().poll(&mut Context::from_waker(noop_waker_ref())).is_pending());
        drop(sent);
        assert_eq!(server.came(), [(0, 0)]);
        assert_eq!(limiter.status().remaining(), before - 1);
    });
}

#[test]
fn a_repetition_that_is_dropped_while_it_waits_is_not_charged() {
    paused(async {
        let limiter = exact("10/1m");
        let server = Server::answering([answer(429, &[("retry-after", "5")])]);
        let again = |request: &Request<u32>| Some(Request::new(*request.body()));
        let client = RateLimitLayer::new(limiter.clone()).repeating(1, again).layer(server.clone());
        let waiting = spawn(&client, call(0));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(limiter.waiting(), 1);
        waiting.abort();
        drop(waiting.await);
        assert_eq!(limiter.waiting(), 0);
        limiter.resume();
        assert_eq!(limiter.status().remaining(), 9);
        assert_eq!(server.came(), [(0, 0)]);
    });
}

#[test]
fn an_inner_service_that_panics_harms_nobody_else() {
    paused(async {
        let limiter = exact("1/10s");
        for panics_at_once in [true, false] {
            let inner = service_fn(move |request: Request<u32>| {
                assert!(!(panics_at_once && request.body() % 2 == 0), "as it was told");
                async move {
                    assert!(request.body() % 2 == 1, "as it was told");
                    Ok::<_, Broken>(Response::new(()))
                }
            });
            let client = RateLimitLayer::new(limiter.clone()).layer(inner);
            let start = tokio::time::Instant::now();
            let tasks = [0, 1, 2, 3].map(|number| spawn(&client, call(number)));
            let mut panicked = Vec::new();
            for task in tasks {
                panicked.push(task.await.is_err_and(|error| error.is_panic()));
            }
            assert_eq!(panicked, [true, false, true, false]);
            // A call that panicked is charged, because it may have been sent.
            let earlier = if panics_at_once { 0 } else { 10 };
            assert_eq!(start.elapsed(), Duration::from_secs(30 + earlier));
            assert_eq!(limiter.waiting(), 0);
        }
    });
}

#[test]
fn nothing_comes_after_the_end() {
    paused(async {
        let mut client = plain(exact("5/10s"), &Server::new());
        let mut response = pin!(client.call(call(0)));
        assert!(response.as_mut().now_or_never().is_some());
        assert!(response.as_mut().now_or_never().is_none());

        let inner = service_fn(|_: Request<u32>| -> std::future::Ready<Result<Response<()>, Broken>> {
            panic!("as it was told")
        });
        let limiter = exact("5/10s");
        let mut client = RateLimitLayer::new(limiter.clone()).layer(inner);
        let mut response = Box::pin(client.call(call(0)));
        let mut poll = || response.as_mut().poll(&mut Context::from_waker(noop_waker_ref()));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut poll)).is_err());
        assert!(matches!(poll(), Poll::Pending));
        // Nor is anything charged after it.
        assert_eq!(limiter.status().remaining(), 4);
    });
}
