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
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `try_acquire_at` | granted | the successful CAS | it replaces the very value that was judged |
//! | `try_acquire_at` | denied | the load of the value that was judged | a denial writes nothing |
//! | `Grant::undo` | undone | the successful CAS | a later grant in force has raised the word, and one that was undone has left no trace |
//! | `Grant::undo` | not undone | the failed CAS | a grant in force is later than this one |
//! | `peek_at`, `status_at` | | the load | one word is one snapshot |
//!
//! # Orderings
//!
//! Promise to the caller: decisions on one bucket are totally ordered. A bucket publishes no other memory,
//! so a permit does not make the holder's earlier writes visible to anybody.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | L | load `tat` | Relaxed | - | is the weakest: one location has one modification order, and C retries | `word_two_threads`, `word_undo` |
//! | C | CAS `tat` | Relaxed, Relaxed | - | is the weakest: a read-modify-write reads the latest value | `word_two_threads`, `word_undo` |

use super::interval::Scale;
use super::one_word::OneWord;
use crate::algorithm::{BuildError, Plan};
use crate::decision::{Denied, QuotaStatus, Reason, Reclaim, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

#[derive(Debug)]
pub(super) struct Word {
    tat: AtomicU64,
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

impl OneWord for Word {
    #[inline]
    fn judge(&self, now: Nanos, n: u32) -> Result<(u64, u64), Denied> {
        if n > self.burst {
            return Err(self.denied(now, None));
        }
        let t = self.units(now);
        let cost = self.interval * u64::from(n);
        let slack = self.span - cost;
        let tat = self.load();
        if tat > t + slack {
            return Err(self.denied(now, Some(tat - slack)));
        }
        Ok((tat, tat.max(t) + cost))
    }

    #[inline]
    fn swap(&self, old: u64, new: u64) -> bool {
        self.tat.compare_exchange(old, new, Relaxed, Relaxed).is_ok() // C
    }
}

impl Reclaim for Word {
    /// A later grant in force has raised the word, and then this changes nothing.
    fn reclaim(&self, before: u64, after: u64) -> bool {
        self.swap(after, before)
    }
}

impl Word {
    pub(super) fn planned(plan: &Plan) -> Word {
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
        Word {
            tat: AtomicU64::new(0),
            interval,
            span,
            horizon: scale.floor_nanos(u64::MAX - span),
            scale,
            burst,
            reason,
        }
    }

    /// `n` permits were used elsewhere, at `now`.
    pub(super) fn start_with_used(&mut self, now: Nanos, n: u32) {
        let t = self.units(now);
        let used = self.interval.saturating_mul(u64::from(n));
        self.tat = AtomicU64::new(self.load().max(t).saturating_add(used));
    }

    pub(super) fn status_at(&self, now: Nanos) -> Status {
        let t = self.units(now);
        let tat = self.load();
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
    fn load(&self) -> u64 {
        self.tat.load(Relaxed) // L
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
