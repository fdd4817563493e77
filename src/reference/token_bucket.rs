//! The textbook token bucket, one per quota, in exact fractions.

use super::Machine;
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// One bucket of `limit` permits per quota, which regains `limit` permits per `window`, without any rounding.
///
/// This is [`TokenBucket::nominal`](crate::TokenBucket::nominal) without its grid. Like that, it does not keep the rule: up
/// to `2 * limit - 1` permits pass in one window.
///
/// ```
/// use tollgate::Nanos;
/// use tollgate::reference::{BucketMachine, Machine};
///
/// let mut bucket = BucketMachine::new("3/1s".parse()?);
/// assert!(bucket.try_acquire_at(Nanos::ZERO, 3).is_ok());
/// let denied = bucket.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
/// assert_eq!(denied.retry_at(), Some(Nanos::from_nanos(333_333_334)));
/// # Ok::<(), tollgate::ParsePolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BucketMachine {
    policy: Policy,
    /// When each bucket is full again, in units of `1/limit` nanoseconds. A permit comes back in `window` such units.
    tats: [u128; Policy::MAX_QUOTAS],
}

impl BucketMachine {
    /// Full buckets.
    pub fn new(policy: Policy) -> BucketMachine {
        BucketMachine { policy, tats: [0; Policy::MAX_QUOTAS] }
    }
}

impl Machine for BucketMachine {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline]
    fn try_acquire_at(&mut self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.peek_at(now, n)?;
        if n == 0 {
            return Ok(());
        }
        for (tat, (limit, window)) in self.tats.iter_mut().zip(self.policy.rules()) {
            let full = (*tat).max(u128::from(now.as_nanos()) * u128::from(limit));
            *tat = full + u128::from(window) * u128::from(n);
        }
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
        for (i, ((limit, window), tat)) in self.policy.rules().zip(self.tats).enumerate() {
            let slack = u128::from(limit - n) * u128::from(window);
            let free = tat.saturating_sub(slack).div_ceil(u128::from(limit));
            if free > ready {
                (ready, quota) = (free, i);
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
            self.policy.rules().zip(self.tats).map(|((limit, window), tat)| {
                let now_fraction = u128::from(now.as_nanos()) * u128::from(limit);
                let used = tat.saturating_sub(now_fraction).div_ceil(u128::from(window));
                let reset = u64::try_from(tat.div_ceil(u128::from(limit))).unwrap_or(u64::MAX);
                let slack = u128::from(limit - 1) * u128::from(window);
                let next =
                    u64::try_from(tat.saturating_sub(slack).div_ceil(u128::from(limit))).unwrap_or(u64::MAX);
                QuotaStatus {
                    next_at: Nanos::from_nanos(next).max(now),
                    remaining: limit.saturating_sub(u32::try_from(used).unwrap_or(limit)),
                    reset_at: Nanos::from_nanos(reset).max(now),
                }
            }),
        )
    }
}
