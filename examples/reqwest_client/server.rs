//! How does a server count?
//!
//! This one does not use tollgate, so that the client is not checked by itself. It counts in windows of a second, each of
//! which begins with the first call after the last has ended.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use reqwest::Url;
use tokio::net::TcpListener;

const LIMIT: u32 = 20;
const WINDOW: Duration = Duration::from_secs(1);

/// When a window began, and how many calls it has.
type Count = Arc<Mutex<(Instant, u32)>>;

/// Serves on a free port of this machine as long as the program runs.
pub(crate) async fn start() -> Result<Url, Box<dyn std::error::Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = format!("http://{}/", listener.local_addr()?).parse()?;
    let count: Count = Arc::new(Mutex::new((Instant::now(), 0)));
    let router = Router::new().route("/", get(move || std::future::ready(answer(&count))));
    // It ends with the runtime.
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(address)
}

/// 200, or 429 and when to come back.
fn answer(count: &Count) -> (StatusCode, HeaderMap) {
    let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    if now.duration_since(count.0) >= WINDOW {
        *count = (now, 0);
    }
    let mut headers = HeaderMap::new();
    if count.1 == LIMIT {
        headers.insert(RETRY_AFTER, WINDOW.as_secs().into());
        return (StatusCode::TOO_MANY_REQUESTS, headers);
    }
    count.1 += 1;
    headers.insert("x-ratelimit-limit", LIMIT.into());
    headers.insert("x-ratelimit-remaining", (LIMIT - count.1).into());
    (StatusCode::OK, headers)
}
