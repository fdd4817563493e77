//! How long a call waits, and why it gives up.

use std::convert::Infallible;
use std::error::Error as _;
use std::time::Duration;

use http::{Request, Response};
use tokio::time::Instant;
use tollgate::Nanos;
use tollgate::tower::client::{Error, RateLimitLayer};
use tollgate::wait::AcquireError;
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

use super::world::{Broken, Server, answer, call, exact, paused, plain, spawn};

#[test]
fn a_call_that_cannot_be_in_time_is_refused_at_once() {
    paused(async {
        let server = Server::new();
        let layer = RateLimitLayer::new(exact("1/10s")).within(Duration::from_secs(9));
        let client = layer.layer(server.clone());
        client.clone().oneshot(call(0)).await.unwrap();
        let (start, error) = (Instant::now(), client.clone().oneshot(call(1)).await.unwrap_err());
        assert_eq!(start.elapsed(), Duration::ZERO);
        let Error::Refused(AcquireError::TooLate(denied)) = error else { panic!("{error:?}") };
        assert_eq!(denied.retry_at(), Some(Nanos::from_secs(10)));
        let said = "the call was not sent: no permit before the deadline: quota 0 (counted from 0) is exceeded; retry after 10s";
        assert_eq!(error.to_string(), said);
        assert!(error.source().unwrap().is::<AcquireError>());

        // An instant equal to the deadline is in time.
        tokio::time::advance(Duration::from_secs(1)).await;
        client.oneshot(call(2)).await.unwrap();
        assert_eq!(server.came(), [(0, 0), (2, 10_000)]);
    });
}

#[test]
fn the_deadline_counts_from_the_call_and_not_from_the_first_poll() {
    paused(async {
        let server = Server::new();
        let layer = RateLimitLayer::new(exact("1/10s")).within(Duration::from_secs(12));
        let mut client = layer.layer(server.clone());
        client.call(call(0)).await.unwrap();
        let late = client.call(call(1));
        client.call(call(2)).await.unwrap(); // at 10 s
        let error = late.await.unwrap_err();
        assert!(matches!(error, Error::Refused(AcquireError::TooLate(_))), "{error:?}");
        assert_eq!(server.came(), [(0, 0), (2, 10_000)]);
    });
}

#[test]
fn a_full_queue_refuses() {
    paused(async {
        let server = Server::new();
        let client = plain(exact("1/10s").with_bound(1), &server);
        let (first, second) = (spawn(&client, call(0)), spawn(&client, call(1)));
        tokio::task::yield_now().await;
        let error = client.oneshot(call(2)).await.unwrap_err();
        assert_eq!(error, Error::Refused(AcquireError::Full { bound: 1 }));
        assert_eq!(error.to_string(), "the call was not sent: no more than 1 may wait for a permit");
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        assert_eq!(server.came(), [(0, 0), (1, 10_000)]);
    });
}

#[test]
fn a_call_that_costs_more_than_is_ever_granted_is_refused() {
    paused(async {
        let server = Server::new();
        let layer = RateLimitLayer::new(exact("2/10s")).cost(|_: &Request<u32>| 3);
        let error = layer.layer(server.clone()).oneshot(call(0)).await.unwrap_err();
        assert!(matches!(error, Error::Refused(AcquireError::Never(_))), "{error:?}");
        assert_eq!(server.came(), []);
    });
}

#[test]
fn the_error_of_the_inner_service_is_unchanged() {
    paused(async {
        let server = Server::answering([answer(599, &[])]);
        let limiter = exact("5/10s");
        let error = plain(limiter.clone(), &server).oneshot(call(0)).await.unwrap_err();
        assert_eq!(error, Error::Inner(Broken));
        assert_eq!(error.to_string(), "the connection broke");
        // The server may have the request.
        assert_eq!(limiter.status().remaining(), 4);
    });
}

/// The error of tower's own timeout and buffer is a box, which is no `std::error::Error`; and around them only what becomes
/// a box is taken.
#[test]
fn between_layers_whose_errors_are_boxes() {
    paused(async {
        let broken = service_fn(|_: Request<u32>| async { Err::<Response<()>, BoxError>(Broken.into()) });
        let layer = RateLimitLayer::new(exact("1/10s")).within(Duration::ZERO);
        let client = layer.layer(broken).map_err(Error::into_boxed);
        let error: BoxError = client.clone().oneshot(call(0)).await.unwrap_err();
        assert!(error.is::<Broken>(), "{error:?}");
        let error: BoxError = client.oneshot(call(1)).await.unwrap_err();
        assert!(
            error.to_string().starts_with("the call was not sent: no permit before the deadline"),
            "{error}"
        );
        assert!(matches!(error.downcast_ref(), Some(Error::<Infallible>::Refused(AcquireError::TooLate(_)))));
        assert!(error.source().unwrap().is::<AcquireError>());
    });
}
