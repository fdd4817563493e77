//! Over real sockets, in real time: reqwest and hyper-util behind the layer of a client, axum behind that of a server.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tollgate::http::{Feedback, Heed};
use tollgate::tower::client::{Error, PerHost, RateLimitLayer, authority};
use tollgate::tower::server::{self, Decision, Outcome};
use tollgate::wait::{AcquireError, FairLimiter, Tokio};
use tollgate::{RateLimiter, SlidingLog};
use tower::{Layer, Service, ServiceExt};

use super::world::{OnTokio, exact};

const TASKS: u32 = 20;
const CALLS: u32 = 2;

/// An axum server with the layer of a server, and what it has done.
#[derive(Clone, Default)]
struct Site {
    served: Arc<AtomicU32>,
    refused: Arc<AtomicU32>,
}

impl Site {
    /// Enforces `policy` exactly, on a free port, until the runtime ends.
    async fn start(&self, policy: &str) -> SocketAddr {
        let (served, refused) = (self.served.clone(), self.refused.clone());
        let layer = server::RateLimitLayer::new(RateLimiter::exact(policy.parse().unwrap()).unwrap());
        let layer = layer.on_decision(move |decision: &Decision<'_, ()>| {
            refused.fetch_add(u32::from(decision.outcome() == Outcome::Refused), Ordering::Relaxed);
        });
        let handler = move || std::future::ready(format!("{}", served.fetch_add(1, Ordering::Relaxed)));
        let router = Router::new().route("/", get(handler)).layer(layer);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        address
    }

    /// Calls that were served, and those that were refused.
    fn counts(&self) -> (u32, u32) {
        (self.served.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

fn real_time(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(test);
}

/// All tasks make their calls. The status of each response, in no order.
async fn load<S, R, T>(
    client: &S,
    request: impl Fn() -> R,
    status: impl Fn(T) -> StatusCode,
) -> Vec<StatusCode>
where
    S: Service<R, Response = T, Error: std::fmt::Debug, Future: Send> + Clone + Send + 'static,
    R: Send + 'static,
    T: Send + 'static,
{
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (client, requests) = (client.clone(), [(); CALLS as usize].map(|()| request()));
        tasks.spawn(async move {
            let mut responses = Vec::new();
            for request in requests {
                responses.push(client.clone().oneshot(request).await.unwrap());
            }
            responses
        });
    }
    tasks.join_all().await.into_iter().flatten().map(status).collect()
}

fn by_reqwest(address: SocketAddr) -> impl Fn() -> reqwest::Request {
    move || reqwest::Request::new(reqwest::Method::GET, format!("http://{address}/").parse().unwrap())
}

fn parts(response: &reqwest::Response) -> (StatusCode, &HeaderMap) {
    (response.status(), response.headers())
}

/// Whether calls came closer together than they were sent by more than the guard. Nothing can be said then.
fn late(site: &Site) -> bool {
    let late = site.counts().1 > 0;
    if late {
        let _ = writeln!(io::stderr(), "SKIPPED: this machine delayed calls by more than the guard");
    }
    late
}

const GUARDED: &str = "10/500ms; guard 400ms";

#[test]
fn twenty_tasks_of_reqwest_draw_no_429_from_axum() {
    real_time(async {
        let site = Site::default();
        let address = site.start("10/500ms").await;
        let client = RateLimitLayer::new(exact(GUARDED)).reading(parts).layer(reqwest::Client::new());
        let answers =
            load(&client, by_reqwest(address), |response: reqwest::Response| response.status()).await;
        if !late(&site) {
            assert_eq!(answers, [StatusCode::OK; (TASKS * CALLS) as usize]);
            assert_eq!(site.counts(), (40, 0));
        }
    });
}

#[test]
fn without_the_layer_they_do() {
    real_time(async {
        let site = Site::default();
        let address = site.start("10/1h").await;
        let answers = load(&reqwest::Client::new(), by_reqwest(address), |response| response.status()).await;
        assert_eq!(answers.iter().filter(|&&status| status == StatusCode::TOO_MANY_REQUESTS).count(), 30);
        assert_eq!(site.counts(), (10, 30));
    });
}

#[test]
fn twenty_tasks_of_hyper_util_draw_none_either_and_each_host_has_its_limit() {
    real_time(async {
        let sites = [Site::default(), Site::default()];
        let tokio = Tokio::new().unwrap();
        let make = move |_: &Option<_>| -> Result<OnTokio<SlidingLog>, tollgate::Error> {
            let limiter = RateLimiter::new(SlidingLog::new(GUARDED.parse()?)?, tokio.clone());
            Ok(FairLimiter::new(limiter, tokio.clone()))
        };
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let client = RateLimitLayer::new(PerHost::new(2, authority::<Full<Bytes>>, make)).layer(client);
        let mut loads = JoinSet::new();
        for site in &sites {
            let address = site.start("10/500ms").await;
            let request = move || Request::get(format!("http://{address}/")).body(Full::default()).unwrap();
            let client = client.clone();
            loads.spawn(async move { load(&client, request, |response| response.status()).await });
        }
        for answers in loads.join_all().await {
            assert_eq!(answers.len(), 40);
        }
        for site in sites {
            if !late(&site) {
                assert_eq!(site.counts(), (40, 0));
            }
        }
    });
}

#[test]
fn a_client_that_believes_in_too_much_is_served_in_the_end() {
    real_time(async {
        let site = Site::default();
        let address = site.start("10/500ms").await;
        // It believes in 20. The server refuses ten of the first twenty and tells its remaining calls and a Retry-After.
        let heard = Arc::new(AtomicU32::new(0));
        let counted = heard.clone();
        let layer = RateLimitLayer::new(exact("20/500ms")).reading(parts);
        let layer = layer.repeating(9, reqwest::Request::try_clone).heeding_by(move |said: &Feedback| {
            counted.fetch_add(u32::from(said.is_refusal()), Ordering::Relaxed);
            Heed::new()
        });
        let client = layer.layer(reqwest::Client::new());
        let answers =
            load(&client, by_reqwest(address), |response: reqwest::Response| response.status()).await;
        assert_eq!(answers, [StatusCode::OK; 40]);
        let (served, refused) = site.counts();
        assert_eq!((served, refused), (40, heard.load(Ordering::Relaxed)));
    });
}

#[test]
fn a_deadline_is_an_error_of_its_own_beside_those_of_reqwest() {
    real_time(async {
        let layer = RateLimitLayer::new(exact("1/1h")).within(Duration::from_secs(5)).reading(parts);
        let client = layer.layer(reqwest::Client::new());
        // Nobody listens there.
        let nobody = by_reqwest(SocketAddr::from((Ipv4Addr::LOCALHOST, 9)));
        let error = client.clone().oneshot(nobody()).await.unwrap_err();
        assert!(matches!(&error, Error::Inner(error) if error.is_connect()), "{error:?}");
        let error = client.oneshot(nobody()).await.unwrap_err();
        assert!(matches!(error, Error::Refused(AcquireError::TooLate(_))), "{error:?}");
    });
}
