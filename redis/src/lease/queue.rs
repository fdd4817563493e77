//! Who waits on this node, in order of arrival: plain data behind a lock. The node's task serves it.
//!
//! The task hands permits to the first that waits, whether that one is polled or not. So nobody waits for a future that nobody
//! polls. What it is handed is good for the life of a lease only; if it comes later, it takes its old place again. A future
//! that is dropped leaves the queue. Permits that it was handed and did not take are used up.

use std::collections::BTreeMap;

use tokio::sync::oneshot;
use tollgate::Nanos;

use super::account::{Account, Fallback};
use super::node::Waiting;
use super::reading::Reading;
use super::refused::Refused;

/// A place in the queue. Tickets are never used twice.
pub(crate) type Ticket = u64;

/// What a waiter gets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handed {
    /// Its permits, which may be used before this instant and before the clock jumps.
    Permits {
        until: Nanos,
        jumps: u64,
    },
    Refused(Refused),
}

#[derive(Debug)]
struct Waiter {
    n: u32,
    /// The instant at which its permits must be there.
    deadline: Nanos,
    sender: oneshot::Sender<Handed>,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiters: BTreeMap<Ticket, Waiter>,
    last: Ticket,
    permits: u64,
    /// Nobody serves it any more.
    closed: bool,
}

/// What is told to waiters when the lock is free: this wakes them, and that is code of others.
#[derive(Debug, Default)]
pub(crate) struct Told(Vec<(oneshot::Sender<Handed>, Handed)>);

impl Told {
    pub(crate) fn tell(self) {
        for (sender, handed) in self.0 {
            // Whoever is gone by now has used its permits.
            _ = sender.send(handed);
        }
    }
}

impl Queue {
    /// A place at the end, or the one of this `ticket`. `None` if nobody serves the queue.
    pub(crate) fn join(
        &mut self,
        ticket: Option<Ticket>,
        n: u32,
        deadline: Nanos,
    ) -> Option<(Ticket, oneshot::Receiver<Handed>)> {
        if self.closed {
            return None;
        }
        let ticket = ticket.unwrap_or_else(|| {
            self.last += 1;
            self.last
        });
        let (sender, receiver) = oneshot::channel();
        self.leave(ticket);
        self.waiters.insert(ticket, Waiter { n, deadline, sender });
        self.permits += u64::from(n);
        Some((ticket, receiver))
    }

    /// Whether it still waited.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> bool {
        let left = self.waiters.remove(&ticket);
        self.permits -= left.as_ref().map_or(0, |waiter| u64::from(waiter.n));
        left.is_some()
    }

    /// Nobody serves it any more: whoever waits is told so by the end of its channel.
    pub(crate) fn close(&mut self) -> impl Sized + use<> {
        self.closed = true;
        self.permits = 0;
        std::mem::take(&mut self.waiters)
    }

    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    pub(crate) fn permits(&self) -> u64 {
        self.permits
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let first = self.waiters.first_key_value().map_or(0, |(_, waiter)| waiter.n);
        Waiting { first, all: self.permits }
    }

    /// Hands out what is here, in order, and refuses whoever cannot be served in time. If those who wait are served by this node's
    /// share, the answer is when the first of them can be.
    pub(crate) fn serve(&mut self, account: &Account, now: Reading, told: &mut Told) -> Option<Nanos> {
        let mut share_ready = None;
        while let Some(first) = self.waiters.first_entry() {
            let n = first.get().n;
            let handed = if let Some(taken) = account.held.take(now, n) {
                Handed::Permits { until: taken.lease.expires(), jumps: now.jumps }
            } else if let Some(until) = account.board.away() {
                match &account.fallback {
                    Fallback::Refuse => Handed::Refused(Account::away(until)),
                    Fallback::Allow => {
                        account.counters.add_allowed(n);
                        without_lease(account, now)
                    }
                    Fallback::Share(share) => match account.take_share(share, now, n) {
                        Ok(()) => without_lease(account, now),
                        Err(None) => Handed::Refused(account.never_of_share(share, now)),
                        Err(Some(ready)) => {
                            share_ready = Some(ready);
                            break;
                        }
                    },
                }
            } else {
                break;
            };
            self.permits -= u64::from(n);
            told.0.push((first.remove().sender, handed));
        }
        self.refuse_late(account, now, share_ready, told);
        share_ready
    }

    /// Refuses whoever would be served after its deadline, if all before it take their permits.
    fn refuse_late(&mut self, account: &Account, now: Reading, share_ready: Option<Nanos>, told: &mut Told) {
        let mut before = 0;
        let mut late = Vec::new();
        for (&ticket, waiter) in &self.waiters {
            let permits = before + u64::from(waiter.n);
            if waiter.deadline < Nanos::MAX {
                let ready = match (&account.fallback, share_ready) {
                    (Fallback::Share(share), Some(_)) => share.ready(now.at, permits),
                    _ => account.ready(now.at, permits),
                };
                if ready > waiter.deadline && ready > now.at {
                    late.push((ticket, ready));
                    continue;
                }
            }
            before = permits;
        }
        for (ticket, ready) in late {
            if let Some(waiter) = self.waiters.remove(&ticket) {
                self.permits -= u64::from(waiter.n);
                told.0.push((waiter.sender, Handed::Refused(account.denied(now, ready))));
            }
        }
    }
}

/// Permits that are of no lease are held no longer than those of one.
fn without_lease(account: &Account, now: Reading) -> Handed {
    let until = Nanos::from_nanos(now.at.as_nanos().saturating_add(account.terms.usable));
    Handed::Permits { until, jumps: now.jumps }
}
