//! One bucket in one word.
//!
//! # State
//!
//! `tat: { units of 2^-scale ns: 64 }`, the theoretical arrival time: when the bucket is full again.
//!
//! - I1. A grant of `n` raises `tat` by at least `n * interval`. Only undoing the latest grant lowers it, to what it was
//!   before that grant.
//! - I2. After a grant at `now`, `tat <= now + span`, where `span = burst * interval`. `now` is at most `last`, so the sum
//!   does not overflow. After `last`, time stands still and the bucket fails closed.
//!
//! `algorithm/one_word.rs` says how a word is read and replaced, and has the tables for that.

use core::num::NonZeroU32;

use super::interval::Scale;
use crate::algorithm::one_word::Judge;
use crate::algorithm::{BuildError, Plan};
use crate::decision::{Denied, QuotaStatus, Reason, Status, at_least_one};
use crate::nanos::Nanos;
use crate::quota::Policy;

#[derive(Debug)]
pub(crate) struct Word {
    interval: u64,
    /// `burst * interval`.
    span: u64,
    /// The last instant that the word can hold, in nanoseconds.
    last: u64,
    scale: Scale,
    burst: NonZeroU32,
    /// What a refusal says: the quota of a nominal bucket, the pace of a strict one.
    reason: Reason,
}

impl Judge for Word {
    #[inline]
    fn judge(&self, tat: u64, now: Nanos, n: u32) -> Result<u64, Denied> {
        if n > self.burst.get() {
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

    /// A year fits into the word above `interval * burst`. A plan checks this. The span of a nominal bucket is hardly longer
    /// than its window, and its units are finer than nanoseconds only if the window is short.
    fn new(scale: Scale, interval: u64, burst: u32, reason: Reason) -> Word {
        let span = interval.saturating_mul(u64::from(burst));
        Word {
            interval,
            span,
            last: scale.floor_nanos(u64::MAX - span),
            scale,
            burst: at_least_one(burst),
            reason,
        }
    }

    /// The word after `n` more permits that were used elsewhere, all at `now`.
    pub(crate) fn with_used(&self, tat: u64, now: Nanos, n: u32) -> u64 {
        let t = self.units(now);
        let used = self.interval.saturating_mul(u64::from(n));
        tat.max(t).saturating_add(used)
    }

    pub(crate) fn status_at(&self, tat: u64, now: Nanos) -> Status {
        let t = self.units(now);
        let used = tat.saturating_sub(t).div_ceil(self.interval);
        let remaining = u64::from(self.burst.get()).saturating_sub(used);
        let first = |units: u64| if units <= t { now } else { self.instant(units).unwrap_or(Nanos::MAX) };
        let state = QuotaStatus {
            remaining: u32::try_from(remaining).unwrap_or(self.burst.get()),
            next_at: first(tat.saturating_sub(self.span - self.interval)),
            reset_at: first(tat),
        };
        if self.reason.is_pace() { Status::joint(now, state) } else { Status::new(now, [state]) }
    }

    /// `now` in units.
    #[inline]
    fn units(&self, now: Nanos) -> u64 {
        self.scale.units(now.as_nanos().min(self.last))
    }

    #[inline]
    fn denied(&self, now: Nanos, retry: Option<u64>) -> Denied {
        let retry = retry.and_then(|units| self.instant(units));
        Denied::because(now, self.reason, retry, self.burst)
    }

    /// The first nanosecond at or after `units`, or `None` if it is after the last instant.
    #[inline]
    fn instant(&self, units: u64) -> Option<Nanos> {
        let nanos = self.scale.ceil_nanos(units);
        (nanos <= self.last).then(|| Nanos::from_nanos(nanos))
    }
}
