//! Deadlines: checked when a call arrives, when it is the head, and at the deadline.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tollgate::wait::{AcquireError, FairLimiter};
use tollgate::{Clock, Manual, Nanos, RateLimiter, SlidingLog};

use crate::world::{Idle, World, past, policy, secs};

fn promised(result: Result<(), AcquireError>) -> Option<Nanos> {
    match result {
        Err(AcquireError::TooLate(denied)) => denied.retry_at(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn refused_up_front_with_the_promised_instant() {
    let mut world = World::exact("2/10s");
    world.limiter.try_acquire().unwrap();
    world.live_until(secs(4));
    world.limiter.try_acquire().unwrap();
    // Nobody waits: the promise is the limiter's.
    let late = world.wait(2, secs(13));
    assert_eq!(
        world.outcome(late).map(|(at, result)| (at, promised(result))),
        Some((secs(4), Some(secs(14))))
    );
    // One waits, until 10 s: the next is promised 14 s.
    world.wait(1, Nanos::MAX);
    let late = world.wait(1, secs(13));
    assert_eq!(
        world.outcome(late).map(|(at, result)| (at, promised(result))),
        Some((secs(4), Some(secs(14))))
    );
    let punctual = world.wait(1, secs(14));
    world.live_until(secs(20));
    assert_eq!(world.outcome(punctual), Some((secs(14), Ok(()))));
    assert!(world.is_clean());
}

#[test]
fn a_deadline_at_the_promised_instant_is_in_time_whoever_runs_first() {
    for first in 0..2 {
        let mut world = World::exact("2/10s");
        world.limiter.try_acquire_n(2).unwrap();
        let tasks = [world.wait(1, secs(10)), world.wait(1, secs(10))];
        world.set(secs(10));
        world.poll(tasks[first]); // the second is not the head yet, and not late
        world.run();
        assert_eq!(tasks.map(|task| world.outcome(task)), [Some((secs(10), Ok(()))); 2]);
        assert!(world.is_clean());
    }
}

#[test]
fn beyond_a_burst_the_promise_is_the_earliest_and_the_deadline_holds() {
    let mut world = World::exact("2/10s");
    world.limiter.try_acquire_n(2).unwrap();
    let tasks = [2, 2, 2].map(|n| world.wait(n, secs(20)));
    world.live_until(secs(100));
    // The third was told 10 s at the earliest, and knows when it is the head that it will be 30 s.
    assert_eq!(world.granted(), [(tasks[0], 10), (tasks[1], 20)]);
    assert_eq!(
        world.outcome(tasks[2]).map(|(at, result)| (at, promised(result))),
        Some((secs(20), Some(secs(30))))
    );
    assert!(world.is_clean());
}

#[test]
fn known_to_be_late_on_becoming_the_head() {
    let mut world = World::exact("2/10s");
    world.limiter.try_acquire_n(2).unwrap();
    let (first, late) = (world.wait(2, Nanos::MAX), world.wait(2, secs(15)));
    let last = world.wait(1, Nanos::MAX);
    world.live_until(secs(100));
    assert_eq!(world.granted(), [(first, 10), (last, 20)]);
    assert_eq!(
        world.outcome(late).map(|(at, result)| (at, promised(result))),
        Some((secs(10), Some(secs(20))))
    );
}

#[test]
fn the_deadline_ends_a_wait_that_others_prolong() {
    let mut world = World::exact("1/10s");
    world.limiter.try_acquire().unwrap();
    let (first, second) = (world.wait(1, Nanos::MAX), world.wait(1, secs(24)));
    assert_eq!(world.outcome(second), None); // promised 20 s, and in time
    world.live_until(secs(9));
    world.timer.clock.set(secs(11));
    world.limiter.limiter().try_acquire().unwrap(); // around the queue
    world.live_until(secs(100));
    assert_eq!(world.granted(), [(first, 21)]);
    // The head left at 21 s, and the next promise is 31 s.
    assert_eq!(
        world.outcome(second).map(|(at, result)| (at, promised(result))),
        Some((secs(21), Some(secs(31))))
    );
}

#[test]
fn the_deadline_itself() {
    let mut world = World::exact("2/10s");
    world.limiter.try_acquire_n(2).unwrap();
    world.wait(2, Nanos::MAX);
    let second = world.wait(1, secs(15));
    world.timer.clock.set(secs(10));
    world.limiter.limiter().try_acquire_n(2).unwrap(); // around the queue
    world.live_until(secs(15)); // in time still
    assert_eq!(world.outcome(second), None);
    world.live_until(secs(16));
    assert_eq!(
        world.outcome(second).map(|(at, result)| (at, promised(result))),
        Some((past(15), Some(secs(20))))
    );
    assert_eq!(world.limiter.waiting(), 1);
}

#[test]
fn a_permit_that_is_there_is_granted_after_the_deadline_too() {
    let mut world = World::exact("1/10s");
    world.live_until(secs(5));
    let at_once = world.wait(1, secs(1));
    assert_eq!(world.outcome(at_once), Some((secs(5), Ok(()))));
    // Promised 15 s, and in time; but the task runs a second late.
    let late = world.wait(1, secs(15));
    world.timer.clock.set(secs(16));
    world.poll(late);
    assert_eq!(world.outcome(late), Some((secs(16), Ok(()))));
}

#[test]
fn a_timeout_counts_from_the_call_and_is_not_restarted() {
    let world = World::exact("1/10s");
    world.limiter.try_acquire().unwrap();
    let limiter = world.limiter.clone();
    let acquire = limiter.acquire().within(Duration::from_secs(9));
    world.timer.clock.set(secs(8)); // not polled until now; 9 s from here would do
    let mut acquire = std::pin::pin!(acquire);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(limiter.clock().now(), secs(8));
    let std::task::Poll::Ready(Err(error)) = acquire.as_mut().poll(&mut context) else { panic!() };
    assert_eq!(error.retry_at(), Some(secs(10)));
    assert_eq!(
        error.to_string(),
        "no permit before the deadline: quota 0 (counted from 0) is exceeded; retry after 2s"
    );
}

#[test]
fn the_earliest_of_several_deadlines_holds() {
    let world = World::exact("1/10s");
    world.limiter.try_acquire().unwrap();
    let wait = world.limiter.acquire().by(secs(9)).within(Duration::from_secs(60));
    assert!(matches!(wait.wait(), Err(AcquireError::TooLate(_))));
}

/// Who has left, served or not, counts in nobody's promise.
#[test]
fn the_promise_forgets_who_has_left() {
    let mut world = World::exact("4/10s");
    world.limiter.try_acquire_n(2).unwrap();
    world.live_until(secs(4));
    world.limiter.try_acquire_n(2).unwrap();
    let gone = world.wait(1, Nanos::MAX);
    world.wait(1, Nanos::MAX);
    world.cancel(gone);
    let punctual = world.wait(1, secs(10)); // two of the two that are free at 10 s
    world.live_until(secs(10));
    assert_eq!(world.outcome(punctual), Some((secs(10), Ok(()))));
    world.wait(1, Nanos::MAX);
    let punctual = world.wait(1, secs(14)); // at 14 s two more
    world.live_until(secs(14));
    assert_eq!(world.outcome(punctual), Some((secs(14), Ok(()))));
}

#[test]
fn a_deadline_set_while_it_waits_holds() {
    let world = World::exact("2/10s");
    let limiter = &world.limiter;
    limiter.try_acquire_n(2).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let (mut head, mut next) = (limiter.acquire(), limiter.acquire());
    for waiting in [&mut head, &mut next] {
        assert!(Pin::new(waiting).poll(&mut context).is_pending());
    }
    let mut next = next.by(secs(5));
    assert!(Pin::new(&mut next).poll(&mut context).is_pending());
    world.set(past(5));
    for mut late in [next, head.by(secs(5))] {
        let Poll::Ready(Err(AcquireError::TooLate(denied))) = Pin::new(&mut late).poll(&mut context) else {
            panic!("it waits on");
        };
        assert_eq!(denied.retry_at(), Some(secs(10)));
    }
    assert_eq!(limiter.waiting(), 0);
}

/// Each costs as much as the queue is deep, not as it is long; the newest have all others before them.
#[test]
fn forty_thousand_deadlines() {
    const WAITERS: usize = 40_000;
    let (clock, log) = (Manual::new(), SlidingLog::new(policy("40000/10s")).unwrap());
    let limiter = FairLimiter::new(RateLimiter::new(log, clock.clone()), Idle);
    limiter.try_acquire_n(40_000).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting: Vec<_> = (0..WAITERS).map(|_| limiter.acquire()).collect();
    for wait in &mut waiting {
        assert!(Pin::new(wait).poll(&mut context).is_pending());
    }
    clock.set(secs(5));
    let start = std::time::Instant::now();
    for wait in waiting.into_iter().rev() {
        let Poll::Ready(Err(AcquireError::TooLate(_))) = Pin::new(&mut wait.by(secs(4))).poll(&mut context)
        else {
            panic!("it waits on");
        };
    }
    println!("{WAITERS} deadlines, newest first: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(limiter.waiting(), 0);
}
