//! The limiter, the line before it, and the one rule by which the line moves: who leaves the head of the line calls
//! the next.
//!
//! # State
//!
//! - `line`: who waits, behind a lock that is taken only while somebody waits, or is about to.
//! - `waiting`: its length, written under the lock, so that nobody takes the lock of an empty line.
//!
//! - I1. **The head is called.** Whenever the lock is free and somebody waits, the head has been woken since it
//!   became the head and has not run yet, or the alarm is armed, with its waker, for the instant at which it will
//!   be granted, or it is a thread that is parked until then.
//! - I2. Nobody but a waiter charges its permits, when it runs, as the head, with the clock read at that moment. So
//!   a waiter that goes away, however it goes, has nothing to give back.
//! - I3. Wakers are called, and dropped, without the lock: they may run code of their own. Only the alarm, armed for
//!   the next, drops that of somebody who is just leaving, and whose task therefore lives.
//!
//! I1 holds since every change of the head ([`Shared::leave`], [`Shared::join`]) and everything that may let it go
//! earlier ([`Shared::call_head`]) ends by calling the head or by its own turn. What lets it go *later*, a pause or a
//! caller that goes round the line, needs no call: the head wakes, is refused, and sleeps again.
//!
//! # Orderings
//!
//! | site | operation | ordering | pairs with | if weaker |
//! |---|---|---|---|---|
//! | W | store `waiting` | Relaxed | - | is the weakest: who knows of a waiter, by whatever means, sees it counted; who does not may as well have come before it |
//! | E | load `waiting` | Relaxed | - | likewise |
//!
//! An undo that races with a waiter that joins is seen by it, or sees it: both take the lock afterwards.

use core::mem;
use core::task::Waker;
use std::sync::PoisonError;

use super::error::AcquireError;
use super::line::{Line, Ticket, Waiter};
use super::timer::Alarm;
use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::decision::{Denied, Grant};
use crate::limiter::RateLimiter;
use crate::nanos::Nanos;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

pub(super) struct Shared<A, C, T: Alarm> {
    pub(super) limiter: RateLimiter<A, C>,
    pub(super) timer: T,
    /// The most permits that one call can be granted.
    burst: u32,
    waiting: AtomicUsize,
    line: Mutex<Line<T::Sleep>>,
}

/// How a turn of a waiter ended.
pub(super) enum Turn<'a> {
    /// Out of the line.
    Done(Result<Grant<'a>, AcquireError>),
    /// In the line: to be woken, or to look again at this instant by itself, if there is one.
    Wait(Option<Nanos>),
}

impl<A: Algorithm, C: Clock, T: Alarm> Shared<A, C, T> {
    pub(super) fn new(limiter: RateLimiter<A, C>, timer: T) -> Self {
        let burst = limiter.peek_n(u32::MAX).map_or_else(|denied| denied.burst(), |()| u32::MAX);
        let waiting = AtomicUsize::new(0);
        Shared { limiter, timer, burst, waiting, line: Mutex::new(Line::new()) }
    }

    #[inline]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed) // E
    }

    /// Nothing under the lock leaves it half done, so one who panicked there changes nothing for the others.
    fn line(&self) -> MutexGuard<'_, Line<T::Sleep>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Nanos {
        self.limiter.clock().now()
    }

    /// The answer to a call that need not care for the line; `None` if it must.
    #[inline]
    pub(super) fn without_line(&self, n: u32) -> Option<Result<Grant<'_>, Denied>> {
        (self.waiting() == 0 || n == 0 || n > self.burst).then(|| self.limiter.try_grant_n(n))
    }

    /// Whether `permits`, of one call or of several, can all be granted now. The refusal holds for all of them
    /// together as far as they are within the burst, and for the burst otherwise.
    fn peek(&self, permits: u64) -> Result<(), Denied> {
        match u32::try_from(permits) {
            Ok(permits) if permits <= self.burst => self.limiter.peek_n(permits),
            _ => {
                self.limiter.peek_n(self.burst)?;
                let now = self.now();
                Err(Denied::new(now, 0, Some(now), self.burst))
            }
        }
    }

    /// Grants past the line, if all who wait before and this call can be granted now: then nobody is delayed.
    fn beside(&self, before: u64, n: u32) -> Result<Grant<'_>, Denied> {
        if before > 0 {
            self.peek(before + u64::from(n))?;
        }
        self.limiter.try_grant_n(n)
    }

    /// As [`beside`](Shared::beside) the whole line.
    #[cold]
    pub(super) fn beside_line(&self, n: u32) -> Result<Grant<'_>, Denied> {
        let line = self.line();
        self.beside(line.permits(), n)
    }

    /// Takes a place at the end of the line, written to `place`, unless it is known at once that nothing will come
    /// of it.
    pub(super) fn join(&self, place: &mut Option<Ticket>, waiter: Waiter, bound: usize) -> Turn<'_> {
        let mut line = self.line();
        if line.len() >= bound {
            return Turn::Done(Err(AcquireError::Full { bound }));
        }
        if line.len() > 0 {
            let promise = self.peek(line.permits() + u64::from(waiter.n));
            let refused = promise.err().and_then(|denied| AcquireError::for_good(denied, waiter.deadline));
            if let Some(error) = refused {
                return Turn::Done(Err(error));
            }
        }
        let ticket = line.join(waiter);
        *place = Some(ticket);
        self.waiting.store(line.len(), Ordering::Relaxed); // W
        self.run(line, ticket)
    }

    /// The turn of a waiter that was woken, or polled for any other reason.
    pub(super) fn turn(&self, ticket: Ticket, blocking: bool, deadline: Nanos, waker: &Waker) -> Turn<'_> {
        let mut line = self.line();
        let mut stale = None;
        if let Some(waiter) = line.get_mut(ticket) {
            (waiter.blocking, waiter.deadline) = (blocking, deadline);
            if !waiter.waker.will_wake(waker) {
                stale = Some(mem::replace(&mut waiter.waker, waker.clone()));
            }
        }
        let turn = self.run(line, ticket);
        drop(stale);
        turn
    }

    fn run(&self, mut line: MutexGuard<'_, Line<T::Sleep>>, ticket: Ticket) -> Turn<'_> {
        let is_head = line.is_head(ticket);
        let Some(&mut Waiter { n, deadline, blocking, .. }) = line.get_mut(ticket) else {
            return Turn::Wait(None); // Never: who has a ticket is in the line.
        };
        let result = if is_head {
            match self.limiter.try_grant_n(n) {
                Ok(grant) => Ok(grant),
                Err(denied) => match AcquireError::for_good(denied, deadline) {
                    Some(error) => Err(error),
                    None if blocking => return Turn::Wait(denied.retry_at()),
                    None => {
                        self.sleep(line, &denied);
                        return Turn::Wait(None);
                    }
                },
            }
        } else if deadline < Nanos::MAX && deadline <= self.now() {
            self.beside(line.permits_before(ticket, self.burst), n).map_err(AcquireError::TooLate)
        } else {
            return Turn::Wait(Some(deadline).filter(|&at| at < Nanos::MAX));
        };
        self.remove(line, ticket);
        Turn::Done(result)
    }

    /// Arms the alarm for the head, which was refused.
    fn sleep(&self, mut line: MutexGuard<'_, Line<T::Sleep>>, denied: &Denied) {
        let Some((head, alarm)) = line.head() else { return };
        let after = denied.retry_after().unwrap_or_default();
        if self.timer.arm(alarm, after, &head.waker).is_ready() {
            let waker = head.waker.clone();
            drop(line);
            waker.wake();
        }
    }

    /// Gives up a place in the line.
    #[cold]
    pub(super) fn leave(&self, ticket: Ticket) {
        self.remove(self.line(), ticket);
    }

    fn remove(&self, mut line: MutexGuard<'_, Line<T::Sleep>>, ticket: Ticket) {
        let was_head = line.is_head(ticket);
        let left = line.leave(ticket);
        self.waiting.store(line.len(), Ordering::Relaxed); // W
        let next = if was_head { self.next(&mut line) } else { None };
        let alarm = line.idle_alarm();
        drop(line);
        drop((left, alarm));
        wake(next);
    }

    /// Calls the head, which may perhaps go earlier now.
    pub(super) fn call_head(&self) {
        let mut line = self.line();
        let next = self.next(&mut line);
        let alarm = line.idle_alarm();
        drop(line);
        drop(alarm);
        wake(next);
    }

    /// Who is to be woken, if anybody waits: the head, if it has something to do now. Else the alarm is armed for it.
    fn next(&self, line: &mut Line<T::Sleep>) -> Option<Waker> {
        let (head, alarm) = line.head()?;
        // Whoever leaves while it unwinds must not meet a second panic, of the timer say.
        if head.blocking || std::thread::panicking() {
            return Some(head.waker.clone());
        }
        let call = CallOnPanic(&head.waker);
        let called = match self.limiter.peek_n(head.n) {
            Ok(()) => true,
            Err(denied) => {
                AcquireError::for_good(denied, head.deadline).is_some()
                    || self.timer.arm(alarm, denied.retry_after().unwrap_or_default(), &head.waker).is_ready()
            }
        };
        mem::forget(call);
        called.then(|| head.waker.clone())
    }
}

fn wake(next: Option<Waker>) {
    if let Some(waker) = next {
        waker.wake();
    }
}

/// Should the timer, the clock or the algorithm panic while the next is called, the next must not sleep for ever.
struct CallOnPanic<'a>(&'a Waker);

impl Drop for CallOnPanic<'_> {
    fn drop(&mut self) {
        self.0.wake_by_ref();
    }
}
