//! What waiting costs: wake-ups, sleeps, allocations, bytes.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use tollgate::wait::{Acquire, FairLimiter, Tokio};
use tollgate::{Manual, Nanos, RateLimiter, SlidingLog};

use crate::world::{Idle, World, policy, secs};

const WAITERS: usize = 1000;

/// Called once, when it is its turn. Before that it wakes a few times to look after the head: the longer, the rarer.
#[test]
fn few_wake_ups() {
    let mut world = World::exact("10/1s");
    world.limiter.try_acquire_n(10).unwrap();
    let tasks: Vec<usize> = (0..WAITERS).map(|_| world.wait(1, Nanos::MAX)).collect();
    for (second, tens) in (1..).zip(1..=WAITERS / 10) {
        assert_eq!(world.timer.armed().len(), world.limiter.waiting()); // one each
        world.live_until(secs(second));
        assert_eq!(world.granted().len(), 10 * tens);
    }
    let wakes: Vec<usize> = tasks.iter().map(|&task| world.wakes(task)).collect();
    println!(
        "wake-ups by second: {:?}, {} in all",
        &wakes.chunks(10).map(|w| w[9]).collect::<Vec<_>>(),
        wakes.iter().sum::<usize>()
    );
    for (i, &wakes) in wakes.iter().enumerate() {
        // Looks at 1.05, 2.1, 4.2 ... and a grace after the promised instant; called; the head of ten once more.
        let second = i / 10 + 1;
        assert!(wakes <= 4 + second.ilog2() as usize, "{i}: {wakes}");
        assert!(wakes == 1 || second > 1, "{i}: {wakes}");
    }
    assert!(world.granted().iter().map(|granted| granted.0).eq(tasks));
    assert!(world.is_clean());
}

#[test]
fn a_grant_allocates_nothing() {
    let mut world = World::exact("10/1s");
    world.limiter.try_acquire_n(10).unwrap();
    world.ended.borrow_mut().reserve(WAITERS);
    for _ in 0..WAITERS {
        world.wait(1, Nanos::MAX);
    }
    let grants = measure(|| world.live_until(secs(90)));
    assert_eq!((world.ended.borrow().len(), grants.count_total), (900, 0));
}

#[test]
fn bytes_per_waiter() {
    let log = SlidingLog::new(policy("10/1s")).unwrap();
    let limiter = FairLimiter::new(RateLimiter::new(log, Manual::new()), Idle);
    limiter.try_acquire_n(10).unwrap();
    let mut waits: Vec<_> = (0..WAITERS).map(|_| limiter.acquire()).collect();
    let mut context = Context::from_waker(Waker::noop());
    let queue = measure(|| {
        for wait in &mut waits {
            assert!(matches!(Pin::new(wait).poll(&mut context), Poll::Pending));
        }
    });
    let each = queue.bytes_max / WAITERS as u64;
    println!("in the queue: {each} bytes, {} allocations for {WAITERS}", queue.count_total);
    println!(
        "its future: {} bytes without the sleep, {} with tokio's",
        size_of_val(&waits[0]),
        size_of::<OnTokio<'_>>()
    );
    assert!(each <= 80);
    drop(waits);
    assert_eq!(limiter.waiting(), 0);
}

type OnTokio<'a> = Acquire<'a, SlidingLog, Tokio, Tokio>;

/// On tokio: none at once, one for a wait, whatever it waits for.
#[tokio::test(start_paused = true)]
async fn a_wait_on_tokio_is_one_allocation() {
    let log = SlidingLog::new(policy("10/1s")).unwrap();
    let limiter = FairLimiter::tokio(log).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let at_once = measure(|| {
        for _ in 0..10 {
            assert!(Pin::new(&mut limiter.acquire()).poll(&mut context).is_ready());
        }
    });
    assert_eq!(at_once.count_total, 0);
    let mut first = limiter.acquire();
    assert!(Pin::new(&mut first).poll(&mut context).is_pending()); // the queue's first node, and its own sleep
    let mut second = limiter.acquire();
    let waits = measure(|| {
        assert!(Pin::new(&mut second).poll(&mut context).is_pending());
        assert!(Pin::new(&mut second).poll(&mut context).is_pending());
    });
    assert_eq!(waits.count_total, 1);
}
