//! What a layer costs above a bare handler, in nanoseconds a request: ours beside others, in one run.
//!
//! ```text
//! cargo run --release --manifest-path benches/layers/Cargo.toml
//! cargo run --release --manifest-path benches/layers/Cargo.toml -- tollgate # only those with this name
//! ```
//!
//! Each layer keeps a limit for each client address, once for a few callers and once for many, who call in turn. The requests
//! are made beforehand, and every one is granted. A figure is the median of many rounds, in each of which every layer serves
//! the same requests, minus the bare handler. Afterwards one caller comes too fast, and each layer must refuse him.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum_governor::extractor::PeerIp;
use futures_lite::future::block_on;
use http::{Request, Response};
use tollgate::http::Family;
use tollgate::keyed::KeyedLimiter;
use tollgate::tower::server::{ClientAddr, RateLimitLayer};
use tower::{Layer, Service, ServiceExt};
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;

const ROUNDS: usize = 201;
const REQUESTS: usize = 1_000;
const CALLERS: [u32; 2] = [1_000, 100_000];
/// What each caller may do in a second, under every layer.
const LIMIT: u32 = 1_000;

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
fn requests(first: u32, callers: u32) -> Vec<Request<Body>> {
    (first..).take(REQUESTS).map(|caller| request(caller % callers)).collect()
}

fn request(caller: u32) -> Request<Body> {
    let peer = SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 | caller), 4711));
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// How long they take together, and how many are granted.
type Serve = Box<dyn FnMut(Vec<Request<Body>>) -> (Duration, usize)>;

struct Contender {
    name: &'static str,
    serve: Serve,
    /// Nanoseconds a request, of each round.
    times: Vec<f64>,
}

fn contender<S, B>(name: &'static str, mut service: S) -> Contender
where
    S: Service<Request<Body>, Response = Response<B>> + 'static,
    S::Error: std::fmt::Debug,
{
    let serve: Serve = Box::new(move |requests| {
        let began = Instant::now();
        let served = block_on(async {
            let mut served = 0;
            for request in requests {
                let response = service.ready().await.expect("ready").call(request).await.expect("a response");
                served += usize::from(response.status() == 200);
            }
            served
        });
        (began.elapsed(), served)
    });
    Contender { name, serve, times: Vec::new() }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn contenders(callers: u32) -> Result<Vec<Contender>, Box<dyn std::error::Error>> {
    let ours = || -> Result<_, Box<dyn std::error::Error>> {
        let limiter = KeyedLimiter::strict("1000/1s, 60000/1m".parse()?, 4 * callers as usize)?;
        let address = ClientAddr::from_extension(|peer: &ConnectInfo<SocketAddr>| peer.0);
        Ok(RateLimitLayer::keyed(limiter, move |request| address.of(request)))
    };

    let mut others = GovernorConfigBuilder::default();
    others.per_millisecond(1).burst_size(LIMIT);
    let with_fields = others.use_headers().finish().ok_or("tower_governor refuses its configuration")?;
    let without = others.finish().ok_or("tower_governor refuses its configuration")?;

    let quota = axum_governor::Quota::requests_per_second(NonZeroU32::new(LIMIT).ok_or("zero")?);
    let axum_governor = axum_governor::GovernorConfigBuilder::default()
        .with_extractor(PeerIp::default())
        .expect_connect_info()
        .gc_disable()
        .quota_default(quota)
        .finish()?;

    let x = ours()?.map_fields(|fields| fields.family(Family::XRateLimit));
    Ok(vec![
        contender("a bare handler", Bare),
        contender("tollgate, no fields", ours()?.fields_on_refusals_only().layer(Bare)),
        contender("tollgate, x-ratelimit", x.layer(Bare)),
        contender("tollgate, draft 11", ours()?.layer(Bare)),
        contender("tower_governor, no fields", GovernorLayer::new(without).layer(Bare)),
        contender("tower_governor, x-ratelimit", GovernorLayer::new(with_fields).layer(Bare)),
        contender("axum-governor, both", axum_governor::GovernorLayer::new(axum_governor).layer(Bare)),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "times to show")]
fn nanos(took: Duration, requests: usize) -> f64 {
    took.as_nanos() as f64 / requests as f64
}

/// One caller comes as fast as he can, until the limit is far behind.
fn refuses(contender: &mut Contender) {
    let requests = (0..5 * LIMIT).map(|_| request(u32::from(u16::MAX) << 8)).collect();
    let (took, granted) = (contender.serve)(requests);
    // At once, and as many as come back meanwhile.
    let most = f64::from(LIMIT) * (1.0 + took.as_secs_f64()) + 1.0;
    let least = 20; // the least burst among them
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let holds = granted >= least && granted as f64 <= most;
    assert!(holds, "{}: {granted} granted in {took:?}", contender.name);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let only = std::env::args().nth(1);
    for callers in CALLERS {
        let mut contenders = contenders(callers)?;
        if let Some(only) = &only {
            contenders.retain(|one| one.name == "a bare handler" || one.name.contains(only));
        }
        for round in 0..ROUNDS {
            let first = u32::try_from(round * REQUESTS)?;
            let began = Instant::now();
            for one in &mut contenders {
                let (took, granted) = (one.serve)(requests(first, callers));
                assert_eq!(granted, REQUESTS, "{}: every request is granted", one.name);
                // In the first call of each caller its entry is made.
                if first >= callers {
                    one.times.push(nanos(took, REQUESTS));
                }
            }
            // Nobody comes faster than the limit allows, however few layers are measured.
            while began.elapsed() < Duration::from_micros(1_500) {
                std::hint::spin_loop();
            }
        }
        let bare = median(contenders[0].times.clone());
        println!("{:<28} {:>8} {:>12}", format!("ns a request, {callers} callers"), "in all", "of the layer");
        for one in &mut contenders {
            let time = median(std::mem::take(&mut one.times));
            println!("{:<28} {time:>8.0} {:>12.0}", one.name, time - bare);
            if one.name != "a bare handler" {
                refuses(one);
            }
        }
    }
    Ok(())
}
