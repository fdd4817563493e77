//! How does a client keep a limit?

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Method, Request, Response, StatusCode, Url};
use tokio::task::JoinSet;
use tollgate::http::{Feedback, Heed};
use tollgate::tower::client::RateLimitLayer;
use tollgate::wait::FairLimiter;
use tollgate::{Policy, TokenBucket};
use tower::{Layer, ServiceExt};

use super::TASKS;

/// By how much calls may come closer together than they were sent.
const GUARD: Duration = Duration::from_millis(250);

/// What happened to all calls.
pub(crate) struct Fared {
    pub(crate) served: u32,
    /// Answers 429, also to calls that were sent again.
    pub(crate) refused: u32,
    pub(crate) took: Duration,
}

pub(crate) async fn call(address: &Url, calls: u32, policy: &Policy) -> Result<Fared, Box<dyn Error>> {
    let refused = Arc::new(AtomicU32::new(0));
    let counted = refused.clone();

    let limiter = FairLimiter::tokio(TokenBucket::strict(policy.with_guard(GUARD)?)?)?;
    let layer = RateLimitLayer::new(limiter)
        .reading(|response: &Response| (response.status(), response.headers()))
        .repeating(2, Request::try_clone)
        .heeding_by(move |said: &Feedback| {
            counted.fetch_add(u32::from(said.is_refusal()), Ordering::Relaxed);
            Heed::new()
        });
    let client = layer.layer(reqwest::Client::new());

    let start = Instant::now();
    let left = Arc::new(AtomicU32::new(calls));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (client, address, left) = (client.clone(), address.clone(), left.clone());
        tasks.spawn(async move {
            let mut served = 0;
            while one_more(&left) {
                let request = Request::new(Method::GET, address.clone());
                let response = client.clone().oneshot(request).await?;
                served += u32::from(response.status() == StatusCode::OK);
            }
            Ok::<u32, tollgate::tower::client::Error<reqwest::Error>>(served)
        });
    }
    let mut served = 0;
    while let Some(task) = tasks.join_next().await {
        served += task??;
    }
    Ok(Fared { served, refused: refused.load(Ordering::Relaxed), took: start.elapsed() })
}

/// Whether there is one more call to make.
fn one_more(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}
