//! The exact rule: a ring of the instants at which permits were granted.
//!
//! # How it works
//!
//! Permits are numbered from 0 in the order they are granted. Stamps never decrease, so quota `(L, P)` admits
//! permit `p` at `now` exactly if permit `p - L` has left the window: `stamp[p - L] + P <= now`. A call for
//! `n` permits is judged by its last one, `h + n - 1`: one load per quota, no scan, no pruning.
//!
//! # State
//!
//! - `head: { permits granted: 64 }`.
//! - `slots[p mod capacity]: { lap: 1, stamp: 63 - r, run - 1: r }`; the capacity is the largest limit
//!   rounded up to a power of two. `lap` is the opposite of the lowest bit of `p / capacity`, so that the
//!   zeroed ring is the lap before the first. `run` is the number of permits of one call, in the
//!   slot of its first permit; `r` bits hold the smallest limit.
//!
//! A grant of `n` goes `head = h` -claim slot `h`-> `-fill slots h+1 .. h+n-1-> -advance-> head = h + n`.
//!
//! - I1. While `head = h`, slots of permits `h - capacity .. h` hold those permits, except that a claimed run at
//!   `h` may have replaced the oldest ones; their lap bit then tells.
//! - I2. `head = h` and slot `h` is of permit `h`'s lap: a run is claimed there. Anybody may carry it out, and
//!   nobody claims before `head` has passed it.
//! - I3. Stamps never decrease with the permit number, and grow from lap to lap by at least a window, since the
//!   capacity is no less than any limit. So no slot value recurs, and a CAS from an old value cannot
//!   succeed late.
//! - I4. `head` only grows.
//!
//! [`Refusal`] remembers the newest refusal of one permit and at which head it was given: while the head is the
//! same, it holds, and a refusal reads three words and no slot.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `try_acquire_at` | granted | the CAS that advances `head` past its run, by whichever thread | from the claim on no other call can be granted first, and every call that is judged before the advance is judged without the run |
//! | `try_acquire_at` | denied | the load of the `head` that was judged | the stamps read are those of I1: no lap bit differed and `head` had not moved afterwards |
//! | `status_at` | | the load of the `head` that was judged | likewise |
//! | `try_acquire_at` | denied, remembered | the load at V | see `refusal.rs` |
//!
//! # Orderings
//!
//! Promise to the caller: decisions on one log are totally ordered. No other memory is published.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | H | load `head` | Acquire | A | stamps of an earlier lap are judged | `log_weak_head_load` |
//! | S | load a slot | Acquire | C, F | V misses that the head has moved on | `log_weak_slot_load` |
//! | V | load `head` again | Relaxed | - | is the weakest: S, or U of `refusal.rs`, orders it | `log_two_threads` |
//! | C | CAS slot `h`, claim | Release, Relaxed | S | V misses that the head has moved on | `log_weak_claim` |
//! | F | CAS slot `h + i`, fill | Release, Relaxed | S | likewise | `log_weak_fill` |
//! | A | CAS `head`, advance | Release, Relaxed | H | the new head shows older stamps | `log_weak_advance` |

mod refusal;

use alloc::boxed::Box;
use alloc::vec::Vec;

use refusal::Refusal;

use super::ticks::Ticks;
use super::{Algorithm, BuildError};
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;
use crate::sync::AtomicU64;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// The exact sliding log: grants if and only if every quota of the policy still holds in every window that
/// ends now.
///
/// Lock-free, one ring for all quotas. A decision takes one load per quota whatever the limits; a grant
/// adds one CAS per permit and one for the head. Memory is 8 bytes per permit of the largest limit, rounded up
/// to a power of two (16 KiB for 50/min and 1500/h), allocated once, when the log is built.
///
/// Exact on its clock grid, the finest power of two nanoseconds that lasts 36 years: 8 ns for 50/min and
/// 1500/h. Between grid points a call is judged a little early and stamped a little late, so that no
/// window ever holds more than its limit; this costs less than 1e-4 of the rate.
///
/// ```
/// use tollgate::{Algorithm, Nanos, Policy, SlidingLog};
///
/// let log = SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?;
/// let now = Nanos::from_secs(100);
/// assert!(log.try_acquire_at(now, 49).is_ok());
/// assert!(log.try_acquire_at(Nanos::from_secs(101), 1).is_ok());
///
/// // The 49 leave the window of a minute at 160 s, and 50 more are free when the last has left it too.
/// let denied = log.try_acquire_at(Nanos::from_secs(102), 1).unwrap_err();
/// assert_eq!(denied.retry_at(), Some(Nanos::from_secs(160)));
/// let denied = log.try_acquire_at(Nanos::from_secs(102), 50).unwrap_err();
/// assert_eq!(denied.retry_at(), Some(Nanos::from_secs(161)));
/// # Ok::<(), tollgate::BuildError>(())
/// ```
pub struct SlidingLog {
    head: AtomicU64,
    refusal: Refusal,
    slots: Box<[AtomicU64]>,
    /// A power of two: the lowest bit of `p / capacity` is `p & capacity`.
    capacity: u64,
    ticks: Ticks,
    run_bits: u32,
    quotas: u32,
    /// The smallest limit, and the quota that has it.
    burst: u32,
    smallest: usize,
    rules: [Rule; Policy::MAX_QUOTAS],
    policy: Policy,
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    limit: u64,
    /// In ticks.
    window: u64,
}

/// The top bit of a slot.
const LAP: u64 = 1 << 63;

/// What the log says to a call for some permits.
struct Verdict {
    /// The first tick at which all quotas admit it.
    ready: u64,
    /// The quota that admits it last.
    quota: usize,
}

impl SlidingLog {
    /// Builds an empty log.
    ///
    /// # Errors
    ///
    /// [`BuildError::TooLarge`] if the allocator refuses the memory (a system that overcommits may grant it and run
    /// out later), [`BuildError::Unrepresentable`] if the smallest limit is so large and the shortest window so
    /// short that the words cannot hold fine enough stamps for a year: above 4,194,304 a second, for one.
    pub fn new(policy: Policy) -> Result<SlidingLog, BuildError> {
        let (smallest, burst) = policy.smallest_limit();
        let run_bits = u32::BITS - (burst - 1).leading_zeros();
        let stamp_bits = LAP.trailing_zeros() - run_bits;
        let mut quotas = 0;
        let (mut longest, mut shortest, mut quota, mut largest) = (0, u64::MAX, 0, 0);
        for (i, (limit, window)) in policy.rules().enumerate() {
            longest = longest.max(window);
            largest = largest.max(limit);
            if window < shortest {
                (shortest, quota) = (window, i);
            }
        }
        let ticks = Ticks::choose(stamp_bits, longest, Ticks::max_for(shortest))
            .ok_or(BuildError::Unrepresentable { quota })?;
        let mut rules = [Rule { limit: 0, window: 0 }; Policy::MAX_QUOTAS];
        for (rule, (limit, window)) in rules.iter_mut().zip(policy.rules()) {
            *rule = Rule { limit: u64::from(limit), window: ticks.span(window) };
            quotas += 1;
        }
        let capacity = u64::from(largest).next_power_of_two();
        let slots = zeroed(capacity).ok_or(BuildError::TooLarge { limit: largest })?;
        Ok(SlidingLog {
            head: AtomicU64::new(0),
            refusal: Refusal::none(),
            slots,
            capacity,
            ticks,
            run_bits,
            quotas,
            burst,
            smallest,
            rules,
            policy,
        })
    }

    #[inline]
    fn rules(&self) -> &[Rule] {
        &self.rules[..self.quotas as usize]
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked to the capacity, which was allocated")]
    fn slot(&self, permit: u64) -> &AtomicU64 {
        &self.slots[(permit & (self.capacity - 1)) as usize]
    }

    #[inline]
    fn head(&self) -> u64 {
        self.head.load(Acquire) // H
    }

    /// Whether the head is still at `head`.
    #[inline]
    fn stands(&self, head: u64) -> bool {
        self.head.load(Relaxed) == head // V
    }

    #[inline]
    fn load(&self, permit: u64) -> u64 {
        self.slot(permit).load(Acquire) // S
    }

    #[inline]
    fn claim(&self, permit: u64, old: u64, new: u64) -> bool {
        self.slot(permit).compare_exchange(old, new, Release, Relaxed).is_ok() // C
    }

    /// A failure means that another thread has filled the slot.
    fn fill(&self, permit: u64, old: u64, new: u64) {
        let _ = self.slot(permit).compare_exchange(old, new, Release, Relaxed); // F
    }

    /// A failure means that another thread has advanced the head.
    #[inline]
    fn advance(&self, old: u64, new: u64) {
        let _ = self.head.compare_exchange(old, new, Release, Relaxed); // A
    }

    /// The lap bit of `permit`.
    #[inline]
    fn lap(&self, permit: u64) -> u64 {
        if permit & self.capacity == 0 { LAP } else { 0 }
    }

    #[inline]
    fn word(&self, permit: u64, stamp: u64, run: u64) -> u64 {
        self.lap(permit) | (stamp << self.run_bits) | (run - 1)
    }

    /// The stamp in `permit`'s slot, with the [`foreign`](Self::foreign) bit if the slot holds another lap.
    #[inline]
    fn stamp(&self, permit: u64, word: u64) -> u64 {
        (word ^ self.lap(permit)) >> self.run_bits
    }

    /// The bit above all stamps.
    #[inline]
    fn foreign(&self) -> u64 {
        LAP >> self.run_bits
    }

    /// What the log says to a call for `n` permits that would begin at `head`; `None` if a slot is past `head`.
    #[inline]
    fn judge(&self, head: u64, n: u64) -> Option<Verdict> {
        let mut verdict = Verdict { ready: 0, quota: 0 };
        let mut seen = 0;
        for (quota, rule) in self.rules().iter().enumerate() {
            if let Some(leaving) = (head + n - 1).checked_sub(rule.limit) {
                let stamp = self.stamp(leaving, self.load(leaving));
                seen |= stamp;
                let ready = stamp.wrapping_add(rule.window); // Wraps for a foreign stamp alone.
                if ready > verdict.ready {
                    verdict = Verdict { ready, quota };
                }
            }
        }
        (seen & self.foreign() == 0).then_some(verdict)
    }

    #[inline]
    fn denied(&self, now: Nanos, verdict: &Verdict) -> Denied {
        Denied::new(now, verdict.quota, self.ticks.instant(verdict.ready), self.burst)
    }

    /// Carries out the run claimed at `head`, if there is one. Any thread may, at any time.
    #[cold]
    fn help(&self, head: u64) {
        let claimed = self.load(head);
        if self.stamp(head, claimed) & self.foreign() == 0 {
            self.carry_out(head, claimed);
        }
    }

    /// Fills the slots of the run that `claimed` begins at `head`, and advances the head past it.
    #[inline(never)] // So that a grant of one permit, which has nothing to fill, stays small.
    fn carry_out(&self, head: u64, claimed: u64) {
        let run = (claimed & !(u64::MAX << self.run_bits)) + 1;
        let stamp = self.stamp(head, claimed);
        for permit in head + 1..head + run {
            let old = self.load(permit);
            if self.stamp(permit, old) & self.foreign() == 0 {
                continue;
            }
            // Unfilled, or a lap further: a value read before the head moved on cannot be replaced
            // after it (I3).
            if !self.stands(head) {
                return;
            }
            self.fill(permit, old, self.word(permit, stamp, 1));
        }
        self.advance(head, head + run);
    }
}

impl Algorithm for SlidingLog {
    #[inline]
    fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline]
    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        if n > self.burst {
            return Err(Denied::new(now, self.smallest, None, self.burst));
        }
        let floor = self.ticks.floor(now);
        if n == 1 {
            let (head, verdict) = self.refusal.recall();
            if verdict.ready > floor && self.stands(head) {
                return Err(self.denied(now, &verdict));
            }
        }
        loop {
            let head = self.head();
            let Some(verdict) = self.judge(head, u64::from(n)) else {
                self.help(head);
                continue;
            };
            if verdict.ready > floor {
                if !self.stands(head) {
                    continue;
                }
                if n == 1 {
                    self.refusal.remember(head, &verdict);
                }
                return Err(self.denied(now, &verdict));
            }
            let newest = head.checked_sub(1).map_or(0, |permit| self.stamp(permit, self.load(permit)));
            let old = self.load(head);
            if self.stamp(head, old) & self.foreign() == 0 {
                self.carry_out(head, old);
                continue;
            }
            // The next lap has the same bit as the one before: `old` is of the one before if the head stands.
            if !self.stands(head) {
                continue;
            }
            let stamp = self.ticks.ceil(now).max(newest);
            let claimed = self.word(head, stamp, u64::from(n));
            if self.claim(head, old, claimed) {
                if n == 1 {
                    self.advance(head, head + 1);
                } else {
                    self.carry_out(head, claimed);
                }
                return Ok(());
            }
        }
    }

    fn status_at(&self, now: Nanos) -> Status {
        let floor = self.ticks.floor(now);
        loop {
            let head = self.head();
            let mut whole = true;
            let status = Status::new(
                now,
                self.rules().iter().map(|rule| {
                    let quota = self.quota_status(rule, head, now, floor);
                    whole &= quota.is_some();
                    quota.unwrap_or(QuotaStatus { remaining: 0, reset_at: now })
                }),
            );
            if !whole {
                self.help(head);
            } else if self.stands(head) {
                return status;
            }
        }
    }
}

impl SlidingLog {
    /// How much of `rule` is left at `head`; `None` if a slot is past it.
    fn quota_status(&self, rule: &Rule, head: u64, now: Nanos, floor: u64) -> Option<QuotaStatus> {
        // The permits still in the window are the last of those the limit covers: find the first.
        let (mut left, mut counted) = (head.saturating_sub(rule.limit), head);
        while left < counted {
            let middle = left + (counted - left) / 2;
            let stamp = self.stamp(middle, self.load(middle));
            if stamp & self.foreign() != 0 {
                return None;
            }
            if stamp + rule.window <= floor {
                left = middle + 1;
            } else {
                counted = middle;
            }
        }
        let used = head - counted;
        let reset_at = if used == 0 {
            now
        } else {
            let newest = self.stamp(head - 1, self.load(head - 1));
            if newest & self.foreign() != 0 {
                return None;
            }
            self.ticks.instant(newest + rule.window).unwrap_or(Nanos::MAX)
        };
        let remaining = u32::try_from(rule.limit - used).unwrap_or(u32::MAX);
        Some(QuotaStatus { remaining, reset_at })
    }
}

impl core::fmt::Debug for SlidingLog {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let granted = self.head();
        f.debug_struct("SlidingLog")
            .field("policy", &self.policy)
            .field("granted", &granted)
            .finish_non_exhaustive()
    }
}

/// `capacity` zeroed slots, or `None` if they cannot be allocated.
fn zeroed(capacity: u64) -> Option<Box<[AtomicU64]>> {
    let capacity = usize::try_from(capacity).ok()?;
    let mut slots = Vec::new();
    slots.try_reserve_exact(capacity).ok()?;
    slots.extend((0..capacity).map(|_| AtomicU64::new(0)));
    Some(slots.into_boxed_slice())
}
