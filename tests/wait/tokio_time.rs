//! Tokio's own time.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tollgate::wait::{AcquireError, FairLimiter, Tokio};
use tollgate::{Clock, Manual, Nanos, Policy, RateLimiter, SlidingLog, TokenBucket};

type OnTokio<A> = FairLimiter<A, Tokio, Tokio>;

fn paused() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

fn exact(policy: &str) -> OnTokio<SlidingLog> {
    FairLimiter::tokio(SlidingLog::new(policy.parse().unwrap()).unwrap()).unwrap()
}

#[test]
fn an_hour_passes_at_once() {
    paused().block_on(async {
        let limiter = exact(&Policy::MICROSOFT_365_DEFENDER.to_string());
        let start = Instant::now();
        let tasks: Vec<_> = (0..1501)
            .map(|_| {
                let limiter = limiter.clone();
                tokio::spawn(async move {
                    limiter.acquire().await.unwrap();
                    start.elapsed()
                })
            })
            .collect();
        let mut granted = Vec::new();
        for task in tasks {
            granted.push(task.await.unwrap());
        }
        // 50 a minute, and the 1501st when the first leaves the hour. Tokio sleeps in whole milliseconds.
        let minutes = (0..1500).map(|i| Duration::from_secs(i / 50 * 60));
        assert!(granted.iter().copied().eq(minutes.chain([Duration::from_secs(3600)])));
        assert_eq!(limiter.waiting(), 0);
    });
}

#[test]
fn advance_and_deadlines() {
    paused().block_on(async {
        let limiter = exact("1/10s");
        limiter.acquire().await.unwrap();
        let late = limiter.acquire().within(Duration::from_secs(9)).await.unwrap_err();
        assert_eq!((late.retry_at(), limiter.clock().now()), (Some(Nanos::from_secs(10)), Nanos::ZERO));
        tokio::time::advance(Duration::from_secs(5)).await;
        limiter.acquire().within(Duration::from_secs(5)).await.unwrap();
        assert_eq!(limiter.clock().now(), Nanos::from_secs(10));
    });
}

#[test]
fn abort_and_select() {
    paused().block_on(async {
        let limiter = exact("1/10s");
        limiter.acquire().await.unwrap();
        let head = limiter.clone();
        let head = tokio::spawn(async move { head.acquire().await.map(drop) });
        tokio::task::yield_now().await;
        let timeout = tokio::time::timeout(Duration::from_secs(3), limiter.acquire()).await;
        assert!(timeout.is_err());
        assert_eq!(limiter.waiting(), 1);
        head.abort();
        assert!(head.await.unwrap_err().is_cancelled());
        assert_eq!(limiter.waiting(), 0);
        limiter.acquire().await.unwrap();
        assert_eq!(limiter.clock().now(), Nanos::from_secs(10));
    });
}

/// A task that has used up tokio's budget waits all the same.
#[test]
fn a_wait_without_budget() {
    paused().block_on(async {
        let limiter = exact("1/1s");
        limiter.acquire().await.unwrap();
        let waits = |busy: bool| {
            let limiter = limiter.clone();
            async move {
                while busy && tokio::task::coop::has_budget_remaining() {
                    let _ = std::pin::pin!(tokio::task::coop::consume_budget()).as_mut().now_or_never();
                }
                limiter.acquire().await.map(drop)
            }
        };
        let (busy, other) = (tokio::spawn(waits(true)), tokio::spawn(waits(false)));
        busy.await.unwrap().unwrap();
        assert_eq!(limiter.clock().now(), Nanos::from_secs(1));
        other.await.unwrap().unwrap();
        assert_eq!(limiter.clock().now(), Nanos::from_secs(2));
    });
}

/// The deadline is an instant of tokio's, in its own time.
#[test]
fn a_deadline_in_instants() {
    paused().block_on(async {
        let limiter = exact("1/10s");
        let start = Instant::now();
        limiter.acquire().await.unwrap();
        tokio::time::advance(Duration::from_secs(3)).await;
        let late = limiter.acquire().by(start + Duration::from_millis(9_999)).await.unwrap_err();
        assert_eq!(late.retry_at(), Some(Nanos::from_secs(10)));
        limiter.acquire().by(start + Duration::from_secs(10)).await.unwrap();
        // One that has passed.
        assert!(matches!(limiter.acquire().by(start).await, Err(AcquireError::TooLate(_))));
    });
}

#[test]
fn a_runtime_that_ends_with_tasks_that_wait() {
    for runtime in [paused(), Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()] {
        let limiter = runtime.block_on(async { exact("1/1h") });
        for _ in 0..20 {
            let limiter = limiter.clone();
            runtime.spawn(async move { limiter.acquire().await.map(drop) });
        }
        runtime.block_on(async {
            while limiter.waiting() < 19 {
                tokio::task::yield_now().await;
            }
        });
        drop(runtime);
        assert_eq!(limiter.waiting(), 0);
    }
}

/// A thread outside of the runtime polls and drops, and tokio wakes.
#[test]
fn any_thread_may_wait_on_the_timer() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let limiter = runtime.block_on(async { exact("1/20ms") });
    let start = std::time::Instant::now();
    futures_lite::future::block_on(async {
        for _ in 0..4 {
            limiter.acquire().await.unwrap();
        }
    });
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[test]
fn with_another_clock() {
    paused().block_on(async {
        let clock = Manual::new();
        let bucket = TokenBucket::strict("1/10s".parse().unwrap()).unwrap();
        let limiter = FairLimiter::new(RateLimiter::new(bucket, clock.clone()), Tokio::new().unwrap());
        limiter.acquire().await.unwrap();
        let waits = limiter.acquire().by(Nanos::from_secs(10));
        let moves = async {
            tokio::time::sleep(Duration::from_secs(25)).await; // the timer was early, twice
            clock.set(Nanos::from_secs(10));
        };
        let (result, ()) = tokio::join!(waits, moves);
        result.unwrap();
    });
}

#[test]
fn outside_of_a_runtime() {
    assert!(Tokio::new().is_err());
}

#[test]
fn the_errors_are_sendable() {
    fn is_sent<T: Send + Sync + 'static>(_: &T) {}
    is_sent(&AcquireError::Full { bound: 1 });
    paused().block_on(async {
        let limiter = exact("1/1s");
        is_sent(&limiter);
        let _ = tokio::spawn(async move { limiter.acquire().within(Duration::ZERO).await.map(drop) }).await;
    });
}
