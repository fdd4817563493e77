//! The limit holds exactly, however many connections there are and however often axum clones the layer.

use std::collections::BTreeMap;
use std::thread;

use axum::Router;
use axum::routing::get;
use http::HeaderName;
use tollgate::tower::server::{PerKey, RateLimitLayer, header};
use tollgate::{BuildError, Manual, Policy, RateLimiter, SlidingLog};

use crate::support::{Server, exact, hello};

/// How often each status was answered.
fn load(
    server: &Server,
    threads: usize,
    calls: usize,
    key: impl Fn(usize) -> String + Sync,
) -> BTreeMap<u16, usize> {
    let one = |thread: usize| {
        let key = key(thread);
        (0..calls).map(|_| server.status(&[("x-api-key", &key)])).collect::<Vec<_>>()
    };
    let answers = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || one(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    let mut counts = BTreeMap::new();
    for status in answers {
        *counts.entry(status).or_default() += 1;
    }
    counts
}

#[test]
fn one_limit_for_all_connections() {
    let (limiter, _) = exact("100/1h");
    let server = Server::start(hello().layer(RateLimitLayer::new(limiter)));
    assert_eq!(load(&server, 8, 40, |_| String::new()), BTreeMap::from([(200, 100), (429, 220)]));
}

#[test]
fn one_limit_for_several_routers_that_share_a_layer() {
    let (limiter, _) = exact("30/1h");
    let layer = RateLimitLayer::new(limiter);
    let nested = Router::new().route("/", get(|| async { "nested" })).layer(layer.clone());
    let server = Server::start(hello().layer(layer).nest("/nested", nested));
    let statuses =
        (0..40).map(|i| server.send("GET", if i % 2 == 0 { "/" } else { "/nested" }, &[]).status());
    assert_eq!(statuses.filter(|&status| status == 200).count(), 30);
}

#[test]
fn a_limit_for_each_key() {
    let clock = Manual::new();
    let make = move |policy: Policy| -> Result<_, BuildError> {
        Ok(RateLimiter::new(SlidingLog::new(policy)?, clock.clone()))
    };
    let limiter = PerKey::new(100, make, &["25/1h".parse().unwrap()], |_| 0).unwrap();
    let layer = RateLimitLayer::keyed(limiter, header(HeaderName::from_static("x-api-key")));
    let server = Server::start(hello().layer(layer));
    // Eight threads call for four keys, twice as often as they may.
    let answers = load(&server, 8, 25, |thread| format!("key {}", thread % 4));
    assert_eq!(answers, BTreeMap::from([(200, 100), (429, 100)]));
}

#[test]
fn an_api_key_is_not_shown() {
    let key = header(HeaderName::from_static("x-api-key"));
    let (request, ()) = http::Request::builder().header("x-api-key", "secret").body(()).unwrap().into_parts();
    let found = key(&request).unwrap();
    assert_eq!(found, "secret");
    assert_eq!(format!("{found:?}"), "Sensitive");
}
