//! Permits are granted strictly in order of arrival.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use tollgate::Nanos;
use tollgate::wait::{AcquireError, GRACE};

use crate::world::{Woken, World, secs};

#[test]
fn in_order_of_arrival_whatever_the_size() {
    let mut world = World::exact("5/10s");
    world.limiter.try_acquire_n(5).unwrap();
    let tasks = [1, 5, 1, 4, 2].map(|n| world.wait(n, Nanos::MAX));
    assert_eq!(world.limiter.waiting(), 5);
    world.live_until(secs(100));
    // The large call waits until all five are free, and nobody overtakes it, though there are four permits from 10 s.
    assert_eq!(
        world.granted(),
        [10, 20, 30, 30, 40].into_iter().zip(tasks).map(|(at, task)| (task, at)).collect::<Vec<_>>()
    );
    assert!(world.is_clean());
}

#[test]
fn a_large_call_is_not_starved_by_small_ones() {
    let mut world = World::exact("5/10s");
    world.limiter.try_acquire_n(5).unwrap();
    let large = world.wait(5, Nanos::MAX);
    for second in 1..200 {
        world.wait(1, Nanos::MAX);
        world.live_until(secs(second));
    }
    assert_eq!(world.granted()[0], (large, 10));
}

#[test]
fn nobody_barges() {
    let mut world = World::exact("5/10s");
    world.limiter.try_acquire_n(4).unwrap();
    world.wait(3, Nanos::MAX);
    // One is free, but three are waited for.
    let refused = world.limiter.try_acquire().unwrap_err();
    assert!(matches!(refused, AcquireError::Denied(_)));
    assert_eq!(refused.retry_at(), Some(secs(10)));
    assert_eq!(world.limiter.limiter().try_acquire(), Ok(())); // around the queue, knowingly
    world.live_until(secs(10));
    assert_eq!(world.granted(), [(0, 10)]);
}

#[test]
fn beside_the_queue_if_all_before_fit_too() {
    let mut world = World::exact("5/10s");
    world.limiter.try_acquire_n(5).unwrap();
    world.wait(2, Nanos::MAX);
    world.set(secs(10)); // woken, but has not run
    assert_eq!(world.limiter.waiting(), 1);
    // Four would leave one for the two who wait: together more than a burst, so not before the queue has moved.
    let a_grace_later = secs(10).saturating_add(GRACE);
    assert_eq!(world.limiter.try_acquire_n(4).unwrap_err().retry_at(), Some(a_grace_later));
    world.limiter.try_acquire_n(3).unwrap();
    assert_eq!(world.limiter.try_acquire().unwrap_err().retry_at(), Some(secs(20)));
    world.run();
    assert_eq!(world.granted(), [(0, 10)]);
    assert_eq!(world.limiter.status().remaining(), 0);
}

#[test]
fn nothing_and_too_much_do_not_wait() {
    let mut world = World::exact("5/10s");
    world.limiter.try_acquire_n(5).unwrap();
    world.wait(1, Nanos::MAX);
    let (nothing, much) = (world.wait(0, Nanos::MAX), world.wait(6, Nanos::MAX));
    assert_eq!(world.outcome(nothing), Some((Nanos::ZERO, Ok(()))));
    let (_, refused) = world.outcome(much).unwrap();
    assert!(matches!(refused, Err(AcquireError::Never(denied)) if denied.burst() == 5));
    assert!(matches!(world.limiter.try_acquire_n(6), Err(AcquireError::Never(_))));
    assert!(world.limiter.try_acquire_n(0).is_ok());
    assert_eq!(world.limiter.waiting(), 1);
}

#[test]
fn a_bound_is_kept_per_handle() {
    let mut world = World::exact("1/10s");
    world.limiter = world.limiter.clone().with_bound(2);
    world.limiter.try_acquire().unwrap();
    let tasks = [(); 3].map(|()| world.wait(1, Nanos::MAX));
    assert_eq!(world.outcome(tasks[2]), Some((Nanos::ZERO, Err(AcquireError::Full { bound: 2 }))));
    assert_eq!(world.limiter.waiting(), 2);
    world.cancel(tasks[0]); // a place is free again
    let last = world.wait(1, Nanos::MAX);
    world.live_until(secs(20));
    assert_eq!(world.granted(), [(tasks[1], 10), (last, 20)]);
}

/// A future that is polled by one task and then by another is the other's; one that a task has polled can be waited for
/// by a thread.
#[test]
fn who_polled_last_is_woken() {
    let world = World::exact("2/10s");
    let limiter = &world.limiter;
    limiter.try_acquire().unwrap();
    let woken: [Arc<Woken>; 2] = Default::default();
    let wakers = woken.clone().map(Waker::from);
    let times = || woken.each_ref().map(|woken| woken.times());
    let (mut large, mut next) = (limiter.acquire_n(2), limiter.acquire());
    assert!(Pin::new(&mut large).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    for waker in &wakers {
        assert!(Pin::new(&mut next).poll(&mut Context::from_waker(waker)).is_pending());
    }
    drop(large);
    assert_eq!(times(), [0, 1]);
    next.wait().unwrap();
    assert_eq!((times(), limiter.waiting()), ([0, 0], 0));
}
