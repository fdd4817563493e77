//! A plan in the steps of one table.

use super::grid::{Grid, Ticks, interval};
use super::table::Price;
use crate::algorithm::Plan;
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;

/// A [`Plan`] made ready for the calls to one table, by [`KeyedTable::fit`](super::KeyedTable::fit).
///
/// A table keeps for each key only when its bucket will be full, so keys of different plans live in one table, and plans
/// may come and go at run time. What was granted before a key changed its plan keeps its old price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyPlan {
    pub(super) grid: Grid,
    pub(super) ticks: Ticks,
    /// In nanoseconds.
    pub(super) interval: u64,
    pub(super) burst: u32,
    quota: u8,
}

impl KeyPlan {
    #[expect(clippy::cast_possible_truncation, reason = "a policy holds at most 8 quotas")]
    pub(super) fn new(plan: &Plan, grid: Grid, ticks: Ticks) -> KeyPlan {
        KeyPlan { grid, ticks, interval: interval(plan), burst: plan.burst(), quota: plan.binding() as u8 }
    }

    /// The most permits that one call is granted.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// The same plan on another table's grid.
    #[cold]
    pub(super) fn moved(&self, grid: Grid) -> Option<KeyPlan> {
        grid.refit(self).map(|ticks| KeyPlan { grid, ticks, ..*self })
    }

    /// The tick of `now`, at most the last.
    #[inline]
    pub(super) fn now(&self, now: Nanos) -> u64 {
        self.grid.floor(now).min(self.ticks.last)
    }

    /// `None` if so many are never granted at once.
    #[inline]
    pub(super) fn price(&self, n: u32) -> Option<Price> {
        let cost = self.ticks.interval.wrapping_mul(n.into());
        (n <= self.burst).then(|| Price { cost, slack: self.ticks.span - cost })
    }

    /// The refusal of a call that costs `price`, by a bucket that is full at `tat`.
    #[inline(never)]
    pub(super) fn denied(&self, at: Nanos, tat: u64, price: Price) -> Denied {
        let retry = self.grid.instant(tat - price.slack, self.ticks.last);
        Denied::new(at, self.quota.into(), retry, self.burst).by_pace()
    }

    /// The refusal of a call that is never granted.
    #[cold]
    pub(super) fn never(&self, at: Nanos) -> Denied {
        Denied::new(at, self.quota.into(), None, self.burst).by_pace()
    }

    /// What is left where no call is ever granted.
    #[cold]
    pub(super) fn nothing(at: Nanos) -> Status {
        Status::joint(at, QuotaStatus { remaining: 0, next_at: Nanos::MAX, reset_at: Nanos::MAX })
    }

    pub(super) fn status(&self, at: Nanos, tat: u64) -> Status {
        let now = self.now(at);
        let used = tat.saturating_sub(now).div_ceil(self.ticks.interval);
        let remaining = u64::from(self.burst).saturating_sub(used);
        let first = |tick: u64| {
            let instant = if tick <= now { Some(at) } else { self.grid.instant(tick, self.ticks.last) };
            instant.unwrap_or(Nanos::MAX)
        };
        let state = QuotaStatus {
            remaining: u32::try_from(remaining).unwrap_or(self.burst),
            next_at: first(tat.saturating_sub(self.ticks.span - self.ticks.interval)),
            reset_at: first(tat),
        };
        Status::joint(at, state)
    }
}
