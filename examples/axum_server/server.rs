//! How does the server limit its callers?

use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use tollgate::keyed::KeyedLimiter;
use tollgate::tower::server::{self, ClientAddr, Outcome, RateLimitLayer};

use super::plans::Plans;

/// Who calls: somebody whose API key is in the file, or whoever has this address. An invented key is no caller, or whoever
/// invents many would have many limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    Known { key: String, plan: usize },
    Address(IpAddr),
}

/// How many requests were let through, and how many were refused.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acquired: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// The whole server. Serve it with `into_make_service_with_connect_info`, which tells it the address of each peer.
pub(crate) fn app(plans: Plans, counts: Arc<Counts>) -> Result<Router, tollgate::Error> {
    // 8 MiB for any number of callers.
    let table = KeyedLimiter::strict(plans.fastest()?, 1 << 20)?;
    let limiter = server::Plans::new(table, &plans.policies, |caller| match caller {
        Caller::Known { plan, .. } => *plan,
        Caller::Address(_) => 0,
    })?;
    let address = ClientAddr::from_extension(|peer: &ConnectInfo<SocketAddr>| peer.0);
    let layer = RateLimitLayer::keyed(limiter, move |request| {
        let key = request.headers.get("x-api-key").and_then(|key| key.to_str().ok());
        match key.and_then(|key| Some((key, plans.of_key(key)?))) {
            Some((key, plan)) => Some(Caller::Known { key: key.to_owned(), plan }),
            None => address.of(request).map(Caller::Address),
        }
    });
    let layer = layer.named("api").on_decision(move |decision| {
        match decision.outcome() {
            Outcome::Acquired => counts.acquired.fetch_add(1, Ordering::Relaxed),
            _ => counts.refused.fetch_add(1, Ordering::Relaxed),
        };
    });
    Ok(Router::new().route("/", get(|| async { "Hello!\n" })).layer(layer))
}
