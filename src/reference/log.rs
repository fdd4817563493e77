//! The exact rule with a deque of instants, to the nanosecond.

use alloc::collections::VecDeque;

use super::Machine;
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// The exact sliding log as it is usually written: a deque of the instants of all grants, cut to the largest limit.
///
/// It grants a call if and only if every quota still holds afterwards, to the nanosecond. The deque grows with use, so
/// a grant may allocate.
///
/// ```
/// use tollgate::Nanos;
/// use tollgate::reference::{LogMachine, Machine};
///
/// let mut log = LogMachine::new("2/1s, 3/1m".parse()?);
/// assert!(log.try_acquire_at(Nanos::ZERO, 2).is_ok());
/// assert!(log.try_acquire_at(Nanos::from_secs(1), 1).is_ok());
/// let denied = log.try_acquire_at(Nanos::from_secs(2), 1).unwrap_err();
/// assert_eq!((denied.quota(), denied.retry_at()), (1, Some(Nanos::from_secs(60))));
/// # Ok::<(), tollgate::ParsePolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogMachine {
    policy: Policy,
    /// Oldest first.
    granted: VecDeque<u64>,
}

impl LogMachine {
    /// An empty log.
    pub fn new(policy: Policy) -> LogMachine {
        LogMachine { policy, granted: VecDeque::new() }
    }

    /// The instant of the permit that must leave the window of `limit` before `n` more are granted.
    fn leaving(&self, limit: u32, n: u32) -> Option<u64> {
        let place = (self.granted.len() + n as usize).checked_sub(limit as usize + 1)?;
        self.granted.get(place).copied()
    }
}

impl Machine for LogMachine {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline]
    fn try_acquire_at(&mut self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.peek_at(now, n)?;
        if n == 0 {
            return Ok(());
        }
        let largest = self.policy.rules().map(|(limit, _)| limit as usize).max().unwrap_or(0);
        let stamp = self.granted.back().map_or(now.as_nanos(), |&newest| newest.max(now.as_nanos()));
        self.granted.extend(core::iter::repeat_n(stamp, n as usize));
        self.granted.drain(..self.granted.len().saturating_sub(largest));
        Ok(())
    }

    #[inline]
    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        let (least, burst) = self.policy.smallest_limit();
        if n > burst {
            return Err(Denied::new(now, least, None, burst));
        }
        let (mut ready, mut quota) = (0, 0);
        for (i, (limit, window)) in self.policy.rules().enumerate() {
            if let Some(stamp) = self.leaving(limit, n) {
                let free = u128::from(stamp) + u128::from(window);
                if free > ready {
                    (ready, quota) = (free, i);
                }
            }
        }
        if ready > u128::from(now.as_nanos()) {
            let retry = u64::try_from(ready).ok().map(Nanos::from_nanos);
            return Err(Denied::new(now, quota, retry, burst));
        }
        Ok(())
    }

    fn status_at(&self, now: Nanos) -> Status {
        Status::new(
            now,
            self.policy.rules().map(|(limit, window)| {
                let left = |&stamp: &u64| stamp.checked_add(window).is_some_and(|end| end <= now.as_nanos());
                let skipped = self.granted.len().saturating_sub(limit as usize);
                let used = self.granted.iter().skip(skipped).skip_while(|stamp| left(stamp)).count();
                let newest = self.granted.back().copied().filter(|_| used > 0);
                let leaves = |stamp: u64| Nanos::from_nanos(stamp.saturating_add(window));
                QuotaStatus {
                    remaining: limit - u32::try_from(used).unwrap_or(limit),
                    next_at: self.leaving(limit, 1).map_or(now, |stamp| leaves(stamp).max(now)),
                    reset_at: newest.map_or(now, leaves),
                }
            }),
        )
    }
}
