//! One wait for permits, by a task or by a thread.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use super::FairLimiter;
use super::error::AcquireError;
use super::line::{Ticket, Waiter};
use super::permit::Permit;
use super::shared::Turn;
use super::timer::{Alarm, NoTimer, Timer};
use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::decision::Grant;
use crate::nanos::Nanos;
use crate::sync::{Thread, current, park, park_timeout};

/// A wait for permits, from [`FairLimiter::acquire`]: await it, or [`wait`](Acquire::wait) for it.
///
/// It takes its place in the line when it is first polled, and gives it up when it is dropped: wherever that
/// happens, nothing was charged, and the next is woken if it was its turn. Polled after it has ended, it begins anew.
#[must_use = "nothing is acquired until it is awaited, or waited for"]
pub struct Acquire<'a, A: Algorithm, C: Clock, T: Alarm = NoTimer> {
    limiter: &'a FairLimiter<A, C, T>,
    n: u32,
    /// [`Nanos::MAX`] if there is none.
    deadline: Nanos,
    ticket: Option<Ticket>,
    /// Until the deadline; only of a task that has one and is not the head.
    until: Option<T::Sleep>,
}

impl<'a, A: Algorithm, C: Clock, T: Alarm> Acquire<'a, A, C, T> {
    pub(super) fn new(limiter: &'a FairLimiter<A, C, T>, n: u32) -> Self {
        Acquire { limiter, n, deadline: Nanos::MAX, ticket: None, until: None }
    }

    /// Waits no longer than until `deadline`, by the limiter's clock. Of several deadlines the earliest holds.
    ///
    /// It is checked before anything else: if the promised instant lies past it, the call is refused at once, with
    /// that instant. An instant equal to the deadline is in time, and a permit that can be had is granted even
    /// if the deadline has passed: it ends the waiting, not the call.
    pub fn by(mut self, deadline: Nanos) -> Self {
        self.deadline = self.deadline.min(deadline);
        self
    }

    /// As [`by`](Acquire::by), `timeout` after this is called: no retry and no poll starts it anew.
    pub fn within(self, timeout: Duration) -> Self {
        let deadline = self.limiter.clock().now().saturating_add(timeout);
        self.by(deadline)
    }

    /// Blocks the thread until there is a permit, in the same line as the tasks. For a thread that has no task to run:
    /// not in async code.
    ///
    /// # Errors
    ///
    /// As [`FairLimiter::acquire_n`].
    pub fn wait(mut self) -> Result<Permit<'a, A, C, T>, AcquireError> {
        if let Some(result) = self.at_once() {
            return result;
        }
        let waker = Waker::from(Arc::new(Unpark(current())));
        loop {
            match self.turn(true, &waker) {
                Turn::Done(result) => return self.granted(result),
                Turn::Wait(None) => park(),
                Turn::Wait(Some(at)) => {
                    park_timeout(at.saturating_duration_since(self.limiter.clock().now()));
                }
            }
        }
    }

    /// The answer of a limiter before which nobody waits, if there is one.
    fn at_once(&self) -> Option<Result<Permit<'a, A, C, T>, AcquireError>> {
        if self.ticket.is_some() {
            return None;
        }
        match self.limiter.shared.without_line(self.n)? {
            Ok(grant) => Some(self.granted(Ok(grant))),
            Err(denied) => AcquireError::for_good(denied, self.deadline).map(Err),
        }
    }

    fn granted(&self, result: Result<Grant<'a>, AcquireError>) -> Result<Permit<'a, A, C, T>, AcquireError> {
        let shared = &*self.limiter.shared;
        result.map(|grant| Permit { shared, grant })
    }

    /// Joins the line, or has a turn in it.
    fn turn(&mut self, blocking: bool, waker: &Waker) -> Turn<'a> {
        let FairLimiter { shared, bound } = self.limiter;
        let turn = if let Some(ticket) = self.ticket {
            shared.turn(ticket, blocking, self.deadline, waker)
        } else {
            let waiter = Waiter { n: self.n, blocking, deadline: self.deadline, waker: waker.clone() };
            shared.join(&mut self.ticket, waiter, *bound)
        };
        if matches!(turn, Turn::Done(_)) {
            self.ticket = None;
        }
        turn
    }
}

impl<'a, A: Algorithm, C: Clock, T: Timer> Future for Acquire<'a, A, C, T> {
    type Output = Result<Permit<'a, A, C, T>, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(result) = this.at_once() {
            return Poll::Ready(result);
        }
        match this.turn(false, context.waker()) {
            Turn::Done(result) => {
                this.until = None;
                return Poll::Ready(this.granted(result));
            }
            Turn::Wait(None) => this.until = None,
            Turn::Wait(Some(deadline)) => {
                let after = deadline.saturating_duration_since(this.limiter.clock().now());
                if this.limiter.shared.timer.arm(&mut this.until, after, context.waker()).is_ready() {
                    context.waker().wake_by_ref();
                }
            }
        }
        Poll::Pending
    }
}

/// Whatever the reason: a deadline, a `select`, an abort, a panic.
impl<A: Algorithm, C: Clock, T: Alarm> Drop for Acquire<'_, A, C, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.limiter.shared.leave(ticket);
        }
    }
}

impl<A: Algorithm, C: Clock, T: Alarm> fmt::Debug for Acquire<'_, A, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire")
            .field("n", &self.n)
            .field("deadline", &Some(self.deadline).filter(|&at| at < Nanos::MAX))
            .field("waits", &self.ticket.is_some())
            .finish_non_exhaustive()
    }
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
