//! Who waits, in order of arrival: plain data, behind the lock of [`Shared`](super::shared::Shared).

use alloc::collections::BTreeMap;
use core::task::Waker;

use crate::nanos::Nanos;

/// A place in the line. Tickets are never used twice; 2^64 of them last.
pub(super) type Ticket = u64;

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) n: u32,
    /// A thread, which parks until its own time when it is the head; else a task, which the alarm wakes.
    pub(super) blocking: bool,
    /// [`Nanos::MAX`] if there is none.
    pub(super) deadline: Nanos,
    pub(super) waker: Waker,
}

#[derive(Debug)]
pub(super) struct Line<S> {
    /// A tree, for who leaves from the middle leaves nothing behind.
    waiters: BTreeMap<Ticket, Waiter>,
    last: Ticket,
    /// The permits that all waiters together wait for.
    permits: u64,
    /// The one sleep, kept while anybody waits. It wakes the head, or somebody who was the head when it was armed.
    pub(super) alarm: Option<S>,
}

impl<S> Line<S> {
    pub(super) const fn new() -> Line<S> {
        Line { waiters: BTreeMap::new(), last: 0, permits: 0, alarm: None }
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    pub(super) fn permits(&self) -> u64 {
        self.permits
    }

    /// The permits that those before `ticket` wait for, counted until they are more than `enough`.
    pub(super) fn permits_before(&self, ticket: Ticket, enough: u32) -> u64 {
        let mut permits = 0;
        for (_, waiter) in self.waiters.range(..ticket) {
            permits += u64::from(waiter.n);
            if permits > u64::from(enough) {
                break;
            }
        }
        permits
    }

    pub(super) fn join(&mut self, waiter: Waiter) -> Ticket {
        self.last += 1;
        self.permits += u64::from(waiter.n);
        self.waiters.insert(self.last, waiter);
        self.last
    }

    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        self.permits -= u64::from(waiter.n);
        Some(waiter)
    }

    pub(super) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Waiter> {
        self.waiters.get_mut(&ticket)
    }

    pub(super) fn is_head(&self, ticket: Ticket) -> bool {
        self.waiters.first_key_value().is_some_and(|(&head, _)| head == ticket)
    }

    /// The alarm, if nobody sleeps by it: to be dropped outside of the lock, with the waker that it holds.
    pub(super) fn idle_alarm(&mut self) -> Option<S> {
        let sleeps = self.waiters.first_key_value().is_some_and(|(_, head)| !head.blocking);
        if sleeps { None } else { self.alarm.take() }
    }

    /// The head, and the alarm that is to wake it.
    pub(super) fn head(&mut self) -> Option<(&Waiter, &mut Option<S>)> {
        let (_, head) = self.waiters.first_key_value()?;
        Some((head, &mut self.alarm))
    }
}
