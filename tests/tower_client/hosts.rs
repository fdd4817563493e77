//! A limiter for each host.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http::uri::Authority;
use tollgate::keyed::MapFull;
use tollgate::tower::client::{Error, Limits, PerHost, RateLimitLayer, authority};
use tollgate::wait::{FairLimiter, Tokio};
use tollgate::{RateLimiter, SlidingLog};
use tower::{Layer, ServiceExt};

use super::world::{OnTokio, Server, answer, call, paused, spawn};

pub(crate) fn to(host: &str, number: u32) -> Request<u32> {
    Request::get(format!("http://{host}/path")).body(number).unwrap()
}

type Host = Option<Authority>;

/// One call in ten seconds for each of so many hosts; and how many limiters were made.
pub(crate) fn hosts(
    hosts: usize,
) -> (
    impl Limits<Request<u32>, Algorithm = SlidingLog, Clock = Tokio, Timer = Tokio> + Clone + Send + use<>,
    Arc<AtomicUsize>,
) {
    let (tokio, made) = (Tokio::new().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = made.clone();
    let new = move |_: &Host| -> Result<OnTokio<SlidingLog>, tollgate::Error> {
        counted.fetch_add(1, Ordering::Relaxed);
        let log = SlidingLog::new("1/10s".parse()?)?;
        Ok(FairLimiter::new(RateLimiter::new(log, tokio.clone()), tokio.clone()))
    };
    (PerHost::new(hosts, authority::<u32>, new), made)
}

#[test]
fn each_host_has_a_limit_and_a_queue_of_its_own() {
    paused(async {
        let (limits, made) = hosts(2);
        let server = Server::new();
        let client = RateLimitLayer::new(limits).layer(server.clone());
        let calls = [to("a.test", 0), to("a.test", 1), to("b.test", 2), to("A.test", 3), to("b.test", 4)];
        for task in calls.map(|call| spawn(&client, call)) {
            task.await.unwrap().unwrap();
        }
        assert_eq!(server.came(), [(0, 0), (2, 0), (1, 10_000), (4, 10_000), (3, 20_000)]);
        assert_eq!(made.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn a_refusal_pauses_its_host_alone() {
    paused(async {
        let (limits, _) = hosts(2);
        let server = Server::answering([answer(429, &[("retry-after", "60")])]);
        let client = RateLimitLayer::new(limits).layer(server.clone());
        assert_eq!(client.clone().oneshot(to("a.test", 0)).await.unwrap().status(), 429);
        for task in [to("a.test", 1), to("b.test", 2)].map(|call| spawn(&client, call)) {
            task.await.unwrap().unwrap();
        }
        assert_eq!(server.came(), [(0, 0), (2, 0), (1, 60_000)]);
    });
}

#[test]
fn a_host_too_many_is_refused_until_another_owes_nothing() {
    paused(async {
        let (limits, made) = hosts(1);
        let server = Server::new().slow(Duration::from_secs(30));
        let client = RateLimitLayer::new(limits).layer(server.clone());
        let under_way = spawn(&client, to("a.test", 0));
        tokio::time::sleep(Duration::from_secs(20)).await;
        // Nothing is charged to a.test any more, but what the server will say belongs to its limiter.
        let full = || Error::NoLimiter(tollgate::Error::MapFull(MapFull { capacity: 1 }));
        let error = client.clone().oneshot(to("b.test", 1)).await.unwrap_err();
        assert_eq!(error, full());
        assert_eq!(
            error.to_string(),
            "the call was not sent, because it has no limiter: the map holds 1 limiters, as many as it may, and none was \
             found that has recovered and is held by nobody"
        );
        under_way.await.unwrap().unwrap();
        client.clone().oneshot(to("b.test", 2)).await.unwrap();
        // The call to b.test took 30 s, so now it can be forgotten for a.test.
        client.clone().oneshot(to("a.test", 3)).await.unwrap();
        assert_eq!(server.came(), [(0, 0), (2, 30_000), (3, 60_000)]);
        assert_eq!(made.load(Ordering::Relaxed), 3);
        assert_eq!(client.oneshot(to("b.test", 4)).await.map(drop), Ok(()));
    });
}

#[test]
fn a_limiter_that_cannot_be_made_is_an_error() {
    paused(async {
        let make = |_: &Host| -> Result<OnTokio<SlidingLog>, tollgate::Error> {
            Err("50 a minute".parse::<tollgate::Policy>().unwrap_err().into())
        };
        let server = Server::new();
        let client = RateLimitLayer::new(PerHost::new(5, authority::<u32>, make)).layer(server.clone());
        let error = client.oneshot(to("a.test", 0)).await.unwrap_err();
        assert!(matches!(error, Error::NoLimiter(tollgate::Error::Parse(_))), "{error:?}");
        assert_eq!(server.came(), []);
    });
}

#[test]
fn the_host_of_a_request() {
    let with_host = |host: &str| Request::get("/path").header("host", host).body(0).unwrap();
    for (request, expected) in [
        (to("example.com", 0), Some("example.com")),
        (to("Example.COM:8080", 0), Some("example.com:8080")),
        (to("user:secret@example.com", 0), Some("example.com")),
        (to("[2001:db8::1]:80", 0), Some("[2001:db8::1]:80")),
        (with_host("example.com"), Some("example.com")),
        (with_host("not a host"), None),
        (call(0), None),
    ] {
        assert_eq!(authority(&request), expected.map(|host| host.parse().unwrap()), "{request:?}");
    }
}
