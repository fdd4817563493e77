//! When calls are sent, and in which order.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::noop_waker_ref;
use http::Request;
use tollgate::tower::client::RateLimitLayer;
use tower::{Layer, Service, ServiceExt};

use super::world::{Server, Strict, all, call, exact, paused, plain, spawn, strict};

#[test]
fn calls_are_sent_in_order_of_arrival_as_soon_as_the_limit_allows() {
    paused(async {
        let server = Server::new();
        let client = plain(exact("2/10s, 3/1m"), &server);
        assert!(all(&client, 0..5).await.iter().all(Result::is_ok));
        assert_eq!(server.came(), [(0, 0), (1, 0), (2, 10_000), (3, 60_000), (4, 60_000)]);
    });
}

#[test]
fn a_strict_bucket_spreads_them() {
    paused(async {
        let server = Server::new();
        // 26 at once, then one per 2.44 s.
        let client = plain(strict("50/1m, 1500/1h"), &server);
        assert!(all(&client, 0..29).await.iter().all(Result::is_ok));
        assert_eq!(server.times()[25..], [0, 2_441, 4_882, 7_323]);
    });
}

#[test]
fn an_erased_algorithm_serves() {
    paused(async {
        use tollgate::wait::{FairLimiter, Tokio};
        use tollgate::{RateLimiter, WindowCounter};

        let tokio = Tokio::new().unwrap();
        let counter = WindowCounter::new("2/10s".parse().unwrap()).unwrap();
        let limiter = RateLimiter::new(counter, tokio.clone()).erased();
        let server = Server::new();
        let client = plain(FairLimiter::new(limiter, tokio), &server);
        all(&client, 0..3).await;
        assert_eq!(server.times()[..2], [0, 0]);
        assert!(server.times()[2] >= 10_000);
    });
}

#[test]
fn clones_and_services_of_one_layer_share_the_limit() {
    paused(async {
        let server = Server::new();
        let layer = RateLimitLayer::new(exact("2/10s"));
        let (one, other) = (layer.layer(server.clone()), layer.clone().layer(server.clone()));
        let tasks =
            [spawn(&one, call(0)), spawn(&other, call(1)), spawn(&one, call(2)), spawn(&other, call(3))];
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(server.came(), [(0, 0), (1, 0), (2, 10_000), (3, 10_000)]);
    });
}

#[test]
fn a_call_costs_what_the_closure_says() {
    paused(async {
        let server = Server::new();
        let layer = RateLimitLayer::new(exact("6/10s")).cost(|request: &Request<u32>| *request.body());
        let client = layer.layer(server.clone());
        // A small call does not overtake a large one. One that costs nothing does not wait.
        all(&client, [4, 3, 1, 2, 0]).await;
        assert_eq!(server.came(), [(4, 0), (0, 0), (3, 10_000), (1, 10_000), (2, 10_000)]);
    });
}

#[test]
fn the_service_that_was_ready_takes_the_call() {
    paused(async {
        let server = Server::new();
        let client = RateLimitLayer::new(exact("1/10s")).layer(Strict::new(server.clone()));
        all(&client, 0..3).await;
        assert_eq!(server.times(), [0, 10_000, 20_000]);
    });
}

/// Never ready.
#[derive(Clone)]
struct Busy;

impl Service<Request<u32>> for Busy {
    type Response = http::Response<()>;
    type Error = super::world::Broken;
    type Future = std::future::Pending<Result<http::Response<()>, super::world::Broken>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request<u32>) -> Self::Future {
        unreachable!("it is never ready")
    }
}

#[test]
fn no_permit_is_taken_before_the_inner_service_is_ready() {
    paused(async {
        let limiter = exact("1/10s");
        let mut client = RateLimitLayer::new(limiter.clone()).layer(Busy);
        for _ in 0..3 {
            assert!(client.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_pending());
        }
        assert_eq!((limiter.status().remaining(), limiter.waiting()), (1, 0));

        // A thousand clones that are ready have taken nothing either.
        let server = Server::new();
        let client = plain(limiter.clone(), &server);
        let mut clones = vec![client; 1_000];
        for clone in &mut clones {
            assert!(clone.ready().await.is_ok());
        }
        assert_eq!(limiter.status().remaining(), 1);
    });
}

#[test]
fn a_call_is_made_by_its_first_poll() {
    paused(async {
        let server = Server::new();
        let mut client = plain(exact("1/10s"), &server);
        let (first, second) = (client.call(call(1)), client.call(call(2)));
        tokio::time::advance(Duration::from_secs(1)).await;
        second.await.unwrap();
        first.await.unwrap();
        assert_eq!(server.came(), [(2, 1_000), (1, 11_000)]);
    });
}
