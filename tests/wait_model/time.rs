//! The model's time: it stands still, or goes on to the next sleep that ends, whenever shuttle lets it. If everybody
//! waits and nobody sleeps, all threads are parked and shuttle calls it a deadlock: a wake-up was lost.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Clock;
use crate::nanos::Nanos;
use crate::sync::{Thread, current, park};
use crate::wait::Timer;

#[derive(Default)]
struct Time {
    now: u64,
    made: u64,
    sleeps: Vec<(u64, u64, Waker)>,
    /// Who moves the clock, parked while nobody sleeps.
    mover: Option<Thread>,
    over: bool,
    /// Of how many sleeps that are armed the next one is lost: the model of a broken timer.
    lost: Option<u64>,
}

thread_local! {
    // All threads of one model are one thread of the system.
    static TIME: RefCell<Time> = RefCell::default();
}

fn with<R>(f: impl FnOnce(&mut Time) -> R) -> R {
    TIME.with_borrow_mut(f)
}

/// A new model begins.
pub(crate) fn begin(lost: Option<u64>) {
    with(|time| *time = Time { lost, ..Time::default() });
}

pub(crate) fn now() -> u64 {
    with(|time| time.now)
}

pub(crate) fn arm(after: Duration, waker: &Waker) -> u64 {
    let (id, mover) = with(|time| {
        time.made += 1;
        if time.lost != Some(time.made) {
            let end = time.now + u64::try_from(after.as_nanos()).unwrap();
            time.sleeps.push((end, time.made, waker.clone()));
        }
        (time.made, time.mover.clone())
    });
    mover.inspect(Thread::unpark);
    id
}

pub(crate) fn disarm(id: u64) {
    with(|time| time.sleeps.retain(|sleep| sleep.1 != id));
}

/// Moves the clock until the model is [`over`].
pub(crate) fn move_on() {
    with(|time| time.mover = Some(current()));
    while !with(|time| time.over) {
        let due = with(|time| {
            let first = (0..time.sleeps.len()).min_by_key(|&i| time.sleeps[i].0)?;
            let (end, _, waker) = time.sleeps.remove(first);
            time.now = time.now.max(end);
            Some(waker)
        });
        match due {
            Some(waker) => waker.wake(),
            None => park(),
        }
    }
}

pub(crate) fn over() {
    let mover = with(|time| {
        time.over = true;
        time.mover.clone()
    });
    mover.inspect(Thread::unpark);
}

pub(crate) fn nobody_sleeps() -> bool {
    with(|time| time.sleeps.is_empty())
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelClock;

impl Clock for ModelClock {
    fn now(&self) -> Nanos {
        Nanos::from_nanos(now())
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelTimer;

pub(crate) struct ModelSleep {
    end: u64,
    id: u64,
}

impl Timer for ModelTimer {
    type Sleep = ModelSleep;

    fn sleep(&self, after: Duration) -> ModelSleep {
        ModelSleep { end: now() + u64::try_from(after.as_nanos()).unwrap(), id: 0 }
    }
}

impl Future for ModelSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        disarm(self.id);
        let now = now();
        if now >= self.end {
            return Poll::Ready(());
        }
        self.id = arm(Duration::from_nanos(self.end - now), context.waker());
        Poll::Pending
    }
}

impl Drop for ModelSleep {
    fn drop(&mut self) {
        disarm(self.id);
    }
}
