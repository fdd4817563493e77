//! The right answers of the strategies that count by full windows, worked out from the list of all grants.

use crate::oracle::{Rule, burst};

/// What the full window before counts for.
#[derive(Clone, Copy)]
pub enum Share {
    None,
    /// The share of it that a sliding window still covers.
    OfTheLast,
}

pub struct Counts {
    rules: Vec<Rule>,
    share: Share,
    /// When each grant took place, and how many permits it was for.
    granted: Vec<(u64, u32)>,
}

impl Counts {
    pub fn new(rules: Vec<Rule>, share: Share) -> Counts {
        Counts { rules, share, granted: Vec::new() }
    }

    pub fn limit(&self, quota: usize) -> u32 {
        self.rules[quota].limit
    }

    /// Time never goes back before a grant.
    fn effective(&self, now: u64) -> u64 {
        self.granted.last().map_or(now, |&(newest, _)| newest.max(now))
    }

    pub fn record(&mut self, now: u64, n: u32) {
        self.granted.push((self.effective(now), n));
    }

    /// The permits of one full window.
    fn in_window(&self, window: u64, number: u64) -> u128 {
        let inside = |&&(at, _): &&(u64, u32)| at / window == number;
        self.granted.iter().filter(inside).map(|&(_, n)| u128::from(n)).sum()
    }

    /// What counts at `now`, in permits times nanoseconds of the window.
    fn counted(&self, rule: Rule, now: u64) -> u128 {
        let (window, now) = (rule.window, self.effective(now));
        let current = self.in_window(window, now / window) * u128::from(window);
        match (self.share, (now / window).checked_sub(1)) {
            (Share::OfTheLast, Some(last)) => {
                current + self.in_window(window, last) * u128::from(window - now % window)
            }
            _ => current,
        }
    }

    pub fn remaining(&self, quota: usize, now: u64) -> u32 {
        let rule = self.rules[quota];
        let room = (u128::from(rule.limit) * u128::from(rule.window)).saturating_sub(self.counted(rule, now));
        u32::try_from(room / u128::from(rule.window)).unwrap()
    }

    /// The first quota that refuses `n`, if any does. `n` beyond all limits is not its matter.
    pub fn refusing(&self, now: u64, n: u32) -> Option<usize> {
        if n == 0 {
            return None;
        }
        assert!(n <= burst(&self.rules), "{n} were granted");
        (0..self.rules.len()).find(|&quota| self.remaining(quota, now) < n)
    }
}
