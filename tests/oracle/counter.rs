//! The strict sliding-window counter, from its documentation: a list of counts, and a bucket that knows its last instant.

use super::{Answer, Left, Rule};

/// How a counter keeps its rules, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The rule that is counted.
    pub counted: usize,
    /// A window has so many sub-windows of so many nanoseconds.
    pub sub_windows: u128,
    pub sub_window: u128,
    /// The remainder of so many permits counts in the sub-window of the next grant.
    pub unit: u128,
    /// The resolution: `now` is rounded down.
    pub tick: u128,
    /// The bucket of the other rules regains a permit as often.
    pub interval: Option<u128>,
    /// The last tick.
    pub end: u128,
}

#[derive(Clone, Debug)]
pub struct ExactCounter {
    rules: Vec<Rule>,
    shape: Shape,
    /// The permits that count in each sub-window, by its number. The last entry is the newest.
    counts: Vec<(u128, u128)>,
    /// When the bucket is full again.
    full_at: u128,
}

impl ExactCounter {
    pub fn new(rules: &[Rule], shape: Shape) -> ExactCounter {
        ExactCounter { rules: rules.to_vec(), shape, counts: vec![(0, 0)], full_at: 0 }
    }

    fn limit(&self) -> u128 {
        self.rules[self.shape.counted].limit.into()
    }

    fn window(&self) -> u128 {
        self.rules[self.shape.counted].window.into()
    }

    /// Whether the counter alone is not enough for a rule.
    fn needs_bucket(&self, rule: Rule) -> bool {
        u128::from(rule.limit) < self.limit() * u128::from(rule.window).div_ceil(self.window())
    }

    /// The first rule that asks for the longest interval.
    fn paced(&self) -> Option<usize> {
        let needed = |rule: &Rule| {
            let left = u128::from(rule.limit) + 1 - self.limit();
            u128::from(rule.window).div_ceil(left)
        };
        let rules = self.rules.iter().enumerate().filter(|(_, rule)| self.needs_bucket(**rule));
        rules.rev().max_by_key(|(_, rule)| needed(rule)).map(|(quota, _)| quota)
    }

    /// The grid point at which a call at `now` is judged, and its sub-window.
    fn judged(&self, now: u64) -> (u128, u128) {
        let floor = (u128::from(now) / self.shape.tick * self.shape.tick).min(self.shape.end);
        let newest = self.counts.last().unwrap().0;
        let at = floor.max(newest * self.shape.sub_window);
        (at, at / self.shape.sub_window)
    }

    /// The counts seen from a sub-window that is not before the newest.
    fn closed(&self, epoch: u128) -> Vec<(u128, u128)> {
        let mut counts = self.counts.clone();
        let (newest, permits) = *counts.last().unwrap();
        if epoch > newest {
            counts.pop();
            counts.push((newest, permits - permits % self.shape.unit));
            let late = if epoch > newest + self.shape.sub_windows { 0 } else { permits % self.shape.unit };
            counts.push((epoch, late));
        }
        counts
    }

    fn used(&self, epoch: u128) -> u128 {
        let counts = self.closed(epoch);
        counts
            .iter()
            .filter(|(from, _)| from + self.shape.sub_windows >= epoch)
            .map(|(_, permits)| permits)
            .sum()
    }

    /// The first grid point of a sub-window, from `epoch` on, in which at most `most` permits count.
    fn counted_until(&self, epoch: u128, most: u128) -> u128 {
        let later =
            (epoch..=epoch + self.shape.sub_windows + 1).find(|&epoch| self.used(epoch) <= most).unwrap();
        if later == epoch { 0 } else { later * self.shape.sub_window }
    }

    pub fn call(&mut self, now: u64, n: u32) -> Answer {
        if n == 0 {
            return Answer::Granted;
        }
        let (limit, n) = (self.limit(), u128::from(n));
        if n > limit {
            return Answer::Never { burst: u32::try_from(limit).unwrap() };
        }
        let (at, epoch) = self.judged(now);
        let counter = self.counted_until(epoch, limit - n);
        let interval = self.shape.interval.unwrap_or(0);
        let bucket = self.full_at.saturating_sub((limit - n) * interval);
        let bucket = if bucket > at { bucket } else { 0 };
        if counter == 0 && bucket == 0 {
            self.counts = self.closed(epoch);
            self.counts.last_mut().unwrap().1 += n;
            if interval > 0 {
                self.full_at = self.full_at.max(at) + n * interval;
            }
            return Answer::Granted;
        }
        let paced = self.paced().unwrap_or(self.shape.counted);
        let quota = match bucket.cmp(&counter) {
            std::cmp::Ordering::Less => self.shape.counted,
            std::cmp::Ordering::Equal => self.shape.counted.min(paced),
            std::cmp::Ordering::Greater => paced,
        };
        let ready = bucket.max(counter);
        let told = ready <= self.shape.end && ready < u128::from(u64::MAX);
        Answer::Denied { quota, retry_at: told.then(|| u64::try_from(ready).unwrap()) }
    }

    pub fn left(&self, now: u64) -> Vec<Left> {
        let (at, epoch) = self.judged(now);
        let limit = self.limit();
        let left = |permits: u128, next_at: u128, whole_at: u128| Left {
            remaining: u32::try_from(permits).unwrap(),
            next_at: (next_at > at).then_some(next_at),
            reset_at: (whole_at > at).then_some(whole_at),
        };
        let one_fewer = self.counted_until(epoch, limit - 1);
        let counter = left(limit - self.used(epoch), one_fewer, self.counted_until(epoch, 0));
        let full_at = self.full_at;
        let interval = self.shape.interval.unwrap_or(1);
        let missing = full_at.saturating_sub(at).div_ceil(interval);
        let bucket =
            left(limit.saturating_sub(missing), full_at.saturating_sub((limit - 1) * interval), full_at);
        self.rules.iter().map(|&rule| if self.needs_bucket(rule) { bucket } else { counter }).collect()
    }
}
