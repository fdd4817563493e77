//! Who waits, in order of arrival: plain data behind the lock of [`Shared`](super::shared::Shared). Nothing here runs
//! code of others: wakers are only moved, to [`Calls`], which run when the lock is free.

use alloc::collections::BTreeMap;
use core::mem;
use core::task::Waker;
use core::time::Duration;

use super::calls::Calls;
use crate::nanos::Nanos;

/// How long a waiter that was called has to come before others may pass over it: 50 milliseconds.
///
/// A task that is polled comes within the latency of its executor, which is below a millisecond, or some tens of them on
/// a busy one. The grace is longer than that, so that order holds on a busy executor too; and no longer, because a
/// waiter that is not polled delays those behind it by up to two graces.
pub const GRACE: Duration = Duration::from_millis(50);

/// A place in the queue. Tickets are never used twice; 2^64 of them last.
pub(super) type Ticket = u64;

/// A ticket behind all others, for those who look at the queue without waiting in it.
pub(super) const BEHIND_ALL: Ticket = Ticket::MAX;

#[derive(Debug)]
enum State {
    /// Its own alarm rings at `until`, at the latest.
    Sleeps { until: Nanos, waker: Waker },
    /// Its waker was called at this instant, and it has not come yet.
    Called { at: Nanos },
}

#[derive(Debug)]
struct Waiter {
    n: u32,
    state: State,
}

impl Waiter {
    /// When it comes, if it comes.
    fn expected(&self) -> Nanos {
        match self.state {
            State::Sleeps { until, .. } => until,
            State::Called { at } => at,
        }
    }

    fn call(&mut self, now: Nanos, calls: &mut Calls) {
        if matches!(self.state, State::Sleeps { .. }) {
            if let State::Sleeps { waker, .. } = mem::replace(&mut self.state, State::Called { at: now }) {
                calls.call(waker);
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    /// The first of them is the head.
    present: BTreeMap<Ticket, Waiter>,
    /// Those who were passed over: they did not come when they were called. The permits that each waits for.
    passed: BTreeMap<Ticket, u32>,
    last: Ticket,
    /// The permits that all who are present wait for.
    permits: u64,
    /// When all were last called: since then, whoever waits looks after the head as if it had just joined.
    anew: Nanos,
}

impl Queue {
    pub(super) const fn new() -> Queue {
        Queue { present: BTreeMap::new(), passed: BTreeMap::new(), last: 0, permits: 0, anew: Nanos::ZERO }
    }

    pub(super) fn anew(&self) -> Nanos {
        self.anew
    }

    pub(super) fn len(&self) -> usize {
        self.present.len() + self.passed.len()
    }

    /// How many wait and were not passed over.
    pub(super) fn present(&self) -> usize {
        self.present.len()
    }

    pub(super) fn permits(&self) -> u64 {
        self.permits
    }

    pub(super) fn head(&self) -> Option<Ticket> {
        self.present.first_key_value().map(|(&head, _)| head)
    }

    /// When the head is late: a grace after it is expected.
    pub(super) fn head_is_late_at(&self) -> Nanos {
        self.present.first_key_value().map_or(Nanos::MAX, |(_, head)| head.expected().saturating_add(GRACE))
    }

    /// A new waiter, behind all others. It comes at once: its turn follows.
    pub(super) fn join(&mut self, n: u32, now: Nanos) -> Ticket {
        self.last += 1;
        self.enter(self.last, n, now);
        self.last
    }

    fn enter(&mut self, ticket: Ticket, n: u32, now: Nanos) {
        self.permits += u64::from(n);
        self.present.insert(ticket, Waiter { n, state: State::Called { at: now } });
    }

    /// A waiter has come. If it was passed over, it takes its old place.
    pub(super) fn come(&mut self, ticket: Ticket, now: Nanos) {
        if let Some(n) = self.passed.remove(&ticket) {
            self.enter(ticket, n, now);
        }
    }

    /// Looks whether those who are expected at the front have come, on behalf of `finder`, and says if not.
    ///
    /// The waiters at the front who were called a grace ago are passed over. Then all before `finder` are called, so
    /// that several who do not come cost no more time than one.
    pub(super) fn look(&mut self, finder: Ticket, now: Nanos, calls: &mut Calls) -> bool {
        let mut late = false;
        while let Some(head) = self.present.first_entry() {
            if *head.key() >= finder || now < head.get().expected().saturating_add(GRACE) {
                break;
            }
            late = true;
            if matches!(head.get().state, State::Sleeps { .. }) {
                break;
            }
            let (ticket, waiter) = head.remove_entry();
            self.permits -= u64::from(waiter.n);
            self.passed.insert(ticket, waiter.n);
        }
        if late {
            self.call_before(finder, now, calls);
        }
        late
    }

    /// Calls everybody, because the head can go earlier than they know.
    pub(super) fn call_all(&mut self, now: Nanos, calls: &mut Calls) {
        self.anew = self.anew.max(now);
        self.call_before(BEHIND_ALL, now, calls);
    }

    fn call_before(&mut self, finder: Ticket, now: Nanos, calls: &mut Calls) {
        for (_, waiter) in self.present.range_mut(..finder) {
            waiter.call(now, calls);
        }
    }

    /// The waiter sleeps until `until`, or until its waker is called: the spare one of `calls`, which takes the old one.
    pub(super) fn sleep(&mut self, ticket: Ticket, until: Nanos, calls: &mut Calls) {
        let (Some(waiter), Some(waker)) = (self.present.get_mut(&ticket), calls.spare.take()) else { return };
        if let State::Sleeps { waker, .. } = mem::replace(&mut waiter.state, State::Sleeps { until, waker }) {
            calls.spare = Some(waker);
        }
    }

    /// A waiter leaves. If it was the head, the next is called.
    pub(super) fn leave(&mut self, ticket: Ticket, now: Nanos, calls: &mut Calls) {
        let was_head = self.head() == Some(ticket);
        if let Some(waiter) = self.present.remove(&ticket) {
            self.permits -= u64::from(waiter.n);
            if let State::Sleeps { waker, .. } = waiter.state {
                calls.left = Some(waker);
            }
        } else {
            self.passed.remove(&ticket);
        }
        if was_head {
            self.call_head(now, calls);
        }
    }

    /// Calls the head, because it can perhaps go.
    pub(super) fn call_head(&mut self, now: Nanos, calls: &mut Calls) {
        if let Some(mut head) = self.present.first_entry() {
            head.get_mut().call(now, calls);
        }
    }
}
