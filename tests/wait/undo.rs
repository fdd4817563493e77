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
    world.run();
    assert_eq!((world.timer.armed(), world.wakes(task)), (vec![secs(10)], 1));
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

/// A permit that borrows nothing is undone as one that does, also when all handles are gone.
#[test]
fn an_owned_permit_is_undone() {
    let mut world = World::strict("1/10s");
    let permit = {
        let limiter = world.limiter.clone();
        limiter.acquire_owned().wait().unwrap()
    };
    let task = world.wait(1, Nanos::MAX);
    world.live_until(secs(3));
    assert_eq!(permit.undo(), Undo::Exact);
    world.run();
    assert_eq!(world.granted(), [(task, 3)]);

    let limiter = world.limiter.clone();
    world.live_until(secs(20));
    let first = limiter.acquire_owned().wait().unwrap();
    world.live_until(secs(30));
    let second = limiter.acquire_n_owned(1).by(secs(30)).wait().unwrap();
    assert_eq!(first.undo(), Undo::Forfeited);
    assert!(limiter.acquire_owned().within(std::time::Duration::from_secs(9)).wait().is_err());
    drop((limiter, world));
    assert_eq!(second.undo(), Undo::Exact);
}

/// An owned wait is stored, moved and dropped like any future.
#[test]
fn an_owned_wait_is_a_wait() {
    let mut world = World::strict("1/10s");
    world.limiter.try_acquire().unwrap();
    let (owned, ended) = (world.limiter.acquire_owned(), std::rc::Rc::clone(&world.ended));
    let clock = world.timer.clock.clone();
    let task = world.spawn(async move {
        let result = owned.await.map(drop);
        ended.borrow_mut().push((0, (tollgate::Clock::now(&clock), result)));
    });
    let gone = world.limiter.acquire_owned();
    let gone = world.spawn(async move { drop(gone.await) });
    let next = world.wait(1, Nanos::MAX);
    assert_eq!(world.limiter.waiting(), 3);
    world.cancel(gone);
    assert_eq!(world.limiter.waiting(), 2);
    world.live_until(secs(20));
    assert_eq!(world.granted(), [(task, 10), (next, 20)]);
    assert!(world.is_clean());
}

#[test]
fn the_log_takes_nothing_back() {
    let world = World::exact("2/10s");
    assert_eq!(world.limiter.try_acquire().unwrap().undo(), Undo::Forfeited);
    assert_eq!(world.limiter.status().remaining(), 1);
}
