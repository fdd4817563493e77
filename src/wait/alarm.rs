//! The alarm of one waiting task: its own sleep, polled by itself.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::time::Instant;

use super::timer::Timer;
use crate::clock::Clock;
use crate::nanos::Nanos;

#[derive(Debug)]
pub(super) struct Alarm<S> {
    sleep: Option<S>,
    until: Nanos,
    /// Whether the sleep is over, or is none of this instant: then it is set anew before it is polled.
    over: bool,
    early: Early,
}

/// A timer that does not keep the limiter's time: its sleeps are over at once.
pub(super) struct TooFast;

impl<S> Alarm<S> {
    pub(super) const fn new() -> Alarm<S> {
        Alarm { sleep: None, until: Nanos::ZERO, over: true, early: Early::NONE }
    }

    pub(super) fn clear(&mut self) {
        self.sleep = None;
        self.over = true;
    }

    /// Sets the alarm to `until`, unless it is, and polls it. Ready: look at the clock again.
    pub(super) fn poll<T, C>(
        &mut self,
        until: Nanos,
        timer: &T,
        clock: &C,
        context: &mut Context<'_>,
    ) -> Result<Poll<()>, TooFast>
    where
        T: Timer<Sleep = S>,
        S: Future<Output = ()> + Unpin,
        C: Clock,
    {
        if self.until != until {
            (self.until, self.over, self.early) = (until, true, Early::NONE);
        }
        if !self.over && self.poll_sleep(context)?.is_pending() {
            return Ok(Poll::Pending);
        }
        let after = until.saturating_duration_since(clock.now());
        self.early.ask(after);
        match &mut self.sleep {
            Some(sleep) => timer.reset(sleep, after),
            None => self.sleep = Some(timer.sleep(after)),
        }
        self.over = false;
        self.poll_sleep(context)
    }

    fn poll_sleep(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, TooFast>
    where
        S: Future<Output = ()> + Unpin,
    {
        let Some(sleep) = &mut self.sleep else { return Ok(Poll::Ready(())) };
        if Pin::new(sleep).poll(context).is_pending() {
            return Ok(Poll::Pending);
        }
        self.over = true;
        self.early.count()?;
        Ok(Poll::Ready(()))
    }
}

/// Sleeps in a row, for one instant, that were over before the limiter's clock showed it. A few are no harm. Many, in
/// less real time than was asked for, would keep a processor busy.
#[derive(Debug)]
struct Early {
    times: u32,
    since: Option<Instant>,
    asked: Duration,
}

impl Early {
    const NONE: Early = Early { times: 0, since: None, asked: Duration::ZERO };
    const MOST: u32 = 64;

    fn ask(&mut self, after: Duration) {
        self.asked = self.asked.saturating_add(after);
    }

    fn count(&mut self) -> Result<(), TooFast> {
        let slept = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        if self.since.is_none() {
            (self.since, self.asked) = (Some(Instant::now()), Duration::ZERO);
        }
        self.times += 1;
        if self.times < Early::MOST {
            return Ok(());
        }
        let too_fast = slept < self.asked / 2;
        *self = Early::NONE;
        if too_fast { Err(TooFast) } else { Ok(()) }
    }
}
