//! How does a server refuse a caller?
//!
//! With plain hyper it takes the few lines of `answer`.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tollgate::http::Fields;
use tollgate::keyed::KeyedLimiter;

pub(crate) type Limiter = KeyedLimiter;

/// Listens on a free port of this machine until the runtime ends.
pub(crate) async fn start(limiter: Limiter) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let fields = Arc::new(Fields::of_table(limiter.table()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (limiter, fields) = (limiter.clone(), Arc::clone(&fields));
            let service = service_fn(move |request: Request<Incoming>| {
                std::future::ready(Ok::<_, Infallible>(answer(&limiter, &fields, &request)))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}

/// 200 and what is left, or 429 and when to come back. Whoever sends no key shares one bucket with all others who send none.
fn answer(limiter: &Limiter, fields: &Fields, request: &Request<Incoming>) -> Response<String> {
    let caller = request.headers().get("x-api-key").map_or(&b""[..], |key| key.as_bytes());
    if let Err(denied) = limiter.try_acquire(caller) {
        return fields.refusal(&denied, &limiter.status(caller), 1).response();
    }
    let mut response = Response::new(String::new());
    fields.write(response.headers_mut(), &limiter.status(caller));
    response
}
