//! The layer of a server: it asks a limiter about each request, and refuses with 429 if that says no.
//!
//! For axum, hyper, tonic and everything else that is a `tower` service of `http` requests and can be cloned. This limits
//! each client address, in 8 MiB for any number of them:
//!
//! ```no_run
//! use std::net::SocketAddr;
//! use axum::{Router, extract::ConnectInfo, routing::get};
//! use tollgate::keyed::KeyedLimiter;
//! use tollgate::tower::server::{ClientAddr, RateLimitLayer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limiter = KeyedLimiter::strict("50/minute, 1500/hour".parse()?, 1 << 20)?;
//! let address = ClientAddr::from_extension(|peer: &ConnectInfo<SocketAddr>| peer.0);
//! let layer = RateLimitLayer::keyed(limiter, move |request| address.of(request));
//!
//! let app = Router::new().route("/", get(|| async { "Hello!" })).layer(layer);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! This is what a client is told, here in a test with a clock of its own:
//!
//! ```
//! use http::{Request, Response};
//! use tollgate::tower::server::RateLimitLayer;
//! use tollgate::{Manual, RateLimiter, SlidingLog};
//! use tower::{Layer, Service, ServiceExt, service_fn};
//!
//! # futures_lite::future::block_on(async {
//! let limiter = RateLimiter::new(SlidingLog::new("1/10s".parse()?)?, Manual::new());
//! let handler = service_fn(|_: Request<String>| async { Ok::<_, std::io::Error>(Response::new(String::from("Hello!"))) });
//! let mut service = RateLimitLayer::new(limiter).layer(handler);
//!
//! let response = service.ready().await?.call(Request::new(String::new())).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers()["ratelimit"], "\"1/10s\";r=0;t=10");
//!
//! let response = service.ready().await?.call(Request::new(String::new())).await?;
//! assert_eq!(response.status(), 429);
//! assert_eq!(response.headers()["retry-after"], "10");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Who is asked
//!
//! | you want | take |
//! |---|---|
//! | one limit for all requests | [`RateLimitLayer::new`] with a [`RateLimiter`](crate::RateLimiter) |
//! | a limit for each caller | [`RateLimitLayer::keyed`] with a [`KeyedLimiter`](crate::keyed::KeyedLimiter) |
//! | plans, such as `free` and `pro` | the same with [`Plans`] |
//! | a limit for each caller, all of it at once | the same with a [`KeyedRule`](crate::keyed::KeyedRule) |
//! | the exact log for each of a few callers | the same with [`PerKey`] |
//! | several limits of which all must hold | a [`Limiter`] of your own by [`try_acquire_all`](crate::try_acquire_all) |
//!
//! And the key is:
//!
//! | the key | take |
//! |---|---|
//! | the address of the client | [`ClientAddr`], behind any number of trusted proxies |
//! | a header, such as an API key | [`header`] |
//! | what the framework has found, such as axum's `MatchedPath` | [`extension`] |
//! | anything else | a closure: `\|request\| ...` gets the request without its body |
//!
//! # What is promised
//!
//! - **All clones share one limiter.** axum clones services for each connection or request. The limit holds all the same.
//! - **A request is charged when the service is called**, and in the same step the inner service is called. A request whose
//!   response is dropped, because the client has hung up, stays charged: the call was made. So nothing is ever to be undone. Only
//!   a limiter that asks another machine can charge a request that is then dropped: that permit is forfeited.
//! - **The errors of the inner service stay as they are**, and a panic in it goes through. The permit stays charged.
//! - **The inner service that was ready is the one that is called.** A refusal drops it, and with it whatever it reserved.
//! - **The response's own fields stay.** If it tells what is left already, because another layer is nearer to the
//!   handler, this layer adds nothing.
//! - **No key is no error.** Such requests share one bucket, unless [`WithoutKey`] says something else.
//! - **No answer is a refusal**, with 503, unless [`WithoutAnswer`] says something else. It concerns limiters that ask a
//!   store, and a [`PerKey`] that is full.
//! - **Bodies are not boxed**, and neither are futures. Only while another machine is asked, the request waits in a box.
//!
//! # The order of layers
//!
//! - **CORS goes outside**, so that a page can read a refusal: `.layer(rate_limit).layer(cors)` in axum. Let it expose
//!   [`EXPOSED_HEADERS`](crate::http::EXPOSED_HEADERS). Preflights are not charged in either order, unless
//!   [`skip`](RateLimitLayer::skip) says otherwise.
//! - **What is scarce goes inside**, such as a concurrency limit, so that refused requests do not wait for it.
//! - **Two layers** are asked one after the other, the outer one first. If the inner one refuses, the outer one has charged the
//!   request all the same. If that must not be, ask both limiters in one [`Limiter`] of your own.
//!
//! # Metrics
//!
//! [`on_decision`](RateLimitLayer::on_decision) tells all that a counter needs. This is an adapter for the crate `metrics`, with
//! names after those of ASP.NET Core:
//!
//! ```
//! use metrics::counter;
//! use tollgate::tower::server::Decision;
//!
//! fn count<K>(decision: &Decision<'_, K>) {
//!     let labels = [
//!         ("tollgate.rate_limiting.policy", decision.name()),
//!         ("tollgate.rate_limiting.result", decision.outcome().as_str()),
//!         ("tollgate.rate_limiting.let_through", if decision.is_let_through() { "true" } else { "false" }),
//!     ];
//!     counter!("tollgate.rate_limiting.requests", &labels).increment(1);
//! }
//! # let limiter = tollgate::RateLimiter::exact("1000/1m".parse()?)?;
//! let layer = tollgate::tower::server::RateLimitLayer::new(limiter).named("api").on_decision(count);
//! # Ok::<(), tollgate::Error>(())
//! ```
//!
//! And for OpenTelemetry:
//!
//! ```
//! use opentelemetry::{KeyValue, global};
//! use tollgate::tower::server::Decision;
//!
//! # let limiter = tollgate::RateLimiter::exact("1000/1m".parse()?)?;
//! # let layer = tollgate::tower::server::RateLimitLayer::new(limiter).named("api");
//! let meter = global::meter("tollgate");
//! let requests = meter.u64_counter("tollgate.rate_limiting.requests").with_unit("{request}").build();
//! let layer = layer.on_decision(move |decision: &Decision<'_, ()>| {
//!     requests.add(1, &[
//!         KeyValue::new("tollgate.rate_limiting.policy", decision.name()),
//!         KeyValue::new("tollgate.rate_limiting.result", decision.outcome().as_str()),
//!         KeyValue::new("tollgate.rate_limiting.let_through", decision.is_let_through()),
//!     ]);
//! });
//! # Ok::<(), tollgate::Error>(())
//! ```
//!
//! The key is never a label: each hostile caller would make as many time series as he likes.

mod address;
mod body;
mod decision;
mod future;
mod key;
mod layer;
mod limiter;
mod per_key;
mod plans;
mod service;

pub use address::{Address, ClientAddr};
pub use body::ResponseBody;
pub use decision::{Decision, Outcome};
pub use future::ResponseFuture;
pub use key::{extension, header};
pub use layer::{RateLimitLayer, WithoutAnswer, WithoutKey};
pub use limiter::{Answer, Limiter};
pub use per_key::{Deciding, PerKey};
pub use plans::Plans;
pub use service::RateLimit;
