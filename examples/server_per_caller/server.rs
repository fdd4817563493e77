//! How does a server refuse a caller?

use std::convert::Infallible;
use std::hash::RandomState;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use hyper::body::Incoming;
use hyper::header::RETRY_AFTER;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tollgate::DefaultClock;
use tollgate::keyed::KeyedLimiter;

pub(crate) type Limiter = KeyedLimiter<RandomState, DefaultClock>;

/// Listens on a free port of this machine until the runtime ends.
pub(crate) async fn start(limiter: Limiter) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let limiter = limiter.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                std::future::ready(Ok::<_, Infallible>(answer(&limiter, &request)))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

/// 200, or 429 and when to come back. Whoever sends no key shares one bucket with all others who send none.
fn answer(limiter: &Limiter, request: &Request<Incoming>) -> Response<String> {
    let caller = request.headers().get("x-api-key").map_or(&b""[..], |key| key.as_bytes());
    let mut response = Response::new(String::new());
    if let Err(denied) = limiter.try_acquire(caller) {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        if let Some(seconds) = denied.retry_after_secs() {
            response.headers_mut().insert(RETRY_AFTER, seconds.max(1).into());
        }
    }
    response
}
