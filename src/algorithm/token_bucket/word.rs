//! One bucket in one word.
//!
//! # State
//!
//! `tat: { units of 2^-scale ns: 64 }`, the theoretical arrival time: when the bucket is full again.
//!
//! - I1. A grant of `n` raises `tat` by at least `n * interval`; only the undoing of the latest grant lowers it, to
//!   what it was before.
//! - I2. `tat <= now + span` after a grant at `now`, where `span = burst * interval`; `now` is clamped to
//!   `horizon`, so the sum fits. Past the horizon time stands still and the bucket fails closed.
//!
//! How a word is read and replaced, and the tables for that, are in `algorithm/one_word.rs`.

use super::interval::Scale;
use crate::algorithm::one_word::Judge;
use crate::algorithm::{BuildError, Plan};
use crate::decision::{Denied, QuotaStatus, Reason, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

#[derive(Debug)]
pub(crate) struct Word {
    interval: u64,
    /// `burst * interval`.
    span: u64,
    /// The last instant, in nanoseconds, that the word can tell.
    horizon: u64,
    scale: Scale,
    burst: u32,
    /// What a refusal says: the quota of a nominal bucket, the pace of a strict one.
    reason: Reason,
}

impl Judge for Word {
    #[inline]
    fn judge(&self, tat: u64, now: Nanos, n: u32) -> Result<u64, Denied> {
        if n > self.burst {
            return Err(self.denied(now, None));
        }
        let t = self.units(now);
        let cost = self.interval * u64::from(n);
        let slack = self.span - cost;
        if tat > t + slack {
            return Err(self.denied(now, Some(tat - slack)));
        }
        Ok(tat.max(t) + cost)
    }
}

impl Word {
    pub(crate) fn planned(plan: &Plan) -> Word {
        Word::new(plan.scale, plan.units, plan.burst(), Reason::pace(plan.binding()))
    }

    pub(super) fn nominal(policy: &Policy) -> Result<Word, BuildError> {
        let refused = |quota| BuildError::Unrepresentable { quota };
        let scale = Scale::choose(u64::BITS, policy.rules()).map_err(refused)?;
        let (limit, window) = policy.rules().next().ok_or(refused(0))?;
        let interval = u64::try_from(scale.interval(limit, window)).map_err(|_| refused(0))?;
        Ok(Word::new(scale, interval, limit, Reason::quota(0)))
    }

    /// `interval * burst` leaves a year above it: plans see to that, and a nominal span is hardly longer than its
    /// window, in units finer than nanoseconds only where that is short.
    fn new(scale: Scale, interval: u64, burst: u32, reason: Reason) -> Word {
        let span = interval.saturating_mul(u64::from(burst));
        Word { interval, span, horizon: scale.floor_nanos(u64::MAX - span), scale, burst, reason }
    }

    /// The word of a limiter beside which `n` permits were used, all at `now`.
    pub(crate) fn with_used(&self, tat: u64, now: Nanos, n: u32) -> u64 {
        let t = self.units(now);
        let used = self.interval.saturating_mul(u64::from(n));
        tat.max(t).saturating_add(used)
    }

    pub(crate) fn status_at(&self, tat: u64, now: Nanos) -> Status {
        let t = self.units(now);
        let used = tat.saturating_sub(t).div_ceil(self.interval);
        let remaining = u64::from(self.burst).saturating_sub(used);
        let first = |units: u64| if units <= t { now } else { self.instant(units).unwrap_or(Nanos::MAX) };
        let state = QuotaStatus {
            remaining: u32::try_from(remaining).unwrap_or(self.burst),
            next_at: first(tat.saturating_sub(self.span - self.interval)),
            reset_at: first(tat),
        };
        if self.reason.is_pace() { Status::joint(now, state) } else { Status::new(now, [state]) }
    }

    /// The unit that holds `now`.
    #[inline]
    fn units(&self, now: Nanos) -> u64 {
        self.scale.units(now.as_nanos().min(self.horizon))
    }

    #[inline]
    fn denied(&self, now: Nanos, retry: Option<u64>) -> Denied {
        let retry = retry.and_then(|units| self.instant(units));
        Denied::because(now, self.reason, retry, self.burst)
    }

    /// The first nanosecond at or after `units`, or `None` if time never gets there.
    #[inline]
    fn instant(&self, units: u64) -> Option<Nanos> {
        let nanos = self.scale.ceil_nanos(units);
        (nanos <= self.horizon).then(|| Nanos::from_nanos(nanos))
    }
}
