//! Several tokio runtimes, one that is gone, one that nobody drives, and time that does not fit the clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tollgate::wait::{AcquireError, FairLimiter, Tokio};
use tollgate::{DefaultClock, RateLimiter, SlidingLog};

type Real = FairLimiter<SlidingLog, DefaultClock, Tokio>;

fn driven() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
}

fn single() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn real(policy: &str) -> Real {
    FairLimiter::new(RateLimiter::exact(policy.parse().unwrap()).unwrap(), Tokio::new().unwrap())
}

/// Not for ever.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("it waits for ever")
}

static LIMITER: LazyLock<Real> = LazyLock::new(|| real("1/5ms"));

async fn uses_a_static() {
    for _ in 0..4 {
        soon(LIMITER.acquire()).await.unwrap();
    }
}

/// As two `#[tokio::test]` of one program: the runtime that made the limiter is gone when the second uses it.
#[test]
fn a_static_limiter_outlives_its_runtime() {
    for _ in 0..3 {
        single().block_on(uses_a_static());
        driven().block_on(uses_a_static());
    }
}

#[test]
fn a_runtime_that_nobody_drives_keeps_nobody_waiting() {
    let (made, other) = (single(), single());
    let limiter = made.block_on(async {
        let limiter = real("1/20ms");
        limiter.acquire().await.unwrap();
        let waits = limiter.clone();
        tokio::spawn(async move { waits.acquire().await.map(drop) });
        tokio::task::yield_now().await;
        limiter
    });
    assert_eq!(limiter.waiting(), 1);
    let start = Instant::now();
    other.block_on(async { soon(limiter.acquire()).await.map(drop) }).unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(limiter.waiting(), 1);
    drop(made);
    assert_eq!(limiter.waiting(), 0);
}

#[test]
fn a_runtime_that_ends_harms_nobody_on_another() {
    let (made, other) = (driven(), driven());
    let limiter = made.block_on(async { real("1/20ms") });
    made.block_on(async { limiter.acquire().await.map(drop) }).unwrap();
    for _ in 0..5 {
        let waits = limiter.clone();
        made.spawn(async move { waits.acquire().await.map(drop) });
    }
    let waits: Vec<_> = (0..5)
        .map(|_| {
            let limiter = limiter.clone();
            other.spawn(async move { soon(limiter.acquire()).await.map(drop) })
        })
        .collect();
    made.shutdown_background();
    for wait in waits {
        other.block_on(wait).unwrap().unwrap();
    }
    other.block_on(async {
        while limiter.waiting() > 0 {
            tokio::task::yield_now().await; // dropped in the background
        }
    });
}

/// A future that is polled on one runtime and, when that is gone, on another.
#[test]
fn a_wait_may_move_to_another_runtime() {
    let first = single();
    let limiter = first.block_on(async { real("1/20ms") });
    first.block_on(async { limiter.acquire().await.map(drop) }).unwrap();
    let mut wait = limiter.acquire();
    let mut polled = |runtime: &Runtime| {
        let _here = runtime.enter();
        Pin::new(&mut wait).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    };
    assert!(!polled(&first));
    drop(first);
    let second = single();
    assert!(!polled(&second));
    second.block_on(async { soon(wait).await.map(drop) }).unwrap();
}

/// Tokio's time is paused and the limiter's clock is not: every sleep is over at once. It is said, not spun on.
#[test]
fn paused_time_with_a_clock_that_goes_on() {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let limiter = real("1/2s");
        limiter.acquire().await.unwrap();
        let start = Instant::now();
        let refused = limiter.acquire().await.map(drop);
        assert!(start.elapsed() < Duration::from_secs(1), "it spins");
        assert_eq!(refused.map_err(|error: AcquireError| error.denied().is_none()), Err(true));
        assert_eq!(limiter.waiting(), 0);
    });
}
