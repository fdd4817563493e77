//! Waiters whose futures are kept and not polled. Nobody waits for them longer than the grace. They keep their place, and
//! the others are granted in order.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tollgate::Nanos;
use tollgate::wait::{AcquireError, AsyncIo, FairLimiter};
use tollgate::{Policy, Quota, RateLimiter, SlidingLog, TokenBucket};

use crate::world::{Fair, World, secs};

type Wait<'a> = tollgate::wait::Acquire<'a, SlidingLog, tollgate::Manual, crate::world::VirtualTimer>;

fn after(seconds: u64, millis: u64) -> Nanos {
    secs(seconds).saturating_add(Duration::from_millis(millis))
}

/// Polled once, then kept.
fn sleeper(limiter: &Fair<SlidingLog>, n: u32) -> Wait<'_> {
    let mut wait = limiter.acquire_n(n);
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    wait
}

fn is_granted(wait: &mut Wait<'_>) -> bool {
    Pin::new(wait).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_head_that_is_not_polled_is_passed_over() {
    let mut world = World::exact("1/10s");
    let limiter = world.limiter.clone();
    limiter.try_acquire().unwrap();
    let mut sleeps = sleeper(&limiter, 1);
    let tasks = [world.wait(1, Nanos::MAX), world.wait(1, Nanos::MAX)];
    world.live_until(secs(15));
    // A grace after its instant it is called, and a grace later the next one goes.
    assert_eq!(world.outcome(tasks[0]), Some((after(10, 100), Ok(()))));
    // It comes back, and is first again.
    assert!(!is_granted(&mut sleeps));
    world.set(after(20, 100));
    assert!(is_granted(&mut sleeps));
    world.live_until(secs(60));
    assert_eq!(world.outcome(tasks[1]), Some((after(30, 100), Ok(()))));
    drop(sleeps);
    assert!(world.is_clean());
}

#[test]
fn many_sleepers_cost_no_more_than_one() {
    let mut world = World::exact("1/10s");
    let limiter = world.limiter.clone();
    limiter.try_acquire().unwrap();
    let sleepers: Vec<_> = (0..1000).map(|_| sleeper(&limiter, 1)).collect();
    let tasks: Vec<_> = (0..5).map(|_| world.wait(1, Nanos::MAX)).collect();
    world.live_until(secs(100));
    let granted: Vec<_> = tasks.iter().map(|&task| world.outcome(task).unwrap()).collect();
    assert_eq!(granted, [10, 20, 30, 40, 50].map(|second| (after(second, 100), Ok(()))));
    assert_eq!(limiter.waiting(), 1000);
    drop(sleepers);
    assert!(world.is_clean());
}

#[test]
fn who_falls_asleep_later_is_passed_over_too() {
    let mut world = World::exact("2/10s");
    let limiter = world.limiter.clone();
    limiter.try_acquire_n(2).unwrap();
    let first = world.wait(1, Nanos::MAX);
    let _sleeps = [sleeper(&limiter, 1), sleeper(&limiter, 2)];
    let last = world.wait(1, Nanos::MAX);
    world.live_until(secs(10));
    assert_eq!(world.outcome(first), Some((secs(10), Ok(()))));
    world.live_until(secs(11));
    // Called at 10 s by the first; found missing at 10.05 s by the last, who calls the other one too.
    assert_eq!(world.outcome(last), Some((after(10, 100), Ok(()))));
}

/// A waiter looks after the head a grace after the instant at which it should be the head itself.
#[test]
fn who_has_waited_long_looks_at_the_promised_instant() {
    let mut world = World::exact("4/10s");
    let limiter = world.limiter.clone();
    for second in 0..4 {
        world.live_until(secs(second));
        limiter.try_acquire().unwrap();
    }
    let tasks = [(); 2].map(|()| world.wait(1, Nanos::MAX));
    let _sleeps = sleeper(&limiter, 1);
    let last = world.wait(1, Nanos::MAX);
    world.live_until(secs(60));
    assert_eq!(world.granted()[..2], [(tasks[0], 10), (tasks[1], 11)]);
    // It has looked at 10.05 s, and would look again at 17.1 s.
    assert_eq!(world.outcome(last), Some((after(13, 50), Ok(()))));
}

#[test]
fn who_is_late_but_comes_is_first() {
    let mut world = World::exact("1/10s");
    let limiter = world.limiter.clone();
    limiter.try_acquire().unwrap();
    let mut late = sleeper(&limiter, 1);
    let next = world.wait(1, Nanos::MAX);
    world.live_until(after(10, 99));
    assert!(is_granted(&mut late));
    world.live_until(secs(60));
    assert_eq!(world.outcome(next), Some((after(20, 99), Ok(()))));
}

#[test]
fn a_try_beside_sleepers() {
    let world = World::exact("2/10s");
    let limiter = world.limiter.clone();
    limiter.try_acquire_n(2).unwrap();
    let sleepers = [sleeper(&limiter, 2), sleeper(&limiter, 2)];
    let refused = |at| (limiter.try_acquire().unwrap_err().retry_at(), at);
    world.set(secs(10));
    // The permits are there, and others wait for them.
    assert_eq!(refused(0), (Some(after(15, 0)), 0)); // four before it, at two in ten seconds: five more seconds
    world.set(after(10, 50));
    limiter.try_acquire().unwrap_err(); // calls them
    world.set(after(10, 100));
    limiter.try_acquire_n(2).unwrap();
    assert_eq!(limiter.try_acquire().unwrap_err().retry_at(), Some(after(20, 100)));
    drop(sleepers);
    assert!(world.is_clean());
}

/// A stream of waits whose owner waits for a permit of its own meanwhile, and so does not poll them.
#[test]
fn a_permit_in_the_body_of_a_buffered_loop() {
    let policy = Policy::new(&[Quota::new(1, Duration::from_millis(5))]).unwrap();
    let bucket = TokenBucket::strict(policy).unwrap();
    let limiter = FairLimiter::new(RateLimiter::new(bucket, tollgate::DefaultClock::new()), AsyncIo);
    let work = async {
        let fetch = stream::iter(0..12).map(|_| limiter.acquire()).buffer_unordered(8);
        let mut fetch = std::pin::pin!(fetch);
        let mut done = 0;
        while let Some(permit) = fetch.next().await {
            permit.unwrap();
            limiter.acquire().await.unwrap();
            done += 1;
        }
        done
    };
    let timeout = async {
        async_io::Timer::after(Duration::from_secs(30)).await;
        0
    };
    assert_eq!(async_io::block_on(futures_lite::future::or(work, timeout)), 12);
    assert_eq!(limiter.waiting(), 0);
}

/// `select!` over `&mut acquire`: the other branch waits for a permit of its own.
#[tokio::test(start_paused = true)]
async fn a_permit_while_another_wait_is_kept() {
    let tokio = tollgate::wait::Tokio::new().unwrap();
    let log = SlidingLog::new("1/10s".parse().unwrap()).unwrap();
    let limiter = FairLimiter::new(RateLimiter::new(log, tokio.clone()), tokio);
    limiter.acquire().await.unwrap();
    let mut kept = limiter.acquire();
    tokio::select! {
        biased;
        _ = &mut kept => panic!("it is not its time"),
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    let start = tokio::time::Instant::now();
    tokio::time::timeout(Duration::from_secs(60), limiter.acquire())
        .await
        .expect("it waits for a sleeper")
        .unwrap();
    assert!(start.elapsed() <= Duration::from_millis(9_110), "{:?}", start.elapsed());
    kept.await.unwrap();
}

/// Who is not polled does not fill a bounded queue for ever, and a permit that is there is granted beside a full one.
#[test]
fn a_sleeper_in_a_bounded_queue() {
    let world = World::exact("1/10s");
    let limiter = world.limiter.clone().with_bound(1);
    limiter.try_acquire().unwrap();
    let sleeps = sleeper(&limiter, 1);
    let full = Some(Err(AcquireError::Full { bound: 1 }));
    let acquire = || {
        let mut wait = limiter.acquire();
        match Pin::new(&mut wait).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result.map(drop)),
            Poll::Pending => None,
        }
    };
    assert_eq!(acquire(), full);
    world.set(after(10, 50));
    assert_eq!(acquire(), full); // calls it
    world.set(after(10, 100));
    assert_eq!(acquire(), Some(Ok(()))); // it was passed over
    assert_eq!(acquire(), None); // waits
    let none = limiter.clone().with_bound(0);
    world.set(after(20, 100));
    none.acquire().wait().unwrap();
    assert_eq!(none.acquire().wait().map(drop), Err(AcquireError::Full { bound: 0 }));
    drop(sleeps);
    assert!(world.is_clean());
}
