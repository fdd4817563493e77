//! What waiting costs: wake-ups, sleeps, allocations, bytes.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use tollgate::Nanos;

use crate::world::{World, secs};

const WAITERS: usize = 1000;

#[test]
fn one_wake_up_per_grant_and_one_sleep_for_all() {
    let mut world = World::exact("10/1s");
    world.limiter.try_acquire_n(10).unwrap();
    let tasks: Vec<usize> = (0..WAITERS).map(|_| world.wait(1, Nanos::MAX)).collect();
    for (second, tens) in (1..).zip(1..=WAITERS / 10) {
        assert_eq!(world.timer.armed(), [secs(second)]);
        world.live_until(secs(second));
        assert_eq!(world.granted().len(), 10 * tens);
    }
    assert!(tasks.iter().all(|&task| world.wakes(task) == 1));
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
    let world = World::exact("10/1s");
    world.limiter.try_acquire_n(10).unwrap();
    let mut waits: Vec<_> = (0..WAITERS).map(|_| world.limiter.acquire()).collect();
    let mut context = Context::from_waker(Waker::noop());
    let line = measure(|| {
        for wait in &mut waits {
            assert!(matches!(Pin::new(wait).poll(&mut context), Poll::Pending));
        }
    });
    let each = line.bytes_max / WAITERS as u64;
    println!("in the line: {each} bytes, {} allocations for {WAITERS}", line.count_total);
    println!("its future: {} bytes", size_of_val(&waits[0]));
    assert!(each <= 80);
    drop(waits);
    assert!(world.is_clean());
}
