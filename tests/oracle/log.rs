//! The exact rule: the list of all permits ever granted.

use super::{Answer, Grid, Left, Rule, burst, last};

#[derive(Clone, Debug)]
pub struct ExactLog {
    rules: Vec<Rule>,
    grid: Grid,
    /// The instant of each permit; never in falling order.
    pub stamps: Vec<u128>,
}

impl ExactLog {
    pub fn new(rules: &[Rule], grid: Grid) -> ExactLog {
        ExactLog { rules: rules.to_vec(), grid, stamps: Vec::new() }
    }

    /// The permits that count against `rule` at `at`. Stamps in the future of a stale `at` count.
    fn counted(&self, rule: Rule, at: u128) -> usize {
        let window = self.grid.span(rule.window);
        self.stamps.iter().filter(|&&stamp| at < stamp || at - stamp < window).count()
    }

    fn fits(&self, rule: Rule, at: u128, n: u32) -> bool {
        self.counted(rule, at) + n as usize <= rule.limit as usize
    }

    /// Whether every quota still holds if `n` more are granted at `now`.
    pub fn admits(&self, now: u64, n: u32) -> bool {
        self.rules.iter().all(|&rule| self.fits(rule, self.grid.floor(now), n))
    }

    /// Writes `n` permits down at `now`.
    pub fn record(&mut self, now: u64, n: u32) {
        let newest = self.stamps.last().copied().unwrap_or(0);
        let stamp = self.grid.ceil(now).max(newest);
        self.stamps.extend((0..n).map(|_| stamp));
    }

    pub fn call(&mut self, now: u64, n: u32) -> Answer {
        if n == 0 {
            return Answer::Granted;
        }
        let burst = burst(&self.rules);
        if n > burst {
            return Answer::Never { burst };
        }
        if self.admits(now, n) {
            self.record(now, n);
            return Answer::Granted;
        }
        let ready: Vec<u128> = self.rules.iter().map(|&rule| self.ready(rule, n)).collect();
        let (quota, instant) = last(&ready);
        let told = instant <= self.grid.end && instant < u128::from(u64::MAX);
        let retry_at = told.then(|| u64::try_from(instant).unwrap());
        Answer::Denied { quota, retry_at }
    }

    /// The first instant at which `rule` admits `n` more: 0, or when one of the permits leaves its window.
    fn ready(&self, rule: Rule, n: u32) -> u128 {
        let leaves = self.stamps.iter().map(|stamp| stamp + self.grid.span(rule.window));
        [0].into_iter().chain(leaves).find(|&at| self.fits(rule, at, n)).unwrap()
    }

    pub fn left(&self, now: u64) -> Vec<Left> {
        let at = self.grid.floor(now);
        let left = |&rule: &Rule| {
            let used = self.counted(rule, at);
            let reset_at = (used > 0).then(|| self.stamps.last().unwrap() + self.grid.span(rule.window));
            let remaining = rule.limit.saturating_sub(u32::try_from(used).unwrap());
            let next_at = (remaining == 0).then(|| self.ready(rule, 1));
            Left { remaining, next_at, reset_at }
        };
        self.rules.iter().map(left).collect()
    }
}
