//! The counter that starts again at every full window.

use super::Machine;
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// A count per quota that starts again at every multiple of the window since the clock's origin.
///
/// This is the cheapest strategy and the most common one. It does not keep the rule: up to `2 * limit` permits pass in one
/// window, half of them at the end of one count and half at the start of the next.
///
/// ```
/// use tollgate::Nanos;
/// use tollgate::reference::{FixedWindow, Machine};
///
/// let mut window = FixedWindow::new("2/10s".parse()?);
/// assert!(window.try_acquire_at(Nanos::from_secs(9), 2).is_ok());
/// let denied = window.try_acquire_at(Nanos::from_secs(9), 1).unwrap_err();
/// assert_eq!(denied.retry_at(), Some(Nanos::from_secs(10)));
/// assert!(window.try_acquire_at(Nanos::from_secs(10), 2).is_ok()); // 4 permits in one second
/// # Ok::<(), tollgate::ParsePolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FixedWindow {
    policy: Policy,
    /// The newest instant of a grant. An older `now` counts as this instant.
    newest: u64,
    /// Permits granted in the window that holds `newest`.
    used: [u32; Policy::MAX_QUOTAS],
}

impl FixedWindow {
    /// Counts of zero.
    pub fn new(policy: Policy) -> FixedWindow {
        FixedWindow { policy, newest: 0, used: [0; Policy::MAX_QUOTAS] }
    }

    /// For each quota: the limit, the permits used, and the end of the window that holds `t`.
    fn windows(&self, t: u64) -> impl Iterator<Item = (u32, u32, u64)> + '_ {
        self.policy.rules().zip(self.used).map(move |((limit, window), used)| {
            let same = t / window == self.newest / window;
            let end = (t / window).saturating_add(1).saturating_mul(window);
            (limit, if same { used } else { 0 }, end)
        })
    }
}

impl Machine for FixedWindow {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline]
    fn try_acquire_at(&mut self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.peek_at(now, n)?;
        if n == 0 {
            return Ok(());
        }
        let t = now.as_nanos().max(self.newest);
        let mut used = [0; Policy::MAX_QUOTAS];
        for (place, (_, before, _)) in used.iter_mut().zip(self.windows(t)) {
            *place = before + n;
        }
        self.used = used;
        self.newest = t;
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
        let t = now.as_nanos().max(self.newest);
        let exhausted = self.windows(t).enumerate().filter(|&(_, (limit, used, _))| used > limit - n);
        let blocking =
            exhausted.map(|(quota, (_, _, end))| (end, quota)).reduce(|a, b| if b.0 > a.0 { b } else { a });
        if let Some((end, quota)) = blocking {
            return Err(Denied::new(now, quota, Some(Nanos::from_nanos(end)), burst));
        }
        Ok(())
    }

    fn status_at(&self, now: Nanos) -> Status {
        let t = now.as_nanos().max(self.newest);
        Status::new(
            now,
            self.windows(t).map(|(limit, used, end)| QuotaStatus {
                remaining: limit - used,
                next_at: if used < limit { now } else { Nanos::from_nanos(end) },
                reset_at: if used == 0 { now } else { Nanos::from_nanos(end) },
            }),
        )
    }
}
