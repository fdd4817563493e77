//! Waiting over the store: in order, without polling, and nobody waits for a future that is not polled.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use tollgate::Policy;

use super::world::{Bucket, ms, settle};
use crate::lease::refused::Refused;
use crate::lease::terms::{Leases, WhenAway};

fn leases() -> Leases {
    Leases::new(Policy::MICROSOFT_365_DEFENDER, WhenAway::Refuse).unwrap()
}

fn interval() -> Duration {
    leases().plan().interval()
}

/// Polls a future once.
pub(super) async fn once(mut future: std::pin::Pin<&mut impl Future>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

#[tokio::test(start_paused = true)]
async fn in_order_of_arrival_at_the_pace_of_the_store() {
    let bucket = Bucket::of(&leases(), ms(2));
    let limiter = bucket.limiter(leases());
    bucket.drain(26);
    let start = Instant::now();
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (i, n) in [1, 3, 1, 1].into_iter().enumerate() {
        let (limiter, served) = (limiter.clone(), Arc::clone(&served));
        tasks.push(tokio::spawn(async move {
            limiter.acquire_n(n).await.unwrap();
            served.lock().unwrap().push((i, start.elapsed()));
        }));
        settle().await;
    }
    assert!(matches!(limiter.try_acquire(), Err(Refused::Denied(_) | Refused::Asked))); // it does not overtake
    for task in tasks {
        task.await.unwrap();
    }
    let served = served.lock().unwrap().clone();
    assert_eq!(served.iter().map(|&(i, _)| i).collect::<Vec<_>>(), [0, 1, 2, 3]);
    for (&(_, at), permits) in served.iter().zip([1, 4, 5, 6]) {
        let there = interval() * permits;
        assert!(at >= there && at <= there + ms(10), "{at:?} instead of {there:?}");
    }
    // One request that is refused, and one for each that waits: nobody polls.
    assert_eq!(bucket.requests(), 5);
    assert_eq!(limiter.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_cancelled_leaves() {
    let bucket = Bucket::of(&leases(), ms(2));
    let limiter = bucket.limiter(leases());
    bucket.drain(26);
    let start = Instant::now();
    let waits = limiter.clone();
    let first = tokio::spawn(async move { waits.acquire_n(26).await });
    settle().await;
    let waits = limiter.clone();
    let second = tokio::spawn(async move { waits.acquire().await });
    settle().await;
    assert_eq!(limiter.waiting(), 2);
    first.abort();
    settle().await;
    assert_eq!(limiter.waiting(), 1);
    assert_eq!(second.await.unwrap(), Ok(()));
    assert!(start.elapsed() <= interval() + ms(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_future_that_is_not_polled() {
    let bucket = Bucket::of(&leases(), ms(2));
    let limiter = bucket.limiter(leases());
    bucket.drain(26);
    let start = Instant::now();
    let mut kept = pin!(limiter.acquire());
    assert!(!once(kept.as_mut()).await);
    settle().await;
    // It is handed its permit and does not come for it. The next one has its own after one more interval.
    assert_eq!(limiter.acquire().await, Ok(()));
    assert!(start.elapsed() <= 2 * interval() + ms(10), "{:?}", start.elapsed());
    // By now its permit is too old. It waits for another one, in its old place: before this one.
    let waits = limiter.clone();
    let late = tokio::spawn(async move {
        waits.acquire().await.unwrap();
        Instant::now()
    });
    settle().await;
    kept.await.unwrap();
    let first = start.elapsed();
    assert!(first >= 3 * interval() && first <= 3 * interval() + ms(10), "{first:?}");
    let second = late.await.unwrap() - start;
    assert!(second >= 4 * interval() && second <= 4 * interval() + ms(10), "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_said_at_once_if_it_is_known_to_be_missed() {
    let bucket = Bucket::of(&leases(), ms(2));
    let limiter = bucket.limiter(leases());
    bucket.drain(26);
    // Nothing is known: one request tells.
    let start = Instant::now();
    let refused = limiter.acquire_within(1, ms(1_000)).await.unwrap_err();
    assert!(refused.denied().is_some_and(|denied| denied.retry_at().is_some()), "{refused}");
    assert!(start.elapsed() <= ms(4), "{:?}", start.elapsed());
    // Now it is known without a request, for those behind others too.
    let waits = limiter.clone();
    let first = tokio::spawn(async move { waits.acquire_within(1, ms(2_600)).await });
    settle().await;
    let requests = bucket.requests();
    let before = Instant::now();
    assert!(limiter.acquire_within(1, ms(2_600)).await.is_err());
    assert_eq!((before.elapsed(), bucket.requests()), (Duration::ZERO, requests));
    assert_eq!(first.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_passes_while_the_store_is_slow() {
    let leases = leases().with_timeout(ms(400)).unwrap();
    let bucket = Bucket::of(&leases, ms(300));
    let limiter = bucket.limiter(leases);
    let start = Instant::now();
    let refused = limiter.acquire_within(1, ms(100)).await.unwrap_err();
    assert!(refused.denied().is_some(), "{refused}");
    assert_eq!((start.elapsed(), limiter.waiting()), (ms(100), 0));
}

#[test]
fn without_its_runtime_a_limiter_says_so() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let first = runtime();
    let (limiter, waiting) = first.block_on(async {
        let bucket = Bucket::of(&leases(), ms(1));
        let limiter = bucket.limiter(leases());
        limiter.decide(1).await.unwrap();
        bucket.drain(25);
        let waits = limiter.clone();
        (limiter, async move { waits.acquire().await })
    });
    let second = runtime();
    second.block_on(async {
        let mut waiting = pin!(waiting);
        assert!(!once(waiting.as_mut()).await);
        first.shutdown_background();
        assert_eq!(waiting.await, Err(Refused::Away { retry_at: None }));
        assert_eq!(limiter.acquire().await, Err(Refused::Away { retry_at: None }));
        assert_eq!(limiter.decide(1).await, Err(Refused::Away { retry_at: None }));
        assert!(limiter.is_away());
    });
}

#[test]
fn outside_of_a_runtime_there_is_no_limiter() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (bucket, time) =
        runtime.block_on(async { (Bucket::of(&leases(), ms(1)), super::world::TokioTime::new()) });
    let error = crate::LeasedLimiter::of(bucket, &leases(), time).unwrap_err();
    assert_eq!(error, crate::LeasesError::NoRuntime);
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_last_handle() {
    let bucket = Bucket::of(&leases(), ms(2));
    let limiter = bucket.limiter(leases());
    let other = limiter.clone();
    drop(limiter);
    assert_eq!(other.decide(1).await, Ok(()));
    let alive = other.task_count();
    assert_eq!(alive, 2); // the handle and the task
    let shared = other.weak();
    drop(other);
    settle().await;
    assert!(shared.upgrade().is_none());
}
