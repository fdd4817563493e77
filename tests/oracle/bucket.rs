//! The textbook token bucket per quota, in exact fractions. It keeps a level that rises, not a theoretical arrival time.

use super::{Answer, Left, Rule, burst, last};

#[derive(Clone, Debug)]
pub struct ExactBucket {
    rules: Vec<Rule>,
    /// The instant of the newest grant; the levels are those just after it.
    at: u64,
    /// Tokens times window: a bucket holds `limit * window` and gains `limit` in a nanosecond.
    levels: Vec<i128>,
}

fn wide(value: u64) -> i128 {
    i128::from(value)
}

impl Rule {
    fn full(self) -> i128 {
        i128::from(self.limit) * wide(self.window)
    }
}

impl ExactBucket {
    pub fn new(rules: &[Rule]) -> ExactBucket {
        ExactBucket { rules: rules.to_vec(), at: 0, levels: rules.iter().map(|rule| rule.full()).collect() }
    }

    /// The level of bucket `i` at `now`. Before the newest grant it is what that grant left, less the
    /// tokens that came since `now`: a debt, possibly.
    fn level(&self, i: usize, now: u64) -> i128 {
        let gained = (wide(now) - wide(self.at)) * i128::from(self.rules[i].limit);
        (self.levels[i] + gained).min(self.rules[i].full())
    }

    pub fn admits(&self, now: u64, n: u32) -> bool {
        (0..self.rules.len()).all(|i| self.level(i, now) >= i128::from(n) * wide(self.rules[i].window))
    }

    /// Takes `n` tokens out of every bucket at `now`, whether they are there or not.
    pub fn record(&mut self, now: u64, n: u32) {
        let newest = self.at.max(now);
        for i in 0..self.rules.len() {
            self.levels[i] = self.level(i, newest) - i128::from(n) * wide(self.rules[i].window);
        }
        self.at = newest;
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
        let ready: Vec<u128> = (0..self.rules.len()).map(|i| self.ready(i, n)).collect();
        let (quota, instant) = last(&ready);
        Answer::Denied { quota, retry_at: u64::try_from(instant).ok().filter(|&at| at < u64::MAX) }
    }

    /// The first instant at which bucket `i` holds `n` tokens.
    fn ready(&self, i: usize, n: u32) -> u128 {
        let missing = i128::from(n) * wide(self.rules[i].window) - self.levels[i];
        let limit = i128::from(self.rules[i].limit);
        // Rounded up, for either sign.
        let wait = missing.div_euclid(limit) + i128::from(missing.rem_euclid(limit) != 0);
        u128::try_from(wide(self.at) + wait).unwrap_or(0)
    }

    pub fn left(&self, now: u64) -> Vec<Left> {
        let left = |i: usize| {
            let rule = self.rules[i];
            let level = self.level(i, now);
            let remaining = u32::try_from(level.max(0) / wide(rule.window)).unwrap();
            let next_at = (remaining == 0).then(|| self.ready(i, 1));
            Left { remaining, next_at, reset_at: (level < rule.full()).then(|| self.ready(i, rule.limit)) }
        };
        (0..self.rules.len()).map(left).collect()
    }
}
