//! One wait for permits, by a task or by a thread: what a borrowing future and an owning one have in common.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::fmt;
use core::future::Future;
use core::task::{Context, Poll, Waker};

use super::FairLimiter;
use super::alarm::{Alarm, TooFast};
use super::error::AcquireError;
use super::shared::{Place, Turn};
use super::timer::{AnyTimer, Timer};
use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::decision::Grant;
use crate::nanos::Nanos;
use crate::sync::{Thread, current, park_timeout};

pub(super) struct Waiting<S> {
    n: u32,
    /// [`Nanos::MAX`] if there is none.
    deadline: Nanos,
    place: Option<Place>,
    alarm: Alarm<S>,
}

type Granted<'a> = Result<Grant<'a>, AcquireError>;

impl<S> Waiting<S> {
    pub(super) const fn new(n: u32) -> Waiting<S> {
        Waiting { n, deadline: Nanos::MAX, place: None, alarm: Alarm::new() }
    }

    pub(super) fn by(&mut self, deadline: Nanos) {
        self.deadline = self.deadline.min(deadline);
    }

    /// The answer of a limiter before which nobody waits, if there is one.
    fn at_once<'a, A: Algorithm + ?Sized, C: Clock, T>(
        &self,
        limiter: &'a FairLimiter<A, C, T>,
    ) -> Option<Granted<'a>> {
        if self.place.is_some() {
            return None;
        }
        match limiter.shared.without_queue(self.n)? {
            Ok(grant) => Some(Ok(grant)),
            Err(denied) => AcquireError::for_good(denied, self.deadline).map(Err),
        }
    }

    /// Joins the queue, or has a turn in it.
    fn turn<'a, A: Algorithm + ?Sized, C: Clock, T>(
        &mut self,
        limiter: &'a FairLimiter<A, C, T>,
        waker: &Waker,
    ) -> Turn<'a> {
        let FairLimiter { shared, bound } = limiter;
        let turn = match &mut self.place {
            Some(place) => shared.turn(place, self.n, self.deadline, waker),
            None => shared.join(&mut self.place, self.n, self.deadline, *bound, waker),
        };
        if matches!(turn, Turn::Done(_)) {
            self.place = None;
        }
        turn
    }

    pub(super) fn wait<'a, A, C, T>(&mut self, limiter: &'a FairLimiter<A, C, T>) -> Granted<'a>
    where
        A: Algorithm + ?Sized,
        C: Clock,
        T: AnyTimer<Sleep = S>,
    {
        if let Some(result) = self.at_once(limiter) {
            return result;
        }
        self.alarm.clear(); // of a task that polled before
        let waker = Waker::from(Arc::new(Unpark(current())));
        loop {
            match self.turn(limiter, &waker) {
                Turn::Done(result) => return result,
                Turn::Wait(until) => park_timeout(until.saturating_duration_since(limiter.clock().now())),
            }
        }
    }

    pub(super) fn poll<'a, A, C, T>(
        &mut self,
        limiter: &'a FairLimiter<A, C, T>,
        context: &mut Context<'_>,
    ) -> Poll<Granted<'a>>
    where
        A: Algorithm + ?Sized,
        C: Clock,
        T: Timer<Sleep = S>,
        S: Future<Output = ()> + Unpin,
    {
        if let Some(result) = self.at_once(limiter) {
            return Poll::Ready(result);
        }
        let until = match self.turn(limiter, context.waker()) {
            Turn::Wait(until) => until,
            Turn::Done(result) => {
                self.alarm.clear();
                return Poll::Ready(result);
            }
        };
        match self.alarm.poll(until, &limiter.shared.timer, limiter.clock(), context) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(())) => context.waker().wake_by_ref(),
            Err(TooFast) => {
                self.leave(limiter);
                self.alarm.clear();
                return Poll::Ready(Err(AcquireError::TimerTooFast));
            }
        }
        Poll::Pending
    }

    /// Whatever the reason: a deadline, a `select`, an abort, a panic.
    pub(super) fn leave<A: Algorithm + ?Sized, C: Clock, T>(&mut self, limiter: &FairLimiter<A, C, T>) {
        if let Some(place) = self.place.take() {
            limiter.shared.leave(&place);
        }
    }

    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("n", &self.n)
            .field("deadline", &Some(self.deadline).filter(|&at| at < Nanos::MAX))
            .field("waits", &self.place.is_some())
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
