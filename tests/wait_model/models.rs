//! Threads that wait, go away, pause and are not polled, in every order that a random and a priority scheduler find.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use shuttle::thread;

use crate::limiter::RateLimiter;
use crate::nanos::Nanos;
use crate::rule::Recorded;
use crate::sync::{Unpark, current, park};
use crate::time::{self, Lost, ModelClock, ModelTimer};
use crate::wait::{Acquire, AcquireError, FairLimiter, GRACE, Undo};

type Fair = FairLimiter<Recorded, ModelClock, ModelTimer>;
type Wait<'a> = Acquire<'a, Recorded, ModelClock, ModelTimer>;

/// What a thread does with its place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Awaits, as a task does.
    Await,
    /// Blocks.
    Block,
    /// Drops it, whenever it comes to it.
    Cancel,
    /// Keeps it, and does not poll it until all others have ended: a task of a runtime that nobody drives, say.
    Sleep,
    /// As `Sleep`, with a waker that panics when it is woken and when it is dropped.
    Bomb,
    /// Leaves without a word: the model of a queue whose leavers do not call the next.
    Vanish,
}
use Role::{Await, Block, Bomb, Cancel, Sleep, Vanish};

impl Role {
    /// Whether it has a thread.
    fn lives(self) -> bool {
        !matches!(self, Sleep | Bomb)
    }
}

#[derive(Clone, Copy, Debug)]
struct Waits {
    n: u32,
    role: Role,
    deadline: u64,
}

const fn waits(n: u32, role: Role) -> Waits {
    Waits { n, role, deadline: u64::MAX }
}

/// What happens beside the queue, by a thread of its own.
#[derive(Clone, Copy, Debug)]
enum Beside {
    Nothing,
    PauseUntil(u64),
    /// Hands back the permits that the others wait for.
    Undo,
    /// Tries, and takes if it may.
    Try(u32),
    /// Comes late and waits.
    Acquire(u32),
}

/// 4 permits in 10 ns, taken at 0; then these wait, in this order, and run.
#[derive(Clone, Copy, Debug)]
struct Model {
    line: &'static [Waits],
    beside: Beside,
    lost: Lost,
    /// Whether a grace passes only when all threads are parked.
    patient: bool,
}

impl Model {
    const fn new(line: &'static [Waits], beside: Beside) -> Model {
        Model { line, beside, lost: Lost::Nothing, patient: true }
    }
}

const LIMIT: u32 = 4;
const WINDOW: u64 = 10;

struct Explodes;

impl Wake for Explodes {
    fn wake(self: Arc<Self>) {
        mem::forget(self);
        panic!("on purpose, woken");
    }
}

impl Drop for Explodes {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "on purpose, dropped");
    }
}

fn polled(wait: &mut Wait<'_>, waker: &Waker) -> Poll<Result<(), AcquireError>> {
    let mut context = Context::from_waker(waker);
    let polled =
        catch_unwind(AssertUnwindSafe(|| Pin::new(wait).poll(&mut context).map(|result| result.map(drop))));
    polled.unwrap_or_else(|_| {
        // Of somebody else's waker: it is still in the queue, and looks again.
        waker.wake_by_ref();
        Poll::Pending
    })
}

fn block_on(mut wait: Wait<'_>) -> Result<(), AcquireError> {
    let waker = Waker::from(Arc::new(Unpark(current())));
    loop {
        match polled(&mut wait, &waker) {
            Poll::Ready(result) => return result,
            Poll::Pending => park(),
        }
    }
}

fn live(mut wait: Wait<'_>, role: Role) -> Option<Result<(), AcquireError>> {
    match role {
        Await => Some(block_on(wait)),
        Block => Some(wait.wait().map(drop)),
        Cancel | Vanish | Sleep | Bomb => {
            let waker = Waker::from(Arc::new(Unpark(current())));
            let result = polled(&mut wait, &waker);
            thread::yield_now();
            if role == Vanish {
                mem::forget(wait);
            } else {
                let _ = catch_unwind(AssertUnwindSafe(|| drop(wait)));
            }
            if let Poll::Ready(result) = result { Some(result) } else { None }
        }
    }
}

impl Model {
    fn run(self) {
        let threads = 1 + self.line.iter().filter(|waits| waits.role.lives()).count();
        time::begin(self.lost, self.patient, threads);
        let rule = Recorded::new(LIMIT, WINDOW);
        let limiter = FairLimiter::new(RateLimiter::new(rule.clone(), ModelClock), ModelTimer);
        let permit = limiter.try_acquire_n(LIMIT).unwrap();
        let mut line: Vec<Wait<'_>> = Vec::new();
        for waits in self.line {
            let mut wait = limiter.acquire_n(waits.n).by(Nanos::from_nanos(waits.deadline));
            let waker = match waits.role {
                Bomb => Waker::from(Arc::new(Explodes)),
                _ => Waker::noop().clone(),
            };
            assert!(polled(&mut wait, &waker).is_pending());
            mem::forget(waker);
            line.push(wait);
        }
        let mut asleep = Vec::new();
        let (ended, beside) = thread::scope(|scope| {
            let mover = scope.spawn(time::move_on);
            let (limiter, line) = (&limiter, line.into_iter().zip(self.line));
            let beside = scope.spawn(move || {
                time::runs(|| match self.beside {
                    Beside::Undo => Some(permit.undo() == Undo::Exact),
                    Beside::PauseUntil(until) => {
                        limiter.pause_until(Nanos::from_nanos(until));
                        None
                    }
                    Beside::Try(n) => Some(limiter.try_acquire_n(n).is_ok()),
                    Beside::Acquire(n) => Some(block_on(limiter.acquire_n(n)).is_ok()),
                    Beside::Nothing => None,
                })
            });
            let mut threads = Vec::new();
            for (wait, waits) in line {
                if waits.role.lives() {
                    threads.push(Some(scope.spawn(move || time::runs(|| live(wait, waits.role)))));
                } else {
                    asleep.push((wait, waits.role));
                    threads.push(None);
                }
            }
            let ended: Vec<_> =
                threads.into_iter().map(|thread| thread.and_then(|thread| thread.join().unwrap())).collect();
            let beside = beside.join().unwrap();
            time::over();
            mover.join().unwrap();
            (ended, beside)
        });
        for (wait, role) in asleep {
            let left = catch_unwind(AssertUnwindSafe(|| drop(wait)));
            assert!(left.is_ok() || role == Bomb);
        }
        assert_eq!(limiter.waiting(), 0);
        assert!(time::nobody_sleeps());
        self.check(&rule.granted(), &ended, beside);
        let sleeps = self.line.iter().any(|waits| !waits.role.lives());
        if self.patient && !sleeps {
            assert_eq!(time::graces(), 0, "somebody was not called, and found it out by itself");
        }
        if self.patient && sleeps {
            // The last grace may be that of a call that others have made unnecessary.
            let graces = u64::try_from(GRACE.as_nanos()).unwrap();
            assert!(time::now() <= 4 * graces + 10 * WINDOW, "{}", time::now());
        }
    }

    fn check(self, granted: &[(u64, u32)], ended: &[Option<Result<(), AcquireError>>], beside: Option<bool>) {
        // Never above the rule.
        assert!(crate::oracle::busiest(granted, WINDOW) <= u64::from(LIMIT), "{granted:?}");
        // In order of arrival, and what was charged was granted.
        let mut charged: Vec<u32> = granted.iter().map(|&(_, n)| n).collect();
        if beside == Some(true) && matches!(self.beside, Beside::Undo) {
            // Undone: the first four are not on record.
        } else {
            assert_eq!(charged.remove(0), LIMIT);
        }
        if let (Beside::Try(n) | Beside::Acquire(n), Some(true)) = (self.beside, beside) {
            let own = charged.iter().rposition(|&charge| charge == n).expect("it was charged");
            charged.remove(own);
        }
        if self.line.iter().any(|waits| waits.role == Bomb) {
            // Whoever calls the bomb has its panic instead of an answer, perhaps instead of a permit.
            charged.retain(|n| {
                ended.iter().zip(self.line).any(|(ended, waits)| waits.n == *n && *ended == Some(Ok(())))
            });
        }
        let served = ended.iter().zip(self.line).filter(|(ended, _)| matches!(ended, Some(Ok(()))));
        let mut served: Vec<u32> = served.map(|(_, waits)| waits.n).collect();
        if !self.patient {
            // Time may pass while somebody is about to run: then it is passed over, and others go first.
            served.sort_unstable();
            charged.sort_unstable();
        }
        assert_eq!(served, charged, "{granted:?}, {ended:?}");
        for (ended, waits) in ended.iter().zip(self.line) {
            if matches!(waits.role, Await | Block) && waits.deadline == u64::MAX {
                assert_eq!(*ended, Some(Ok(())));
            }
        }
    }

    fn holds(self) {
        shuttle::check_random(move || self.run(), 2000);
        shuttle::check_pct(move || self.run(), 2000, 3);
    }

    /// Whether some schedule shows that it does not hold.
    fn fails(self) {
        assert!(catch_unwind(|| shuttle::check_random(move || self.run(), 2000)).is_err(), "{self:?}");
    }
}

/// Of every role: no wake-up is lost, nobody needs a grace, and the order is that of arrival.
#[test]
fn the_queue() {
    for roles in [[Await; 3], [Block; 3], [Await, Block, Await], [Block, Await, Block]] {
        let line = [waits(1, roles[0]), waits(3, roles[1]), waits(2, roles[2])];
        Model::new(Box::leak(Box::new(line)), Beside::Nothing).holds();
    }
}

const TWO: &[Waits] = &[waits(4, Cancel), waits(3, Cancel), waits(2, Await)];

/// Two of three go away, at any moment: before, while or after it is called.
#[test]
fn cancel() {
    for stay in [Await, Block] {
        for victim in 0..3 {
            let mut line = [waits(1, stay), waits(3, stay), waits(2, stay)];
            line[victim].role = Cancel;
            Model::new(Box::leak(Box::new(line)), Beside::Nothing).holds();
        }
    }
    Model::new(TWO, Beside::Nothing).holds();
}

const LINE: &[Waits] = &[waits(1, Await), waits(3, Await), waits(2, Block)];
const CANCELLED: &[Waits] = &[waits(1, Cancel), waits(3, Await), waits(2, Block)];

#[test]
fn pause_while_waiting() {
    for line in [LINE, CANCELLED] {
        Model::new(line, Beside::PauseUntil(15)).holds();
    }
}

/// A pause is ended while somebody who was refused because of it joins: nobody sleeps on until it would have been over.
#[test]
fn resume_while_joining() {
    let model = || {
        time::begin(Lost::Nothing, true, 2);
        let limiter = Fair::new(RateLimiter::new(Recorded::new(LIMIT, WINDOW), ModelClock), ModelTimer);
        limiter.pause_until(Nanos::from_secs(1));
        thread::scope(|scope| {
            let mover = scope.spawn(time::move_on);
            let waiter = scope.spawn(|| time::runs(|| block_on(limiter.acquire())));
            let resumer = scope.spawn(|| time::runs(|| limiter.resume()));
            assert_eq!(waiter.join().unwrap(), Ok(()));
            assert_eq!(resumer.join().unwrap(), Some(Nanos::from_secs(1)));
            time::over();
            mover.join().unwrap();
        });
        assert_eq!(time::now(), 0, "it slept on");
    };
    shuttle::check_random(model, 2000);
    shuttle::check_pct(model, 2000, 3);
}

#[test]
fn undo_while_waiting() {
    for line in [LINE, CANCELLED] {
        Model::new(line, Beside::Undo).holds();
    }
}

#[test]
fn try_while_waiting() {
    Model::new(LINE, Beside::Try(4)).holds();
    Model::new(CANCELLED, Beside::Try(4)).holds();
}

#[test]
fn come_while_the_queue_empties() {
    for line in [LINE, CANCELLED, &LINE[..1], &CANCELLED[..1]] {
        Model::new(line, Beside::Acquire(4)).holds();
    }
}

const LATE: &[Waits] = &[
    Waits { n: 1, role: Await, deadline: 10 },
    Waits { n: 3, role: Block, deadline: 10 },
    Waits { n: 2, role: Await, deadline: 20 },
    waits(4, Await),
];

/// Deadlines that hold, that are missed by the pause, and that pass as the turn comes.
#[test]
fn deadlines() {
    Model::new(LATE, Beside::Nothing).holds();
    Model::new(LATE, Beside::PauseUntil(15)).holds();
}

const SLEEPERS: [&[Waits]; 5] = [
    &[waits(4, Sleep), waits(2, Await)],
    &[waits(1, Sleep), waits(1, Sleep), waits(4, Sleep), waits(3, Block), waits(4, Await)],
    &[waits(1, Await), waits(2, Sleep), waits(4, Await)],
    &[waits(4, Sleep), waits(3, Await), waits(2, Sleep), waits(1, Block)],
    &[waits(2, Cancel), waits(1, Sleep), waits(3, Await)],
];

/// Some are never polled: all others are granted, in order, and within a few graces.
#[test]
fn sleepers() {
    for line in SLEEPERS {
        Model::new(line, Beside::Nothing).holds();
    }
    Model::new(SLEEPERS[0], Beside::Acquire(4)).holds();
    Model::new(SLEEPERS[0], Beside::Undo).holds();
    Model::new(SLEEPERS[2], Beside::Try(4)).holds();
}

const BOMBS: [&[Waits]; 2] = [
    &[waits(2, Cancel), waits(1, Bomb), waits(3, Await)],
    &[waits(1, Bomb), waits(3, Await), waits(4, Await)],
];

/// A waker that panics when it is woken or dropped, in the hands of whoever leaves or looks.
#[test]
fn wakers_that_panic() {
    for line in BOMBS {
        Model::new(line, Beside::Nothing).holds();
    }
}

/// Graces pass at any moment, so that whoever is about to run may be passed over: nothing is lost, and nobody.
#[test]
fn time_that_runs_ahead() {
    let hurried = |line, beside| Model { patient: false, ..Model::new(line, beside) }.holds();
    hurried(LINE, Beside::Nothing);
    hurried(CANCELLED, Beside::Acquire(4));
    hurried(LATE, Beside::PauseUntil(15));
    hurried(LINE, Beside::Try(4));
    hurried(SLEEPERS[3], Beside::Undo);
}

const TASKS: &[Waits] = &[waits(1, Await), waits(3, Await), waits(2, Await)];

/// The models see what they are for: a leaver that does not call the next, a sleep that is lost, whichever, and waiters
/// that do not look after the head.
#[test]
fn broken_queues_are_caught() {
    for victim in 0..2 {
        let mut line = [waits(1, Await), waits(3, Await), waits(2, Await)];
        line[victim].role = Vanish;
        Model::new(Box::leak(Box::new(line)), Beside::Nothing).fails();
    }
    // The sleep of the head, armed when it waits and again when it first runs.
    Model { lost: Lost::One(4), ..Model::new(TASKS, Beside::Nothing) }.fails();
    for line in SLEEPERS {
        Model { lost: Lost::Looks, ..Model::new(line, Beside::Nothing) }.fails();
    }
}
