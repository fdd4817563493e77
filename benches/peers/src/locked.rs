//! The two limiters that most people would write: a lock around one number, and a lock around a deque.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tollgate::{Plan, Policy};

/// One bucket in the form of the Generic Cell Rate Algorithm, with the burst and interval of a [`Plan`].
#[derive(Debug)]
pub struct Bucket {
    full_at: Mutex<u64>,
    interval: u64,
    slack: u64,
}

impl Bucket {
    pub fn new(plan: &Plan) -> Bucket {
        let interval = nanos(plan.interval());
        Bucket { full_at: Mutex::new(0), interval, slack: interval * u64::from(plan.burst() - 1) }
    }

    /// # Errors
    ///
    /// The instant from which a retry is granted.
    #[inline]
    pub fn try_acquire_at(&self, now: u64) -> Result<(), u64> {
        let mut full_at = self.full_at.lock();
        let ready = full_at.saturating_sub(self.slack);
        if ready > now {
            return Err(ready);
        }
        *full_at = now.max(*full_at) + self.interval;
        Ok(())
    }
}

/// The exact log: the instants of the newest grants, newest last, as many as the largest limit.
#[derive(Debug)]
pub struct Log {
    granted: Mutex<VecDeque<u64>>,
    rules: Vec<(usize, u64)>,
    largest: usize,
}

impl Log {
    pub fn new(policy: &Policy) -> Log {
        let rules = policy.quotas().iter().map(|quota| (quota.limit() as usize, nanos(quota.window())));
        let rules: Vec<_> = rules.collect();
        let largest = rules.iter().map(|rule| rule.0).max().unwrap_or(0);
        Log { granted: Mutex::new(VecDeque::with_capacity(largest)), rules, largest }
    }

    /// # Errors
    ///
    /// The instant from which a retry is granted.
    #[inline]
    pub fn try_acquire_at(&self, now: u64) -> Result<(), u64> {
        let mut granted = self.granted.lock();
        let mut ready = 0;
        for &(limit, window) in &self.rules {
            if let Some(leaving) = granted.len().checked_sub(limit) {
                ready = ready.max(granted[leaving] + window);
            }
        }
        if ready > now {
            return Err(ready);
        }
        let stamp = granted.back().map_or(now, |&newest| newest.max(now));
        if granted.len() == self.largest {
            granted.pop_front();
        }
        granted.push_back(stamp);
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the windows are short")]
fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
