//! Pauses while somebody waits.

use std::time::Duration;

use tollgate::wait::{AcquireError, FairLimiter, Undo};
use tollgate::{Algorithm, Nanos, RateLimiter};

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

/// Who waits is not sent away by a pause without an end; who may not wait for ever is.
#[test]
fn a_pause_without_an_end_is_waited_for() {
    let mut world = World::exact("2/10s");
    world.limiter.pause_until(Nanos::MAX);
    let refused = world.limiter.try_acquire().unwrap_err();
    assert!(matches!(refused, AcquireError::Denied(denied) if denied.is_paused()), "{refused:?}");
    let tasks = [(); 3].map(|()| world.wait(1, Nanos::MAX));
    let hurried = world.wait(1, secs(60));
    let refused = world.outcome(hurried).unwrap().1.unwrap_err();
    assert!(matches!(refused, AcquireError::TooLate(denied) if denied.is_paused()), "{refused:?}");
    world.live_until(secs(100));
    assert_eq!((world.granted(), world.limiter.waiting()), (vec![], 3));
    assert_eq!(world.limiter.resume(), Some(Nanos::MAX));
    world.live_until(secs(200));
    assert_eq!(world.granted(), [(tasks[0], 100), (tasks[1], 100), (tasks[2], 110)]);
    assert!(world.is_clean());
}

/// The head is not polled when the pause is ended early: the others wait two graces for it, not for the pause.
#[test]
fn nobody_waits_for_a_sleeper_after_a_resumption() {
    for until in [secs(3600), Nanos::MAX] {
        let mut world = World::exact("2/10s");
        world.limiter.pause_until(until);
        let tasks = [(); 4].map(|()| world.wait(1, Nanos::MAX));
        world.put_to_sleep(tasks[0]);
        world.put_to_sleep(tasks[1]);
        world.live_until(secs(5));
        world.limiter.resume();
        world.live_until(secs(30));
        let late = |second| secs(second).saturating_add(Duration::from_millis(50));
        assert_eq!(world.outcome(tasks[2]), Some((late(5), Ok(()))), "{until}");
        assert_eq!(world.outcome(tasks[3]), Some((late(5), Ok(()))), "{until}");
    }
}

/// A limiter whose algorithm the type does not name has a queue too.
#[test]
fn an_erased_limiter_can_be_waited_for() {
    let limiter: RateLimiter = RateLimiter::strict("2/1h".parse().unwrap()).unwrap().into();
    let fair: FairLimiter<dyn Algorithm> = FairLimiter::blocking(limiter);
    let clone = fair.clone();
    let permit = clone.acquire_owned().wait().unwrap();
    assert_eq!(permit.undo(), Undo::Exact);
    let burst = fair.status().remaining();
    fair.acquire_blocking_n(burst).unwrap();
    let late = fair.acquire().within(Duration::from_secs(1)).wait().unwrap_err();
    assert!(matches!(late, AcquireError::TooLate(_)), "{fair:?}");
}
