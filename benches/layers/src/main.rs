//! What a layer costs above a bare handler, in nanoseconds a request: ours beside others, in one run.
//!
//! ```text
//! cargo run --release --manifest-path benches/layers/Cargo.toml
//! cargo run --release --manifest-path benches/layers/Cargo.toml -- tollgate # only those with this name
//! ```
//!
//! Each layer keeps a limit for each client address, and every request is granted. The requests are made beforehand. A
//! figure is the median of many rounds, in each of which every layer serves the same requests, minus the bare handler.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Instant;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum_governor::extractor::PeerIp;
use futures_lite::future::block_on;
use http::{Request, Response};
use tollgate::keyed::KeyedLimiter;
use tollgate::tower::server::{ClientAddr, RateLimitLayer};
use tower::{Layer, Service, ServiceExt};
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;

const ROUNDS: usize = 201;
const REQUESTS: usize = 1_000;
/// As many callers, who call in turn.
const CALLERS: u32 = 1_000;

/// The handler: as little as there can be.
#[derive(Clone)]
struct Bare;

impl Service<Request<Body>> for Bare {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Response::new(Body::empty())))
    }
}

/// Requests of the callers after the `first`.
fn requests(first: u32) -> Vec<Request<Body>> {
    (first..).take(REQUESTS).map(|caller| request(caller % CALLERS)).collect()
}

fn request(caller: u32) -> Request<Body> {
    let peer = SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 | caller), 4711));
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// Nanoseconds a request.
type Serve = Box<dyn FnMut(Vec<Request<Body>>) -> f64>;

fn serve<S, B>(mut service: S) -> Serve
where
    S: Service<Request<Body>, Response = Response<B>> + 'static,
    S::Error: std::fmt::Debug,
{
    Box::new(move |requests| {
        let began = Instant::now();
        let served = block_on(async {
            let mut served = 0;
            for request in requests {
                let response = service.ready().await.expect("ready").call(request).await.expect("a response");
                served += usize::from(response.status() == 200);
            }
            served
        });
        let took = began.elapsed();
        assert_eq!(served, REQUESTS, "every request is granted");
        #[expect(clippy::cast_precision_loss, reason = "a time to show")]
        let each = took.as_nanos() as f64 / REQUESTS as f64;
        each
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limiter = KeyedLimiter::strict("1000/1s, 60000/1m".parse()?, 4 * CALLERS as usize)?;
    let address = ClientAddr::from_extension(|peer: &ConnectInfo<SocketAddr>| peer.0);
    let ours = RateLimitLayer::keyed(limiter, move |request| address.of(request));

    let mut others = GovernorConfigBuilder::default();
    others.per_millisecond(1).burst_size(1000);
    let with_fields = others.use_headers().finish().ok_or("tower_governor refuses its configuration")?;
    let without = others.finish().ok_or("tower_governor refuses its configuration")?;

    let quota = axum_governor::Quota::requests_per_second(NonZeroU32::new(1000).ok_or("zero")?);
    let axum_governor = axum_governor::GovernorConfigBuilder::default()
        .with_extractor(PeerIp::default())
        .expect_connect_info()
        .gc_disable()
        .quota_default(quota)
        .finish()?;

    let mut contenders: Vec<(&str, Serve, Vec<f64>)> = vec![
        ("a bare handler", serve(Bare), Vec::new()),
        ("tollgate, no fields", serve(ours.clone().fields_on_refusals_only().layer(Bare)), Vec::new()),
        ("tollgate, draft 11", serve(ours.layer(Bare)), Vec::new()),
        ("tower_governor, no fields", serve(GovernorLayer::new(without).layer(Bare)), Vec::new()),
        ("tower_governor, x-ratelimit", serve(GovernorLayer::new(with_fields).layer(Bare)), Vec::new()),
        ("axum-governor", serve(axum_governor::GovernorLayer::new(axum_governor).layer(Bare)), Vec::new()),
    ];
    if let Some(only) = std::env::args().nth(1) {
        contenders.retain(|(name, ..)| *name == "a bare handler" || name.contains(&only));
    }
    for round in 0..ROUNDS {
        #[expect(clippy::cast_possible_truncation, reason = "a few hundred rounds")]
        let first = (round * REQUESTS) as u32;
        for (_, serve, times) in &mut contenders {
            let time = serve(requests(first));
            // In the first round of each caller its entry is made.
            if round * REQUESTS >= CALLERS as usize {
                times.push(time);
            }
        }
    }
    let bare = median(contenders[0].2.clone());
    println!("{:<28} {:>8} {:>12}", "ns a request", "in all", "of the layer");
    for (name, _, times) in contenders {
        let time = median(times);
        println!("{name:<28} {time:>8.0} {:>12.0}", time - bare);
    }
    Ok(())
}
