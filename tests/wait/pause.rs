//! Pauses while somebody waits.

use std::time::Duration;

use tollgate::Nanos;
use tollgate::wait::AcquireError;

use crate::world::{World, secs};

#[test]
fn a_pause_holds_the_queue_and_keeps_its_order() {
    let mut world = World::exact("1/10s");
    world.limiter.try_acquire().unwrap();
    let tasks = [(); 2].map(|()| world.wait(1, Nanos::MAX));
    world.live_until(secs(5));
    world.limiter.pause_for(Duration::from_secs(20));
    world.live_until(secs(24));
    assert_eq!(world.granted(), []);
    assert_eq!((world.timer.first(), world.wakes(tasks[0])), (Some(secs(25)), 1)); // woken once too early
    world.live_until(secs(100));
    assert_eq!(world.granted(), [(tasks[0], 25), (tasks[1], 35)]);
    // The second looked after the first when that would have been late, at 10.05 s and 25.05 s.
    assert_eq!((world.wakes(tasks[0]), world.wakes(tasks[1])), (2, 3));
}

#[test]
fn who_waits_out_a_pause_alone() {
    let mut world = World::exact("2/10s");
    world.limiter.pause_until(secs(7));
    let tasks = [(); 3].map(|()| world.wait(1, Nanos::MAX));
    world.live_until(secs(100));
    assert_eq!(world.granted(), [(tasks[0], 7), (tasks[1], 12), (tasks[2], 17)]);
}

#[test]
fn who_waits_goes_on_when_the_limiter_is_resumed() {
    let mut world = World::exact("2/10s");
    world.limiter.pause_until(secs(60));
    let tasks = [(); 3].map(|()| world.wait(1, Nanos::MAX));
    world.live_until(secs(5));
    assert_eq!(world.granted(), []);
    assert_eq!(world.limiter.resume(), Some(secs(60)));
    world.live_until(secs(100));
    assert_eq!(world.granted(), [(tasks[0], 5), (tasks[1], 5), (tasks[2], 15)]);
}

#[test]
fn a_deadline_before_the_end_of_a_pause() {
    let mut world = World::exact("1/10s");
    world.limiter.try_acquire().unwrap();
    let before = world.wait(1, secs(15));
    world.limiter.pause_until(secs(30));
    let after = world.wait(1, secs(15));
    let last = world.wait(1, Nanos::MAX);
    // Refused up front, the one that comes after the pause; the other when it would have been its turn.
    let (at, result) = world.outcome(after).unwrap();
    assert!(matches!(result, Err(AcquireError::TooLate(denied)) if denied.is_paused()));
    assert_eq!((at, result.unwrap_err().retry_at()), (secs(0), Some(secs(30))));
    world.live_until(secs(100));
    let (at, result) = world.outcome(before).unwrap();
    assert_eq!((at, result.unwrap_err().retry_at()), (secs(10), Some(secs(30))));
    assert_eq!(world.granted(), [(last, 30)]);
}
