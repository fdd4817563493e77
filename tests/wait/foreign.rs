//! Code of others: wakers that panic or take the queue's lock when they are woken or dropped, and timers that panic.
//! Whatever this code does, no waiter is forgotten, and there is no deadlock.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use tollgate::wait::{FairLimiter, Timer};
use tollgate::{Manual, RateLimiter, SlidingLog};

use crate::world::{Fair, Idle, VirtualSleep, VirtualTimer, Woken, World, policy, secs};

/// Panics when it is woken, or when the last reference to it is dropped.
struct Bomb {
    on_wake: bool,
}

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        assert!(!self.on_wake, "on purpose, woken");
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.on_wake, "on purpose, dropped");
    }
}

/// A task as executors keep it: the waker owns the future, which leaves the queue when the last waker is dropped.
struct Task {
    _future: Mutex<Box<dyn Send>>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

fn waits(wait: &mut (impl Future + Unpin), waker: &Waker) -> bool {
    Pin::new(wait).poll(&mut Context::from_waker(waker)).is_pending()
}

/// A limiter with one of two permits left, and a timer without wakers.
fn idle() -> (FairLimiter<SlidingLog, Manual, Idle>, Manual) {
    let clock = Manual::new();
    let log = SlidingLog::new(policy("2/10s")).unwrap();
    let limiter = FairLimiter::new(RateLimiter::new(log, clock.clone()), Idle);
    limiter.try_acquire().unwrap();
    (limiter, clock)
}

/// A limiter with one of two permits left.
fn one_left() -> (&'static Fair<SlidingLog>, World<SlidingLog>) {
    let world = World::exact("2/10s");
    let limiter: &'static Fair<SlidingLog> = Box::leak(Box::new(world.limiter.clone()));
    limiter.try_acquire().unwrap();
    (limiter, world)
}

/// Runs it, but not for ever.
fn ends(work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = channel();
    let worker = thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    if is_done.recv_timeout(Duration::from_secs(10)).is_err() {
        assert!(worker.is_finished(), "it locks itself");
        worker.join().unwrap();
    }
}

#[test]
fn the_next_is_called_although_the_waker_of_the_leaver_panics_when_dropped() {
    let (limiter, _clock) = idle();
    let (mut large, mut next) = (limiter.acquire_n(2), limiter.acquire());
    assert!(waits(&mut large, &Waker::from(Arc::new(Bomb { on_wake: false }))));
    let woken = Arc::new(Woken::default());
    assert!(waits(&mut next, &Waker::from(Arc::clone(&woken))));
    catch_unwind(AssertUnwindSafe(|| drop(large))).unwrap_err();
    assert_eq!((limiter.waiting(), woken.times()), (1, 1));
    assert!(!waits(&mut next, Waker::noop()));
}

#[test]
fn a_leaver_that_unwinds_meets_no_second_panic_of_its_waker() {
    let (limiter, _clock) = idle();
    let (mut large, mut next) = (limiter.acquire_n(2), limiter.acquire());
    assert!(waits(&mut large, &Waker::from(Arc::new(Bomb { on_wake: false }))));
    let woken = Arc::new(Woken::default());
    assert!(waits(&mut next, &Waker::from(Arc::clone(&woken))));
    let unwinds = || {
        let _large = large;
        panic!("of the caller");
    };
    catch_unwind(AssertUnwindSafe(unwinds)).unwrap_err();
    assert_eq!((limiter.waiting(), woken.times()), (1, 1));
}

#[test]
fn who_leaves_although_the_next_panics_when_woken() {
    let (limiter, clock) = idle();
    let (mut large, mut next, mut last) = (limiter.acquire_n(2), limiter.acquire(), limiter.acquire());
    assert!(waits(&mut large, Waker::noop()));
    assert!(waits(&mut next, &Waker::from(Arc::new(Bomb { on_wake: true }))));
    assert!(waits(&mut last, Waker::noop()));
    catch_unwind(AssertUnwindSafe(|| drop(large))).unwrap_err();
    assert_eq!(limiter.waiting(), 2);
    // The one that panicked never comes: the last does not wait for it.
    clock.advance(Duration::from_millis(100));
    assert!(!waits(&mut last, Waker::noop()));
}

/// The waker that is replaced, and whose owner waits too, is dropped without the lock.
#[test]
fn a_waker_that_is_replaced_may_leave_the_queue() {
    ends(|| {
        let limiter = Box::leak(Box::new(idle().0));
        limiter.try_acquire().unwrap();
        let (mut first, mut second) = (limiter.acquire(), limiter.acquire());
        let mut inner = limiter.acquire();
        assert!(waits(&mut inner, Waker::noop()));
        let task = Waker::from(Arc::new(Task { _future: Mutex::new(Box::new(inner)) }));
        assert!(waits(&mut first, Waker::noop()));
        assert!(waits(&mut second, &task));
        drop(task);
        assert_eq!(limiter.waiting(), 3);
        assert!(waits(&mut second, Waker::noop()));
        assert_eq!(limiter.waiting(), 2);
    });
}

/// The waker of one that is granted or gone, and whose owner waits too, is dropped without the lock.
#[test]
fn a_waker_that_is_left_may_leave_the_queue() {
    for granted in [false, true] {
        ends(move || {
            let (limiter, world) = one_left();
            limiter.try_acquire().unwrap();
            let (mut head, mut next, mut inner) = (limiter.acquire(), limiter.acquire(), limiter.acquire());
            let mut taken = limiter.acquire();
            assert!(waits(&mut head, Waker::noop()));
            assert!(waits(&mut inner, Waker::noop()));
            let task = Waker::from(Arc::new(Task { _future: Mutex::new(Box::new(inner)) }));
            assert!(waits(&mut head, &task));
            drop(task);
            assert!(waits(&mut next, Waker::noop()));
            assert!(waits(&mut taken, Waker::noop()));
            if granted {
                world.timer.clock.set(secs(10));
                assert!(!waits(&mut head, Waker::noop()));
            }
            drop(head);
            assert_eq!(limiter.waiting(), 2);
        });
    }
}

/// The head is granted and its task is gone, but a timer still has its waker: that is not dropped under the lock when
/// the next arms its sleep.
#[test]
fn a_waker_that_a_timer_keeps_may_leave_the_queue() {
    ends(|| {
        let (limiter, world) = one_left();
        limiter.try_acquire().unwrap();
        let (mut head, mut next, mut inner) = (limiter.acquire(), limiter.acquire(), limiter.acquire());
        assert!(waits(&mut head, Waker::noop()));
        assert!(waits(&mut next, Waker::noop()));
        assert!(waits(&mut inner, Waker::noop()));
        let task = Waker::from(Arc::new(Task { _future: Mutex::new(Box::new(inner)) }));
        assert!(waits(&mut head, &task));
        drop(task);
        world.timer.clock.set(secs(10));
        assert!(!waits(&mut head, Waker::noop()));
        drop(head);
        limiter.limiter().try_acquire().unwrap(); // around the queue
        assert!(waits(&mut next, Waker::noop()));
        assert_eq!(limiter.waiting(), 1);
    });
}

/// A waker that takes the lock of the queue when it is woken: it looks at the queue, and tries.
#[test]
fn who_is_woken_may_try_at_once() {
    struct Tries(&'static Fair<SlidingLog>, AtomicU32);

    impl Wake for Tries {
        fn wake(self: Arc<Self>) {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.try_acquire_n(2).unwrap_err();
        }
    }
    ends(|| {
        let (limiter, _world) = one_left();
        let tries = Arc::new(Tries(limiter, AtomicU32::new(0)));
        let (mut large, mut next) = (limiter.acquire_n(2), limiter.acquire());
        assert!(waits(&mut large, Waker::noop()));
        assert!(waits(&mut next, &Waker::from(Arc::clone(&tries))));
        drop(large);
        assert_eq!(tries.1.load(Ordering::Relaxed), 1);
    });
}

/// It panics when a sleep is made, armed anew, polled or dropped, after some that are good.
struct Broken {
    timer: VirtualTimer,
    breaks: Breaks,
    good: Arc<AtomicU32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Breaks {
    Sleep,
    Reset,
    Poll,
    Drop,
}

struct BrokenSleep {
    sleep: VirtualSleep,
    breaks: Breaks,
    good: Arc<AtomicU32>,
}

fn may_break(breaks: bool, good: &AtomicU32) {
    if breaks {
        let left = good.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        assert!(left.is_ok() || thread::panicking(), "on purpose");
    }
}

impl Timer for Broken {
    type Sleep = BrokenSleep;

    fn sleep(&self, after: Duration) -> BrokenSleep {
        may_break(self.breaks == Breaks::Sleep, &self.good);
        BrokenSleep { sleep: self.timer.sleep(after), breaks: self.breaks, good: Arc::clone(&self.good) }
    }

    fn reset(&self, sleep: &mut BrokenSleep, after: Duration) {
        may_break(self.breaks == Breaks::Reset, &self.good);
        self.timer.reset(&mut sleep.sleep, after);
    }
}

impl Future for BrokenSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        may_break(self.breaks == Breaks::Poll, &self.good);
        Pin::new(&mut self.sleep).poll(context)
    }
}

impl Drop for BrokenSleep {
    fn drop(&mut self) {
        may_break(self.breaks == Breaks::Drop, &self.good);
    }
}

/// Three wait, the timer breaks in the hands of one of them: that one has the panic, and the others their permits.
#[test]
fn a_timer_that_panics_harms_only_its_own() {
    for breaks in [Breaks::Sleep, Breaks::Reset, Breaks::Poll, Breaks::Drop] {
        for good in 0..6 {
            let world = World::exact("1/10s");
            let left = Arc::new(AtomicU32::new(good));
            let broken = Broken { timer: world.timer.clone(), breaks, good: Arc::clone(&left) };
            let limiter = FairLimiter::new(RateLimiter::clone(world.limiter.limiter()), broken);
            limiter.try_acquire().unwrap();
            let mut waiting: Vec<_> = (0..3).map(|_| Some(limiter.acquire())).collect();
            let mut panics = 0;
            for second in [0, 10, 20, 30, 40, 50] {
                world.set(secs(second));
                for wait in &mut waiting {
                    let polled = catch_unwind(AssertUnwindSafe(|| {
                        if let Some(mut polled) = wait.take() {
                            if waits(&mut polled, Waker::noop()) {
                                *wait = Some(polled);
                            }
                        }
                    }));
                    if polled.is_err() {
                        panics += 1;
                        left.store(u32::MAX, Ordering::Relaxed); // broken once
                    }
                }
            }
            assert_eq!(limiter.waiting(), 0, "{breaks:?} after {good}");
            assert!(panics <= 1 && (panics == 1 || good > 0), "{breaks:?} after {good}");
        }
    }
}
