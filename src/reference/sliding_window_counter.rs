//! The weighted counter: this window's count, and a share of the count of the window before.

use super::Machine;
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// Two counts per quota: one for the current full window, and one for the full window before. The sliding window still
/// covers a part of the older one. That part of its count is added, as if its permits had been spread evenly.
///
/// This is a good estimate of the exact log in constant memory. It does not keep the rule: if the permits of a window
/// came late, the added part is too small, and more than `limit` permits pass.
///
/// ```
/// use tollgate::Nanos;
/// use tollgate::reference::{Machine, SlidingWindowCounter};
///
/// let mut counter = SlidingWindowCounter::new("4/10s".parse()?);
/// assert!(counter.try_acquire_at(Nanos::from_secs(9), 4).is_ok());
/// // Half of the last window is still covered: 2 of its 4 count.
/// assert!(counter.try_acquire_at(Nanos::from_secs(15), 2).is_ok());
/// let denied = counter.try_acquire_at(Nanos::from_secs(15), 1).unwrap_err();
/// assert_eq!(denied.retry_at(), Some(Nanos::from_nanos(17_500_000_000)));
/// # Ok::<(), tollgate::ParsePolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SlidingWindowCounter {
    policy: Policy,
    /// The newest instant of a grant. An older `now` counts as this instant.
    newest: u64,
    /// Permits granted in the full window that holds `newest`, and in the one before.
    counts: [Counts; Policy::MAX_QUOTAS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    current: u32,
    previous: u32,
}

/// One quota and its counts at some instant.
#[derive(Clone, Copy)]
struct View {
    limit: u32,
    window: u64,
    /// The start of the current full window.
    start: u64,
    counts: Counts,
}

impl SlidingWindowCounter {
    /// Counts of zero.
    pub fn new(policy: Policy) -> SlidingWindowCounter {
        SlidingWindowCounter { policy, newest: 0, counts: [Counts::default(); Policy::MAX_QUOTAS] }
    }

    fn views(&self, t: u64) -> impl Iterator<Item = View> + '_ {
        self.policy.rules().zip(self.counts).map(move |((limit, window), counts)| {
            let counts = match t / window - self.newest / window {
                0 => counts,
                1 => Counts { current: 0, previous: counts.current },
                _ => Counts::default(),
            };
            View { limit, window, start: t / window * window, counts }
        })
    }
}

impl View {
    /// The first instant, not before `start`, at which `n` more permits stay within the limit if nothing else is granted.
    /// The estimate only falls with time, so they stay within it at every later instant, too.
    fn ready(&self, n: u32) -> u128 {
        let room = |counted: u32| u128::from(self.limit - n).checked_sub(u128::from(counted));
        // `previous * (window - elapsed) <= room * window`, solved for `elapsed`.
        let elapsed = |previous: u32, room: u128| match previous {
            0 => 0,
            _ => {
                u128::from(self.window).saturating_sub(room * u128::from(self.window) / u128::from(previous))
            }
        };
        let start = u128::from(self.start);
        if let Some(room) = room(self.counts.current) {
            return start + elapsed(self.counts.previous, room);
        }
        start + u128::from(self.window) + elapsed(self.counts.current, room(0).unwrap_or(0))
    }

    /// The most permits that fit at `t`.
    fn remaining(&self, t: u64) -> u32 {
        let covered = u128::from(self.window - (t - self.start));
        let share = (u128::from(self.counts.previous) * covered).div_ceil(u128::from(self.window));
        let used = share + u128::from(self.counts.current);
        self.limit.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }
}

impl Machine for SlidingWindowCounter {
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
        let mut counts = [Counts::default(); Policy::MAX_QUOTAS];
        for (place, view) in counts.iter_mut().zip(self.views(t)) {
            *place = Counts { current: view.counts.current + n, ..view.counts };
        }
        self.counts = counts;
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
        let (mut ready, mut quota) = (0, 0);
        for (i, view) in self.views(t).enumerate() {
            if view.ready(n) > ready {
                (ready, quota) = (view.ready(n), i);
            }
        }
        if ready > u128::from(t) {
            let retry = u64::try_from(ready).ok().map(Nanos::from_nanos);
            return Err(Denied::new(now, quota, retry, burst));
        }
        Ok(())
    }

    fn status_at(&self, now: Nanos) -> Status {
        let t = now.as_nanos().max(self.newest);
        Status::new(
            now,
            self.views(t).map(|view| {
                // Nothing is counted any more when the last full window with a count is no longer covered.
                let spans = match view.counts {
                    Counts { current: 0, previous: 0 } => 0,
                    Counts { current: 0, .. } => 1,
                    _ => 2,
                };
                let end = u128::from(view.start) + spans * u128::from(view.window);
                QuotaStatus {
                    remaining: view.remaining(t),
                    next_at: match u64::try_from(view.ready(1)) {
                        Ok(next) if next <= t => now,
                        next => Nanos::from_nanos(next.unwrap_or(u64::MAX)),
                    },
                    reset_at: Nanos::from_nanos(u64::try_from(end).unwrap_or(u64::MAX)).max(now),
                }
            }),
        )
    }
}
