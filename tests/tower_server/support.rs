//! A server on a real socket, and a client that sees every byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tollgate::{Manual, RateLimiter, SlidingLog};

/// An exact log on a clock that stands still until it is moved.
pub(crate) fn exact(policy: &str) -> (RateLimiter<SlidingLog, Manual>, Manual) {
    let clock = Manual::new();
    let log = SlidingLog::new(policy.parse().expect("a policy")).expect("a log");
    (RateLimiter::new(log, clock.clone()), clock)
}

/// One handler for everything, which says `hello`.
pub(crate) fn hello() -> Router {
    Router::new().route("/", any(|| async { "hello" }))
}

/// It ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    /// axum tells the handlers and layers who connects.
    pub(crate) fn start(app: Router) -> Server {
        Server::listen(|listener| async {
            axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
        })
    }

    /// It does not.
    pub(crate) fn start_without_peers(app: Router) -> Server {
        Server::listen(|listener| async { axum::serve(listener, app).await })
    }

    fn listen<F>(serve: impl FnOnce(TcpListener) -> F) -> Server
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = {
            let _inside = runtime.enter();
            serve(listener)
        };
        runtime.spawn(serving);
        Server { address, _runtime: runtime }
    }

    pub(crate) fn get(&self, fields: &[(&str, &str)]) -> Answer {
        self.send("GET", "/", fields)
    }

    pub(crate) fn send(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n");
        for (name, value) in fields {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request += "\r\n";
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("a response in time");
        Answer(text)
    }

    pub(crate) fn status(&self, fields: &[(&str, &str)]) -> u16 {
        self.get(fields).status()
    }
}

/// All bytes of a response.
pub(crate) struct Answer(String);

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.0
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("{}", self.0))
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// All but the date, which changes.
    pub(crate) fn without_date(&self) -> String {
        self.0.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
    }
}
