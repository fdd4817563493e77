//! The time of the model. It stands still, or it moves to the end of the next sleep, whenever shuttle chooses so. If all
//! threads wait and none sleeps, all are parked, and shuttle reports a deadlock.
//!
//! The policy of the models is in nanoseconds, and the grace of the queue is fifty million of them. So the length of a sleep
//! shows which of the two it is for. In patient time a grace passes only when all threads are parked, which shows whether
//! any thread needed it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use shuttle::thread::{self, ThreadId};

use crate::clock::Clock;
use crate::nanos::Nanos;
use crate::wait::Timer;

/// Further ahead than any instant of a policy: a grace.
const FAR: u64 = 1_000;

/// What the timer loses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lost {
    #[default]
    Nothing,
    /// The sleep that is armed as number so much.
    One(u64),
    /// All that are for a grace: nobody looks after the head.
    Looks,
}

#[derive(Default)]
struct Time {
    now: u64,
    made: u64,
    sleeps: Vec<(u64, u64, Waker)>,
    /// Who moves the clock, parked while nobody sleeps.
    mover: Option<thread::Thread>,
    over: bool,
    lost: Lost,
    patient: bool,
    /// How many times a grace has passed.
    graces: u32,
    /// How many threads there will be that have not begun.
    to_begin: usize,
    /// The threads that are not parked, or have been unparked.
    awake: HashSet<ThreadId>,
    unparked: HashSet<ThreadId>,
}

impl Time {
    fn is_quiet(&self) -> bool {
        self.to_begin == 0 && self.awake.is_empty()
    }
}

thread_local! {
    // All threads of one model are one thread of the system.
    static TIME: RefCell<Time> = RefCell::default();
}

fn with<R>(f: impl FnOnce(&mut Time) -> R) -> R {
    TIME.with_borrow_mut(f)
}

fn tell_the_mover() {
    let mover = with(|time| time.mover.clone());
    mover.inspect(thread::Thread::unpark);
}

/// A new model begins, with so many threads.
pub(crate) fn begin(lost: Lost, patient: bool, threads: usize) {
    drop(with(|time| std::mem::replace(time, Time { lost, patient, to_begin: threads, ..Time::default() })));
}

pub(crate) fn now() -> u64 {
    with(|time| time.now)
}

pub(crate) fn graces() -> u32 {
    with(|time| time.graces)
}

/// What a thread of the model does, from beginning to end.
pub(crate) fn runs<R>(work: impl FnOnce() -> R) -> R {
    let id = thread::current().id();
    with(|time| {
        time.to_begin -= 1;
        time.awake.insert(id);
    });
    let result = work();
    with(|time| time.awake.remove(&id));
    tell_the_mover();
    result
}

pub(crate) fn unpark(thread: &thread::Thread) {
    with(|time| {
        time.awake.insert(thread.id());
        time.unparked.insert(thread.id());
    });
    thread.unpark();
}

pub(crate) fn park() {
    let id = thread::current().id();
    let parks = with(|time| !time.unparked.contains(&id) && time.awake.remove(&id));
    if parks {
        tell_the_mover();
    }
    thread::park();
    with(|time| {
        time.awake.insert(id);
        time.unparked.remove(&id);
    });
}

pub(crate) fn arm(after: Duration, waker: &Waker) -> u64 {
    let after = u64::try_from(after.as_nanos()).unwrap();
    let waker = waker.clone();
    let id = with(|time| {
        time.made += 1;
        let lost = time.lost == Lost::One(time.made) || time.lost == Lost::Looks && after > FAR;
        if !lost {
            time.sleeps.push((time.now + after, time.made, waker));
        }
        time.made
    });
    tell_the_mover();
    id
}

pub(crate) fn disarm(id: u64) {
    let gone = with(|time| {
        let armed = time.sleeps.iter().position(|sleep| sleep.1 == id);
        armed.map(|armed| time.sleeps.swap_remove(armed))
    });
    drop(gone);
}

/// Moves the clock until the model is [`over`].
pub(crate) fn move_on() {
    with(|time| time.mover = Some(thread::current()));
    while !with(|time| time.over) {
        let due = with(|time| {
            let first = (0..time.sleeps.len()).min_by_key(|&i| time.sleeps[i].0)?;
            if time.sleeps[first].0 > time.now + FAR {
                if time.patient && !time.is_quiet() {
                    return None;
                }
                time.graces += 1;
            }
            let (end, _, waker) = time.sleeps.swap_remove(first);
            time.now = time.now.max(end);
            Some(waker)
        });
        match due {
            // Some panic on purpose.
            Some(waker) => drop(catch_unwind(AssertUnwindSafe(|| waker.wake()))),
            None => thread::park(),
        }
    }
}

pub(crate) fn over() {
    with(|time| time.over = true);
    tell_the_mover();
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
