//! The limiter, the queue before it, and the rules by which the queue moves.
//!
//! # State
//!
//! - `queue`: who waits, behind a lock that is taken only while somebody waits, or is about to. A waiter is *present*:
//!   it sleeps, or it was called and has not come yet; or it was *passed over*, and is present again when it comes. The
//!   first of those present is the head.
//! - `waiting`: how many wait, written under the lock, so that nobody takes the lock of an empty queue.
//! - Each waiter has an alarm of its own, outside of this file, armed by itself for the instant that its turn told it.
//!
//! Invariants, whenever the lock is free:
//!
//! - I1. **The head comes by itself, or was called.** Its alarm rings at the instant at which its permits are there, or
//!   its waker was called after it became the head.
//! - I2. **Everybody looks after the head.** Every other waiter that is polled has an alarm that rings a grace after
//!   the head is expected, or later but not later than the rule of [`Place::next_look`] says. Whoever looks and finds the head
//!   late calls all who are before itself, comes again a grace later, and passes over those at the front who have not
//!   come by then.
//! - I3. **Only a waiter takes its permits**, when it runs, as the head, with the clock read at that moment. A waiter that
//!   goes away, however it goes, has nothing to give back.
//! - I4. **No code of others runs under the lock**: wakers are cloned before it, and called and dropped after it
//!   ([`Calls`]); sleeps are made, polled and dropped without it. Only the clock and the algorithm are asked under it,
//!   whose traits forbid to wait and to call back.
//!
//! I1 holds because whatever makes somebody the head, or lets the head go earlier, calls it: [`Queue::leave`], [`Queue::look`],
//! [`Shared::call_head`] and [`Shared::call_all`]. What makes the head wait longer, a pause or a call around the queue, needs no call:
//! the head comes, is refused, and sleeps again. I2 does not rest on I1: should a call be lost, because a waker
//! panics say, the next who looks repairs it.
//!
//! # Linearization
//!
//! A grant takes effect in the limiter, and under the lock if anybody waits. So grants to waiters are in the order of their
//! turns under the lock, and the order of turns is the order of the queue among those present.
//!
//! # Orderings
//!
//! | site | operation | ordering | pairs with | if weaker |
//! |---|---|---|---|---|
//! | W | store `waiting` | Relaxed | - | is the weakest. A call that happens after somebody joined sees it counted; any other may as well have come before |
//! | E | load `waiting` | Relaxed | - | likewise |
//!
//! An undo or a resumption that races with a waiter that joins is seen by it, or sees it: both take the lock afterwards,
//! whatever `waiting` says.

use core::time::Duration;
use std::sync::PoisonError;

use super::calls::Calls;
use super::error::AcquireError;
use super::queue::{BEHIND_ALL, GRACE, Queue, Ticket};
use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::decision::{Denied, Grant};
use crate::limiter::RateLimiter;
use crate::nanos::Nanos;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

pub(super) struct Shared<A: ?Sized, C, T> {
    pub(super) limiter: RateLimiter<A, C>,
    pub(super) timer: T,
    /// The most permits that one call can be granted.
    burst: u32,
    waiting: AtomicUsize,
    queue: Mutex<Queue>,
}

/// How a turn of a waiter ended.
pub(super) enum Turn<'a> {
    /// Out of the queue.
    Done(Result<Grant<'a>, AcquireError>),
    /// In the queue, until it is called, or until this instant.
    Wait(Nanos),
}

/// A place in the queue, as its waiter knows it.
#[derive(Debug)]
pub(super) struct Place {
    ticket: Ticket,
    /// When it joined, or when all were last called since.
    joined: Nanos,
    /// The earliest instant at which it could be granted, said when it joined, if all before it take their permits.
    promised: Nanos,
    /// When it looks after the head again.
    look: Nanos,
}

impl Place {
    /// The next look of a waiter that is not the head, after one `now` that found the head `late` or not.
    ///
    /// The looks begin when the head would be late, and then come after twice as long as the waiter has waited,
    /// so that there are few of them. One comes a grace after the promised instant: then it must be the head.
    fn next_look(&mut self, now: Nanos, late: bool, head_is_late_at: Nanos) -> Nanos {
        if late {
            self.look = head_is_late_at;
        } else {
            let twice = now.saturating_add(now.saturating_duration_since(self.joined));
            let promised = self.promised.saturating_add(GRACE);
            let look = if now < promised { twice.min(promised) } else { twice };
            let look = look.max(head_is_late_at);
            // Not yet, but sooner than planned if the head comes sooner: a pause was ended, say.
            self.look = if now < self.look { look.min(self.look) } else { look };
        }
        self.look
    }
}

impl<A: Algorithm + ?Sized, C: Clock, T> Shared<A, C, T> {
    pub(super) fn new(limiter: RateLimiter<A, C>, timer: T) -> Self {
        let burst = limiter.peek_n(u32::MAX).map_or_else(|denied| denied.burst(), |()| u32::MAX);
        let waiting = AtomicUsize::new(0);
        Shared { limiter, timer, burst, waiting, queue: Mutex::new(Queue::new()) }
    }

    #[inline]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed) // E
    }

    /// Nothing under the lock leaves it half done, so a panic there changes nothing for the others.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Nanos {
        self.limiter.clock().now()
    }

    /// Grants now, or refuses, by the rule of [`FairLimiter::try_acquire_n`](super::FairLimiter::try_acquire_n).
    #[inline]
    pub(super) fn grant(&self, n: u32) -> Result<Grant<'_>, Denied> {
        self.without_queue(n).unwrap_or_else(|| self.beside_queue(n))
    }

    /// What [`grant`](Shared::grant) would answer.
    pub(super) fn peek(&self, n: u32) -> Result<(), Denied> {
        if self.ignores_queue(n) { self.limiter.peek_n(n) } else { self.peek_beside_queue(n) }
    }

    /// The answer to a call that need not care for the queue; `None` if it must.
    #[inline]
    pub(super) fn without_queue(&self, n: u32) -> Option<Result<Grant<'_>, Denied>> {
        self.ignores_queue(n).then(|| self.limiter.try_grant_n(n))
    }

    #[inline]
    fn ignores_queue(&self, n: u32) -> bool {
        self.waiting() == 0 || n == 0 || n > self.burst
    }

    /// Whether `permits`, of one call or of several, can all be granted now. The instant of a refusal is exact up to the
    /// burst, and beyond it the earliest possible, perhaps now.
    fn earliest(&self, permits: u64, now: Nanos) -> Result<(), Denied> {
        match u32::try_from(permits) {
            Ok(permits) if permits <= self.burst => return self.limiter.peek_n(permits),
            _ => {}
        }
        let burst = self.limiter.peek_n(self.burst).err();
        let mut denied = burst.unwrap_or(Denied::new(now, 0, Some(now), self.burst));
        for (i, quota) in self.limiter.policy().quotas().iter().enumerate() {
            // No limiter of this crate grants more than twice a quota's limit at once; the rest comes at its rate.
            let limit = u64::from(quota.limit());
            let rest = u128::from(permits.saturating_sub(2 * limit));
            let nanos = rest * quota.window().as_nanos() / u128::from(limit);
            let after = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
            let at = now.saturating_add(after);
            if denied.retry_at().is_some_and(|earlier| earlier < at) {
                denied = Denied::new(now, i, Some(at), self.burst);
            }
        }
        Err(denied)
    }

    /// Grants beside the queue, if all who are present and this call can be granted now: then nobody is delayed.
    #[cold]
    fn beside_queue(&self, n: u32) -> Result<Grant<'_>, Denied> {
        self.beside(n, |limiter| limiter.try_grant_n(n))
    }

    /// What a call beside the queue would be answered now. It looks after the head as such a call does: otherwise a head
    /// that does not come would refuse it for ever.
    #[cold]
    fn peek_beside_queue(&self, n: u32) -> Result<(), Denied> {
        self.beside(n, |limiter| limiter.peek_n(n))
    }

    fn beside<'a, R>(
        &'a self,
        n: u32,
        decide: impl FnOnce(&'a RateLimiter<A, C>) -> Result<R, Denied>,
    ) -> Result<R, Denied> {
        let now = self.now();
        let mut calls = Calls::default();
        let mut queue = self.queue();
        queue.look(BEHIND_ALL, now, &mut calls);
        let before = queue.permits();
        if before > 0 {
            self.earliest(before + u64::from(n), now).map_err(|denied| match denied.retry_at() {
                // The permits may be there while those who wait have not come for them yet.
                Some(at) if at <= now => {
                    Denied::new(now, denied.quota(), Some(now.saturating_add(GRACE)), self.burst)
                }
                _ => denied,
            })?;
        }
        decide(&self.limiter)
    }

    /// Takes a place at the end of the queue, written to `place`, unless it is known at once that nothing will come
    /// of it.
    pub(super) fn join(
        &self,
        place: &mut Option<Place>,
        n: u32,
        deadline: Nanos,
        bound: usize,
        waker: &core::task::Waker,
    ) -> Turn<'_> {
        let mut calls = Calls::for_waiter(waker);
        let now = self.now();
        let mut queue = self.queue();
        queue.look(BEHIND_ALL, now, &mut calls);
        if queue.present() >= bound {
            // Nobody is delayed if all who are present and this call can be granted now.
            let now_or_never = self.earliest(queue.permits() + u64::from(n), now);
            let granted = now_or_never.and_then(|()| self.limiter.try_grant_n(n));
            return Turn::Done(granted.map_err(|_| AcquireError::Full { bound }));
        }
        let mut promised = now;
        if queue.permits() > 0 {
            if let Err(denied) = self.earliest(queue.permits() + u64::from(n), now) {
                if let Some(error) = AcquireError::for_good(denied, deadline) {
                    return Turn::Done(Err(error));
                }
                promised = denied.retry_at().unwrap_or(now);
            }
        }
        let ticket = queue.join(n, now);
        let place = place.insert(Place { ticket, joined: now, promised, look: Nanos::ZERO });
        self.run(&mut queue, place, n, deadline, now, &mut calls)
    }

    /// The turn of a waiter that was woken, or polled for any other reason.
    pub(super) fn turn(
        &self,
        place: &mut Place,
        n: u32,
        deadline: Nanos,
        waker: &core::task::Waker,
    ) -> Turn<'_> {
        let mut calls = Calls::for_waiter(waker);
        let now = self.now();
        let mut queue = self.queue();
        queue.come(place.ticket, now);
        self.run(&mut queue, place, n, deadline, now, &mut calls)
    }

    fn run(
        &self,
        queue: &mut Queue,
        place: &mut Place,
        n: u32,
        deadline: Nanos,
        now: Nanos,
        calls: &mut Calls,
    ) -> Turn<'_> {
        let late = queue.look(place.ticket, now, calls);
        let result = if queue.head() == Some(place.ticket) {
            match self.limiter.try_grant_n(n) {
                Ok(grant) => Ok(grant),
                Err(denied) => match AcquireError::until(denied, deadline) {
                    Ok(until) => {
                        queue.sleep(place.ticket, until, calls);
                        self.count(queue);
                        return Turn::Wait(until);
                    }
                    Err(error) => Err(error),
                },
            }
        } else if now > deadline {
            let denied = self.limiter.peek_n(n).err();
            let at_once = || Denied::new(now, 0, Some(now.saturating_add(GRACE)), self.burst);
            Err(AcquireError::TooLate(denied.unwrap_or_else(at_once)))
        } else {
            place.joined = place.joined.max(queue.anew());
            let look = place.next_look(now, late, queue.head_is_late_at());
            // An instant equal to the deadline is in time.
            let until = look.min(deadline.saturating_add(Duration::from_nanos(1)));
            queue.sleep(place.ticket, until, calls);
            self.count(queue);
            return Turn::Wait(until);
        };
        queue.leave(place.ticket, now, calls);
        self.count(queue);
        Turn::Done(result)
    }

    fn count(&self, queue: &Queue) {
        self.waiting.store(queue.len(), Ordering::Relaxed); // W
    }

    /// Gives up a place in the queue.
    #[cold]
    pub(super) fn leave(&self, place: &Place) {
        let mut calls = Calls::default();
        let now = self.now();
        let mut queue = self.queue();
        queue.leave(place.ticket, now, &mut calls);
        self.count(&queue);
    }

    /// Calls the head, which can perhaps go earlier now.
    pub(super) fn call_head(&self) {
        let mut calls = Calls::default();
        let now = self.now();
        self.queue().call_head(now, &mut calls);
    }

    /// Calls everybody: the head comes earlier now, and so must those who look after it.
    pub(super) fn call_all(&self) {
        let mut calls = Calls::default();
        let now = self.now();
        self.queue().call_all(now, &mut calls);
    }
}
