//! In which steps does a table count time, and what is a plan in such steps?
//!
//! A tick is `2^shift` nanoseconds. `now` is rounded down to a tick. An interval is rounded up, and **one tick is added**:
//! this makes up for `now`. Let `k` permits lie in a window of length `P`, the first at `s` and the last at `t`. The
//! table granted the last, so `(k - b) * interval <= floor(t) - floor(s) < t - s + tick`. The interval is at least
//! `T + tick`, so `(k - b) * T < P` holds as for the plan itself. (Stamps rounded up would do the same, but then a
//! full bucket would grant its last permit one tick late.)

use core::time::Duration;

use super::error::KeyedError;
use super::plan::KeyPlan;
use super::table::Layout;
use crate::algorithm::Plan;
use crate::nanos::{Nanos, saturating_nanos};

/// Every word lasts at least so long: 365 days in nanoseconds.
const YEAR: u64 = 365 * 86_400 * 1_000_000_000;
/// 2^60 ns are 36 years: what a word lasts where the plan allows it.
const WANTED_BITS: u32 = 60;
/// Two ticks for each interval are less than 1e-4 of it, and leave room for how a plan rounds its own.
const TICKS_PER_INTERVAL: u64 = 25_000;
const IDENTITY_BITS: core::ops::RangeInclusive<u32> = 12..=16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Grid {
    pub(super) layout: Layout,
    shift: u32,
}

/// A plan in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ticks {
    /// One permit comes back per so many ticks.
    pub(super) interval: u64,
    /// `burst * interval`.
    pub(super) span: u64,
    /// The last tick: later instants count as this one, so that `last + span` fits into a word.
    pub(super) last: u64,
}

impl Grid {
    /// The finest grid on which a word lasts 36 years. Where the plan needs a finer one, the coarsest that it can use,
    /// with as many bits of identity as leave a year.
    pub(super) fn choose(plan: &Plan) -> Result<Grid, KeyedError> {
        let interval = interval(plan);
        let shift_of = |ticks: u64| ticks.checked_ilog2();
        let coarsest = shift_of(interval / TICKS_PER_INTERVAL).ok_or_else(|| Grid::finest().refusal(plan))?;
        let span = interval.saturating_mul(plan.burst().into());
        let wanted = (u64::BITS - span.leading_zeros() + 2).clamp(WANTED_BITS, u64::BITS);
        let grids = IDENTITY_BITS.rev().map(|bits| Grid {
            layout: Layout::new(bits),
            shift: (wanted - (u64::BITS - bits)).min(coarsest),
        });
        let mut lasting = grids.filter(|grid| grid.ticks(interval, plan.burst()).is_some());
        lasting.next().ok_or_else(|| Grid::finest().refusal(plan))
    }

    /// Why this grid does not keep the plan.
    fn refusal(self, plan: &Plan) -> KeyedError {
        let (interval, least) = (plan.interval(), self.least());
        if interval < least {
            KeyedError::TooFine { interval, least }
        } else {
            KeyedError::TooLong { interval, burst: plan.burst() }
        }
    }

    /// 8 ns, in words that last 416 days.
    fn finest() -> Grid {
        Grid { layout: Layout::new(*IDENTITY_BITS.start()), shift: 3 }
    }

    /// The shortest interval that this grid keeps to 1e-4.
    pub(super) fn least(self) -> Duration {
        Duration::from_nanos(TICKS_PER_INTERVAL << self.shift)
    }

    /// The plan on this grid, if the grid keeps it to 1e-4 and lasts a year.
    pub(super) fn fit(self, plan: &Plan) -> Result<Ticks, KeyedError> {
        let ticks = self.ticks(interval(plan), plan.burst());
        ticks.filter(|_| plan.interval() >= self.least()).ok_or_else(|| self.refusal(plan))
    }

    /// `None` if the word would not last a year.
    fn ticks(self, interval: u64, burst: u32) -> Option<Ticks> {
        let ticks = interval.div_ceil(self.tick()) + 1;
        let span = ticks.checked_mul(burst.into())?;
        let last = self.layout.last().checked_sub(span)?;
        (self.nanos(last) >= YEAR).then_some(Ticks { interval: ticks, span, last })
    }

    /// A plan that was fitted to another grid. It may become stricter here, and never looser. `None` if this grid would not
    /// last a year with it.
    #[cold]
    pub(super) fn refit(self, plan: &KeyPlan) -> Option<Ticks> {
        self.ticks(plan.interval, plan.burst)
    }

    /// The tick at or before `now`.
    #[inline]
    pub(super) fn floor(self, now: Nanos) -> u64 {
        now.as_nanos() >> self.shift
    }

    /// The instant of `tick`, or `None` if `tick` is after the last one, for then the table never gets there.
    #[inline]
    pub(super) fn instant(self, tick: u64, last: u64) -> Option<Nanos> {
        (tick <= last).then(|| Nanos::from_nanos(self.nanos(tick)))
    }

    pub(super) fn tick(self) -> u64 {
        1 << self.shift
    }

    /// Saturating: the last tick of some grids is the last nanosecond.
    fn nanos(self, tick: u64) -> u64 {
        tick.saturating_mul(self.tick())
    }
}

pub(super) fn interval(plan: &Plan) -> u64 {
    saturating_nanos(plan.interval())
}
