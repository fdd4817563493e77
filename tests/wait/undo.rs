//! Handing a permit back.

use tollgate::Nanos;
use tollgate::wait::Undo;

use crate::world::{World, secs};

#[test]
fn the_latest_grant_is_undone_and_the_head_goes_at_once() {
    let mut world = World::strict("1/10s");
    let limiter = world.limiter.clone();
    let permit = limiter.try_acquire().unwrap();
    let task = world.wait(1, Nanos::MAX);
    world.live_until(secs(3));
    assert_eq!(permit.undo(), Undo::Exact);
    assert_eq!(world.wakes(task), 1);
    world.run();
    assert_eq!(world.granted(), [(task, 3)]);
    assert!(world.is_clean());
}

#[test]
fn the_head_sleeps_shorter_after_an_undo() {
    let mut world = World::strict("1/10s");
    let limiter = world.limiter.clone();
    limiter.try_acquire().unwrap();
    world.live_until(secs(10));
    let permit = limiter.try_acquire().unwrap();
    world.timer.clock.set(secs(9)); // a clock that goes back
    let task = world.wait(1, Nanos::MAX);
    assert_eq!(world.timer.armed(), [secs(20)]);
    assert_eq!(permit.undo(), Undo::Exact);
    assert_eq!((world.timer.armed(), world.wakes(task)), (vec![secs(10)], 0));
    world.live_until(secs(10));
    assert_eq!(world.granted(), [(task, 10)]);
}

#[test]
fn what_was_granted_before_another_is_forfeited() {
    let mut world = World::strict("2/10s");
    let limiter = world.limiter.clone();
    let first = limiter.try_acquire().unwrap();
    world.wait(1, Nanos::MAX);
    world.live_until(secs(10));
    assert_eq!(world.granted().len(), 1);
    let left = limiter.status();
    assert_eq!(first.undo(), Undo::Forfeited);
    assert_eq!(limiter.status(), left);
}

#[test]
fn a_permit_of_a_wait_is_undone_too() {
    let mut world = World::strict("1/10s");
    let limiter = world.limiter.clone();
    limiter.try_acquire().unwrap();
    let task = world.spawn(async move {
        assert_eq!(limiter.acquire().await.unwrap().undo(), Undo::Exact);
    });
    let next = world.wait(1, Nanos::MAX);
    world.live_until(secs(10));
    assert_eq!(world.granted(), [(next, 10)]);
    assert_eq!((world.wakes(task), world.wakes(next)), (1, 1));
}

#[test]
fn the_log_takes_nothing_back() {
    let world = World::exact("2/10s");
    assert_eq!(world.limiter.try_acquire().unwrap().undo(), Undo::Forfeited);
    assert_eq!(world.limiter.status().remaining(), 1);
}
