//! The clock grid of the sliding log, worked out again from its documentation.

use super::{Rule, burst};

/// A grid of `tick` nanoseconds that ends at the instant `end`: time stands still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    pub tick: u128,
    pub end: u128,
}

impl Grid {
    /// Nanoseconds, all that a `u64` can tell.
    pub const NANOSECONDS: Grid = Grid { tick: 1, end: u64::MAX as u128 };

    /// The grid of a log: a slot is 64 bits, of which one is the lap and as many as hold the smallest limit are
    /// the run; the rest is the stamp. The grid is the finest power of two that lasts 36 years (2^60 ns) and
    /// four of the longest window. If its tick is then longer than 1/32768 of the shortest window (but no shorter
    /// than 1 ns), the largest power of two that is not, provided that it still lasts 416 days (2^55 ns) and four of
    /// the longest window.
    pub fn of_log(rules: &[Rule]) -> Option<Grid> {
        let mut stamps = 1_u128 << 63;
        let mut run = 1;
        while run < u128::from(burst(rules)) {
            run *= 2;
            stamps /= 2;
        }
        let longest = rules.iter().map(|rule| u128::from(rule.window)).max().unwrap();
        let shortest = rules.iter().map(|rule| u128::from(rule.window)).min().unwrap();
        let all = 1_u128 << 64;
        let lasts = |tick: u128, least: u128| {
            let reach = stamps * tick;
            reach >= least && (reach > 4 * longest || reach >= all)
        };
        let mut tick = 1;
        while !lasts(tick, 1 << 60) {
            tick *= 2;
        }
        while tick > 1 && tick * 32_768 > shortest {
            tick /= 2;
        }
        let end = (stamps * tick).min(all) - tick;
        lasts(tick, 1 << 55).then_some(Grid { tick, end })
    }

    /// The last grid point not after `instant`.
    pub fn floor(self, instant: u64) -> u128 {
        (u128::from(instant) / self.tick * self.tick).min(self.end)
    }

    /// The first grid point not before `instant`.
    pub fn ceil(self, instant: u64) -> u128 {
        self.span(instant).min(self.end)
    }

    /// The first multiple of the tick that is not below `span`.
    pub fn span(self, span: u64) -> u128 {
        u128::from(span).div_ceil(self.tick) * self.tick
    }
}
