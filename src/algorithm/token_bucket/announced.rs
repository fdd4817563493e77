//! Any number of buckets. One header word announces a charge, and any thread applies it to the buckets.
//!
//! # State
//!
//! - `header: { parity: 1, pending: 1, n - 1: r, stamp: 62 - r }`. The stamp is the tick of the last charge plus 1; 0 means
//!   that there was none. `r` bits hold the smallest limit.
//! - `tats[i]: { parity: 1, tat: 63 }`, in units of `2^-scale` ns: when bucket `i` is full again.
//!
//! The steps of a charge: announce, which replaces the header `{ p, 0, .., s }` by `{ !p, 1, n - 1, s' }`; apply the charge
//! to each TAT; close, which replaces the header by `{ !p, 0, n - 1, s' }`.
//!
//! - I1. The stamp of each announced header is above that of the header before. So no header value ever returns.
//! - I2. While the header is closed, every TAT has the header's parity. While it is pending, a TAT has the header's parity if
//!   and only if the charge has been applied to it.
//! - I3. TATs only grow: every charge adds at least one interval, and an interval is at least one tick. So a CAS from an old
//!   TAT cannot succeed late.
//! - I4. For the same reason every TAT is above the tick of the last charge. If a further charge comes in the same tick, I1
//!   moves its stamp after `now`. No bucket is full then, so the stamp changes nothing.
//! - I5. `tat <= now + span + 1 tick` after a charge. `now` is at most `last`, so no sum overflows.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `try_acquire_at` | granted | the CAS that announces | it replaces the header under which every TAT was checked (I1, I2). A thread that sees the charge applies it before it does anything else |
//! | `try_acquire_at` | denied | the load of the header under which the TATs were checked | the header was unchanged after the TATs were read |
//! | `peek_at`, `status_at` | | the load of the header | the same |
//!
//! # Orderings
//!
//! Promise to the caller: decisions on one limiter are totally ordered. No other memory is published.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | H | load `header` | Acquire | D | TATs of an earlier charge are checked | `announced_weak_header_load` |
//! | T | load `tats[i]` | Acquire | A | V misses that the header has changed | `announced_weak_tat_load` |
//! | V | load `header` again | Relaxed | - | is the weakest: T orders it | `announced_two_threads` |
//! | N | CAS `header`, announce | Relaxed, Relaxed | - | is the weakest: a read-modify-write continues what D released | `announced_two_threads` |
//! | A | CAS `tats[i]`, apply | Release, Relaxed | T | V misses that the header has changed | `announced_weak_apply` |
//! | D | CAS `header`, close | Release, Relaxed | H | a thread that sees this header, or the next one, reads older TATs | `announced_weak_close` |

use alloc::boxed::Box;

use super::interval::{Scale, YEAR};
use crate::algorithm::ticks::Ticks;
use crate::algorithm::{BuildError, backoff};
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;
use crate::sync::AtomicU64;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

#[derive(Debug)]
pub(super) struct Announced {
    header: AtomicU64,
    buckets: Box<[Bucket]>,
    scale: Scale,
    ticks: Ticks,
    /// The last instant that the words can hold, in nanoseconds. Time stands still from here on.
    last: u64,
    stamp_bits: u32,
    /// The smallest limit, and the quota that has it.
    burst: u32,
    smallest: usize,
}

#[derive(Debug)]
struct Bucket {
    tat: AtomicU64,
    interval: u64,
    /// `limit * interval`.
    span: u64,
    limit: u32,
}

/// The top bit of the header and of every TAT.
const PARITY: u64 = 1 << 63;
const PENDING: u64 = 1 << 62;

/// A charge that has been announced, as it is in the header.
#[derive(Clone, Copy)]
struct Charge {
    header: u64,
    n: u64,
    /// The instant of the charge, in units.
    at: u64,
}

/// What the buckets answer to a call for some permits.
struct Verdict {
    /// The first instant, in units, at which all buckets have enough.
    ready: u64,
    /// The bucket that has enough last.
    quota: usize,
}

impl Announced {
    pub(super) fn new(policy: &Policy) -> Result<Announced, BuildError> {
        let refused = |quota| BuildError::Unrepresentable { quota };
        let tat_bits = PARITY.trailing_zeros();
        let scale = Scale::choose(tat_bits, policy.rules()).map_err(refused)?;
        let fastest = policy.rules().map(|(limit, window)| scale.interval(limit, window)).enumerate();
        let (quota, shortest) = fastest.min_by_key(|&(_, interval)| interval).ok_or(refused(0))?;
        let (smallest, burst) = policy.smallest_limit();
        let stamp_bits = PENDING.trailing_zeros() - bits_below(burst);
        let longest = policy.rules().map(|(_, window)| window).max().ok_or(refused(0))?;
        let max_tick = policy.rules().map(|(_, window)| Ticks::max_for(window)).min().ok_or(refused(0))?;
        // I4: a tick is no longer than the shortest interval.
        let max_tick = max_tick.min(scale.floor_nanos(u64::try_from(shortest).unwrap_or(u64::MAX)));
        // One bit less, because a stamp is a tick plus 1.
        let ticks = Ticks::choose(stamp_bits - 1, longest, max_tick).ok_or(refused(quota))?;

        let mut widest = 0;
        let mut bucket = |(limit, window)| {
            let interval = u64::try_from(scale.interval(limit, window)).ok()?;
            let span = interval.checked_mul(u64::from(limit))?;
            widest = span.max(widest);
            Some(Bucket { tat: AtomicU64::new(0), interval, span, limit })
        };
        let buckets: Option<Box<[Bucket]>> = policy.rules().map(&mut bucket).collect();
        let buckets = buckets.ok_or(refused(quota))?;
        let room = (PARITY - 1).checked_sub(widest).ok_or(refused(quota))?;
        let last = scale.floor_nanos(room).saturating_sub(ticks.len()).min(ticks.horizon());
        if last < YEAR {
            return Err(refused(quota));
        }
        Ok(Announced { header: AtomicU64::new(0), buckets, scale, ticks, last, stamp_bits, burst, smallest })
    }

    /// `n` must not be 0.
    #[inline(never)] // So that the limiter of one bucket stays small where it is inlined.
    pub(super) fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n > self.burst {
            return Err(self.never(now));
        }
        self.decide(now, u64::from(n)).unwrap_or_else(|| self.contend(now, u64::from(n)))
    }

    #[cold]
    #[inline(never)]
    fn contend(&self, now: Nanos, n: u64) -> Result<(), Denied> {
        backoff::retry(backoff::SEVERAL_WORDS, || self.decide(now, n))
    }

    /// Returns `None` if another call came between.
    #[inline]
    fn decide(&self, now: Nanos, n: u64) -> Option<Result<(), Denied>> {
        let clamped = self.clamped(now);
        let header = self.settled();
        let verdict = self.check(header, n)?;
        if verdict.ready > self.scale.units(clamped.as_nanos()) {
            return self.stands(header).then_some(Err(self.denied(now, &verdict)));
        }
        let charge = self.charge_after(header, clamped, n);
        if !self.announce(header, charge.header) {
            return None;
        }
        self.carry_out(charge);
        Some(Ok(()))
    }

    /// `n` must not be 0.
    pub(super) fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n > self.burst {
            return Err(self.never(now));
        }
        let t = self.scale.units(self.clamped(now).as_nanos());
        loop {
            let header = self.settled();
            let verdict = self.check(header, u64::from(n));
            if let Some(verdict) = verdict.filter(|_| self.stands(header)) {
                return if verdict.ready > t { Err(self.denied(now, &verdict)) } else { Ok(()) };
            }
        }
    }

    /// Counts `n` permits that were used elsewhere, at `now`.
    pub(super) fn start_with_used(&mut self, now: Nanos, n: u32) {
        let at = self.scale.units(self.ticks.ceil(self.clamped(now)) * self.ticks.len());
        let _ = self.settled(); // A thread may have ended in the middle of a charge.
        for bucket in &mut self.buckets {
            let word = bucket.load();
            let (parity, before) = (word & PARITY, word & !PARITY);
            let used = bucket.interval * u64::from(n.min(bucket.limit));
            let tat = (before.max(at) + used).min(before.max(at + bucket.span));
            bucket.tat = AtomicU64::new(parity | tat);
        }
    }

    fn clamped(&self, now: Nanos) -> Nanos {
        Nanos::from_nanos(now.as_nanos().min(self.last))
    }

    fn never(&self, now: Nanos) -> Denied {
        Denied::new(now, self.smallest, None, self.burst)
    }

    fn denied(&self, now: Nanos, verdict: &Verdict) -> Denied {
        Denied::new(now, verdict.quota, self.instant(verdict.ready), self.burst)
    }

    pub(super) fn status_at(&self, now: Nanos) -> Status {
        let t = self.scale.units(self.clamped(now).as_nanos());
        loop {
            let header = self.settled();
            let mut consistent = true;
            let status = Status::new(
                now,
                self.buckets.iter().map(|bucket| {
                    let word = bucket.load();
                    consistent &= (word ^ header) & PARITY == 0;
                    let tat = word & !PARITY;
                    let used = tat.saturating_sub(t).div_ceil(bucket.interval);
                    let remaining = u64::from(bucket.limit).saturating_sub(used);
                    let first =
                        |units: u64| if units <= t { now } else { self.instant(units).unwrap_or(Nanos::MAX) };
                    QuotaStatus {
                        remaining: u32::try_from(remaining).unwrap_or(bucket.limit),
                        next_at: first(tat.saturating_sub(bucket.span - bucket.interval)),
                        reset_at: first(tat),
                    }
                }),
            );
            if consistent && self.stands(header) {
                return status;
            }
        }
    }

    /// Returns a header with no charge pending. If a charge is pending, this applies it first.
    fn settled(&self) -> u64 {
        loop {
            let header = self.header();
            if header & PENDING == 0 {
                return header;
            }
            self.carry_out(self.read_charge(header));
        }
    }

    /// What the buckets answer under `header`. `None` if the charge of a later header was applied to one of them.
    fn check(&self, header: u64, n: u64) -> Option<Verdict> {
        let mut verdict = Verdict { ready: 0, quota: 0 };
        for (quota, bucket) in self.buckets.iter().enumerate() {
            let word = bucket.load();
            if (word ^ header) & PARITY != 0 {
                return None;
            }
            let slack = bucket.span - bucket.interval * n;
            let ready = (word & !PARITY).saturating_sub(slack);
            if ready > verdict.ready {
                verdict = Verdict { ready, quota };
            }
        }
        Some(verdict)
    }

    /// The charge of `n` permits at `now` that may follow `header`.
    fn charge_after(&self, header: u64, now: Nanos, n: u64) -> Charge {
        let last = header & !(u64::MAX << self.stamp_bits);
        let stamp = (self.ticks.ceil(now) + 1).max(last + 1);
        let parity = !header & PARITY;
        self.read_charge(parity | PENDING | ((n - 1) << self.stamp_bits) | stamp)
    }

    fn read_charge(&self, header: u64) -> Charge {
        let stamp = header & !(u64::MAX << self.stamp_bits);
        let n = ((header & !(PARITY | PENDING)) >> self.stamp_bits) + 1;
        Charge { header, n, at: self.scale.units((stamp - 1) * self.ticks.len()) }
    }

    /// Applies an announced charge to every bucket and closes it. Any thread may do this, at any time.
    fn carry_out(&self, charge: Charge) {
        for bucket in &self.buckets {
            let old = bucket.load();
            if (old ^ charge.header) & PARITY == 0 {
                continue;
            }
            // The charge is not applied yet, or the TAT is of another charge. A TAT that was read before the header changed
            // cannot be replaced afterwards (I3).
            if !self.stands(charge.header) {
                return;
            }
            let tat = (old & !PARITY).max(charge.at) + bucket.interval * charge.n;
            let applied = (charge.header & PARITY) | tat;
            bucket.apply(old, applied);
        }
        self.close(charge.header);
    }

    fn header(&self) -> u64 {
        self.header.load(Acquire) // H
    }

    /// Whether no charge has been announced or closed since the header was `header`.
    fn stands(&self, header: u64) -> bool {
        self.header.load(Relaxed) == header // V
    }

    fn announce(&self, old: u64, new: u64) -> bool {
        self.header.compare_exchange(old, new, Relaxed, Relaxed).is_ok() // N
    }

    /// A failure means that another thread has closed the charge.
    fn close(&self, pending: u64) {
        let _ = self.header.compare_exchange(pending, pending & !PENDING, Release, Relaxed); // D
    }

    /// The first nanosecond at or after `units`, or `None` if it is after the last instant.
    fn instant(&self, units: u64) -> Option<Nanos> {
        let nanos = self.scale.ceil_nanos(units);
        (nanos <= self.last).then(|| Nanos::from_nanos(nanos))
    }
}

impl Bucket {
    fn load(&self) -> u64 {
        self.tat.load(Acquire) // T
    }

    /// A failure means that another thread has applied the charge.
    fn apply(&self, old: u64, new: u64) {
        let _ = self.tat.compare_exchange(old, new, Release, Relaxed); // A
    }
}

/// The bits that hold `0..count`.
fn bits_below(count: u32) -> u32 {
    u32::BITS - (count - 1).leading_zeros()
}
