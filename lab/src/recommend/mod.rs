//! Which limits suit this traffic?
//!
//! For each window alone, the smallest limit under which at most a given share of calls and of callers would have been
//! refused; then one policy of all windows for which the same holds.
//!
//! # What is searched
//!
//! With one permit a call, a larger limit on one window never refuses more calls: of all ways to grant calls within
//! a limit, granting each as soon as it fits grants the most (each grant comes no later than in any other way). A caller
//! has a call refused exactly if it asks for more than the limit in some window. So a binary search finds the smallest
//! limit of one window.
//!
//! For several windows there is no single smallest policy. The search begins with limits that are each the smallest for a
//! part of the share, as large a part as they hold together, and then lowers one limit after another, the longest window
//! first, as far as the shares allow. The outcome is replayed, so it keeps the shares whatever happened on the way.
//!
//! With more than one permit a call, the searches may miss a smaller limit; what they find keeps the shares.

mod demand;
mod share;

use std::time::Duration;

use tollgate::{Policy, PolicyError, Quota};

pub use demand::{Demand, Log, Refused, Rule};
pub use share::Share;

use crate::traffic::Traffic;

/// What may be refused at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Of all calls.
    pub calls: Share,
    /// Of all callers, with at least one call; `None` if that does not matter.
    pub callers: Option<Share>,
}

/// Limits that suit a traffic.
#[derive(Debug)]
pub struct Recommendation {
    /// What was allowed to be refused.
    pub target: Target,
    /// Each window alone.
    pub windows: Vec<Window>,
    /// All windows together. It is `None` if a limit is too large for a policy.
    pub policy: Option<Policy>,
    /// What the policy would refuse.
    pub refused: Refused,
    /// Who would have a call refused by the policy, the most refused first.
    pub hit: Vec<Hit>,
    /// All calls.
    pub calls: u64,
    /// All callers, or limiters if one serves all.
    pub callers: u64,
}

/// One window alone.
#[derive(Debug)]
pub struct Window {
    /// Its length.
    pub window: Duration,
    /// The smallest limit that keeps the target.
    pub limit: u64,
    /// What that limit would refuse.
    pub refused: Refused,
    /// The most that any caller asks for: with this limit nobody is refused.
    pub peak: u64,
    /// What other limits would refuse, the smallest limit first; the limit, the one below it and the peak are
    /// among them.
    pub curve: Vec<(u64, Refused)>,
}

/// A caller that would have a call refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Counted from 0 in order of appearance.
    pub caller: usize,
    /// Its calls.
    pub calls: u64,
    /// Those that would be refused.
    pub refused: u64,
    /// The most that it asks for in each window.
    pub peaks: Vec<u64>,
}

impl Recommendation {
    /// Looks for limits on `windows`.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if the windows cannot stand in one policy: none, more than eight, equal ones.
    pub fn new(
        traffic: &Traffic,
        windows: &[Duration],
        target: Target,
    ) -> Result<Recommendation, PolicyError> {
        let quotas: Vec<Quota> = windows.iter().map(|&window| Quota::new(1, window)).collect();
        Policy::new(&quotas)?;
        let demand = Demand::new(traffic, windows);
        let search = Search { demand: &demand, target };
        let alone = (0..windows.len()).map(|window| {
            let limit = search.alone(window, target);
            Window {
                window: windows[window],
                limit,
                refused: search.only(window, limit),
                peak: demand.highest(window),
                curve: search.curve(window, limit),
            }
        });
        let alone: Vec<Window> = alone.collect();
        let limits = search.together(&alone);
        let quotas: Option<Vec<Quota>> = windows
            .iter()
            .zip(&limits)
            .map(|(&window, &limit)| Some(Quota::new(u32::try_from(limit?).ok()?, window)))
            .collect();
        Ok(Recommendation {
            target,
            windows: alone,
            policy: quotas.and_then(|quotas| Policy::new(&quotas).ok()),
            refused: demand.refused(&limits),
            hit: search.hit(&limits),
            calls: demand.calls(),
            callers: demand.callers() as u64,
        })
    }
}

struct Search<'a> {
    demand: &'a Demand<'a>,
    target: Target,
}

/// In how many parts the share is cut to find where all windows together begin.
const PARTS: u64 = 64;

/// How many points a curve has, about.
const POINTS: u32 = 14;

impl Search<'_> {
    /// Limits of which only that of one window is set.
    fn only_limit(&self, window: usize, limit: u64) -> Vec<Option<u64>> {
        (0..self.demand.windows().len()).map(|other| (other == window).then_some(limit)).collect()
    }

    fn only(&self, window: usize, limit: u64) -> Refused {
        self.demand.refused(&self.only_limit(window, limit))
    }

    fn keeps(&self, target: Target, limits: &[Option<u64>]) -> bool {
        // The callers are counted without a replay.
        let callers = self.demand.callers() as u64;
        target.callers.is_none_or(|share| share.allows(self.demand.callers_refused(limits), callers))
            && target.calls.allows(self.demand.refused(limits).calls, self.demand.calls())
    }

    /// The smallest limit of one window alone.
    fn alone(&self, window: usize, target: Target) -> u64 {
        let highest = self.demand.highest(window).max(1);
        smallest(1, highest, |limit| self.keeps(target, &self.only_limit(window, limit)))
    }

    /// Limits of all windows together.
    fn together(&self, alone: &[Window]) -> Vec<Option<u64>> {
        let part = |parts: u64| Target {
            calls: self.target.calls.part(parts, PARTS),
            callers: self.target.callers.map(|share| share.part(parts, PARTS)),
        };
        let limits = |less: u64| -> Vec<Option<u64>> {
            if less == 0 {
                return alone.iter().map(|window| Some(window.limit)).collect();
            }
            (0..alone.len()).map(|window| Some(self.alone(window, part(PARTS - less)))).collect()
        };
        // With no part of the share at all nobody is refused, which always holds.
        let less = smallest(0, PARTS, |less| self.keeps(self.target, &limits(less)));
        let mut limits = limits(less);
        let mut order: Vec<usize> = (0..alone.len()).collect();
        order.sort_by_key(|&window| std::cmp::Reverse(alone[window].window));
        for window in order {
            let Some(now) = limits[window] else { continue };
            let lowest = smallest(alone[window].limit.min(now), now, |limit| {
                let mut lower = limits.clone();
                lower[window] = Some(limit);
                self.keeps(self.target, &lower)
            });
            limits[window] = Some(lowest);
        }
        limits
    }

    /// Limits from 1 to the peak, denser where they are small. The one below `limit` is among them: it is not enough.
    fn curve(&self, window: usize, limit: u64) -> Vec<(u64, Refused)> {
        let peak = self.demand.highest(window).max(1);
        let mut limits: Vec<u64> = (0..=POINTS).map(|point| round(power(peak, point, POINTS))).collect();
        limits.extend([limit - 1, limit, peak]);
        limits.retain(|&it| (1..=peak).contains(&it));
        limits.sort_unstable();
        limits.dedup();
        limits.into_iter().map(|limit| (limit, self.only(window, limit))).collect()
    }

    fn hit(&self, limits: &[Option<u64>]) -> Vec<Hit> {
        let mut log = Log::default();
        let hit = (0..self.demand.callers()).filter_map(|caller| {
            let refused = self.demand.refused_to(caller, limits, &mut log);
            let peaks = (0..limits.len()).map(|window| self.demand.peak(caller, window));
            let hit = || Hit { caller, calls: self.demand.calls_of(caller), refused, peaks: peaks.collect() };
            (refused > 0).then(hit)
        });
        let mut hit: Vec<Hit> = hit.collect();
        hit.sort_by_key(|hit| (std::cmp::Reverse(hit.refused), hit.caller));
        hit
    }
}

/// The first number from `low` to `high` that `holds`, if all after one that does do too; `high` is taken to hold.
fn smallest(mut low: u64, mut high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// `whole` to the power of `point / points`, rounded.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place on an axis"
)]
fn power(whole: u64, point: u32, points: u32) -> u64 {
    (whole as f64).powf(f64::from(point) / f64::from(points)).round() as u64
}

/// To two digits.
fn round(number: u64) -> u64 {
    let unit = 10_u64.pow(number.max(1).ilog10().saturating_sub(1));
    (number + unit / 2) / unit * unit
}
