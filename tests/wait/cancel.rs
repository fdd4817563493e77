//! A wait that is dropped at any point: no permit is lost, the next waiter is woken, and nothing is left.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tollgate::Nanos;

use crate::world::{World, secs};

/// Where the victim is dropped.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// While everybody sleeps, at this second.
    Asleep(u64),
    /// When its own sleep is over and it is about to run, at this second.
    Woken(u64),
}

/// Three who wait for one permit each, one permit every 10 s; `victim` is dropped at `point`.
fn cancelled(victim: usize, point: Point) -> World<tollgate::SlidingLog> {
    let mut world = World::exact("1/10s");
    world.limiter.try_acquire().unwrap();
    for _ in 0..3 {
        world.wait(1, Nanos::MAX);
    }
    match point {
        Point::Asleep(second) => world.live_until(secs(second)),
        Point::Woken(second) => {
            world.live_until(secs(second - 1));
            world.set(secs(second));
        }
    }
    world.cancel(victim);
    world.live_until(secs(100));
    world
}

#[test]
fn whoever_goes_whenever_the_others_are_granted_in_time() {
    use Point::{Asleep, Woken};
    for (victim, point, others) in [
        (0, Asleep(5), [(1, 10), (2, 20)]),
        (1, Asleep(5), [(0, 10), (2, 20)]),
        (2, Asleep(5), [(0, 10), (1, 20)]),
        (0, Woken(10), [(1, 10), (2, 20)]),
        (1, Woken(10), [(0, 10), (2, 20)]),
        (2, Woken(10), [(0, 10), (1, 20)]),
        (1, Asleep(15), [(0, 10), (2, 20)]),
        (2, Asleep(15), [(0, 10), (1, 20)]),
        (1, Woken(20), [(0, 10), (2, 20)]),
        (2, Woken(20), [(0, 10), (1, 20)]),
        (2, Asleep(25), [(0, 10), (1, 20)]),
        (2, Woken(30), [(0, 10), (1, 20)]),
    ] {
        let world = cancelled(victim, point);
        assert_eq!(world.granted(), others, "{victim} dropped at {point:?}");
        assert!(world.is_clean(), "{victim} dropped at {point:?}");
    }
}

#[test]
fn dropped_before_it_is_polled() {
    let world = World::exact("1/10s");
    world.limiter.try_acquire().unwrap();
    drop(world.limiter.acquire());
    assert!(world.is_clean());
}

#[test]
fn who_goes_wakes_only_the_next() {
    let mut world = World::exact("2/10s");
    world.limiter.try_acquire_n(1).unwrap();
    let large = world.wait(2, Nanos::MAX);
    let small = [(); 3].map(|()| world.wait(1, Nanos::MAX));
    world.cancel(large); // one is free: the first of the small ones may go at once
    assert_eq!(small.map(|task| world.wakes(task)), [1, 0, 0]);
    world.run();
    assert_eq!(world.granted(), [(small[0], 0)]);
    assert_eq!(world.timer.first(), Some(secs(10)));
    // The last of a queue leave nothing behind.
    world.cancel(small[1]);
    world.cancel(small[2]);
    assert!(world.is_clean());
}

#[test]
fn a_panic_is_a_cancellation() {
    let mut world = World::exact("1/10s");
    world.limiter.try_acquire().unwrap();
    let limiter = world.limiter.clone();
    let mut polled = false;
    let panics = world.spawn(async move {
        let mut acquire = std::pin::pin!(limiter.acquire());
        std::future::poll_fn(|context| {
            assert!(!std::mem::replace(&mut polled, true), "on purpose");
            acquire.as_mut().poll(context).map(drop)
        })
        .await;
    });
    let next = world.wait(1, Nanos::MAX);
    world.set(secs(10));
    catch_unwind(AssertUnwindSafe(|| world.run())).unwrap_err();
    // The panic went through the future, which is dropped by the executor.
    world.cancel(panics);
    world.live_until(secs(10));
    assert_eq!(world.granted(), [(next, 10)]);
    assert!(world.is_clean());
}
