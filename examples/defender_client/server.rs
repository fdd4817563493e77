//! What does a server answer over HTTP?

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hyper::header::RETRY_AFTER;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tollgate::Policy;

use super::enforcement::{Enforcement, Kind};
use super::error::Error;

/// A server on this machine, until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// The count, and the clock that it goes by. It is behind a lock, because the client is the example here and not the
/// server.
struct Gate {
    started: Instant,
    enforcement: Mutex<Box<dyn Enforcement>>,
}

impl Server {
    /// Listens on a free port.
    pub(crate) async fn start(kind: Kind, policy: &Policy) -> Result<Server, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Error::Listen)?;
        let address = listener.local_addr().map_err(Error::Listen)?;
        let gate = Gate { started: Instant::now(), enforcement: Mutex::new(kind.enforcement(policy)) };
        Ok(Server { address, accepting: tokio::spawn(accept(listener, Arc::new(gate))) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    /// The connections go with the set that holds them.
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, gate: Arc<Gate>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let gate = gate.clone();
        let service = service_fn(move |_| std::future::ready(Ok::<_, Infallible>(gate.answer())));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

impl Gate {
    /// 200, or 429 and when to come back.
    fn answer(&self) -> Response<String> {
        let mut enforcement = self.enforcement.lock().unwrap_or_else(PoisonError::into_inner);
        // Read behind the lock, so that calls are judged in order.
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut response = Response::new(String::new());
        if let Err(later) = enforcement.serve(now) {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            // Whole seconds, rounded up.
            response.headers_mut().insert(RETRY_AFTER, later.div_ceil(1_000_000_000).into());
        }
        response
    }
}
