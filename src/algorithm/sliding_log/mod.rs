//! The exact rule: a ring of the instants at which permits were granted.
//!
//! # How it works
//!
//! Permits are numbered from 0 in the order in which they are granted. Stamps never decrease. So quota `(L, P)` admits
//! permit `p` at `now` if and only if permit `p - L` has left the window: `stamp[p - L] + P <= now`. A call for `n`
//! permits is admitted if and only if its last permit is, which has the number `end + n - 1`. This takes one load per
//! quota. Nothing is scanned, and nothing is pruned.
//!
//! # State
//!
//! - `slots[p mod capacity]: { lap: 1, run - 1: r, stamp: 63 - r }`. The capacity is the largest limit, rounded up to a
//!   power of two. `lap` is the opposite of the lowest bit of `p / capacity`, so the zeroed ring looks like the lap before
//!   the first. `run` is the number of permits of one call; it is in the slot of the first of them. `r` bits hold the
//!   smallest limit.
//! - `head: { permits: 64 }`: all permits before it are granted. The *end* is the first permit that is not granted. `head`
//!   lags behind the end by at most `lag`, within an aligned group of `lag + 1` slots, so that most grants write
//!   only one cache line.
//!
//! The steps of a grant of one permit: claim slot `end`; if it is the last of its group, advance `head`. The steps of a
//! grant of `n`: advance `head` to `end`; claim slot `end`; fill slots `end + 1` to `end + n - 1`; advance `head` to
//! `end + n`.
//!
//! - I1. The slots of permits `end - capacity .. end` hold these permits. There is one exception: a run that is being
//!   filled has already replaced the oldest of them. Their lap bit shows this.
//! - I2. From `head` on, slots are claimed one by one, each for the lap of its permit, up to the end or up to a slot that
//!   begins a run of several. Any thread may fill that run. No thread claims a slot after it before `head` has passed it.
//! - I3. Stamps never decrease with the permit number. From lap to lap they grow by at least a window, because the
//!   capacity is not below any limit. So no slot value ever returns, and a CAS from an old value cannot succeed late.
//! - I4. `head` only grows. A thread claims a slot at most `lag` permits after the `head` that it has seen, and it fills
//!   slots less than the smallest limit after that `head`. So while `head < p + margin`, the slot of `p` holds no
//!   later lap.
//!
//! [`Refusal`] remembers the newest refusal of a call for one permit, and the end at which it was given. It holds as long
//! as the end is the same.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `try_acquire_at` | granted | the CAS that claims slot `end` | it replaces the value of the lap before (V, I3). So `end` was still the end, and the stamps that were checked are those before it (I1) |
//! | `try_acquire_at` | denied | E, the load of slot `end` after the check | it was still the end (V). So the stamps that were checked are those before it |
//! | `try_acquire_at` | denied, remembered | E, the load of slot `end` | see `refusal.rs` |
//! | `peek_at`, `status_at` | | E, the load of slot `end` after the reading | as for a denial |
//!
//! # Orderings
//!
//! Promise to the caller: decisions on one log are totally ordered. No other memory is published.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | H | load `head` | Acquire | A | stamps of an earlier lap are checked | `log_weak_head_load` |
//! | S | load a slot | Acquire | C, F | E or V misses that the end has moved; stamps of an earlier lap are checked (the walk from `head` alone would need less) | `log_weak_slot_load` |
//! | N | load slot `end - 1` | Relaxed | - | is the weakest: C fails if another lap is read | `log_two_threads` |
//! | E | load slot `end` again | Acquire | C, F | V misses that `head` has moved | `log_weak_end_load` |
//! | V | load `head` again | Relaxed | - | is the weakest: S and E order it | `log_two_threads` |
//! | C | CAS slot `end`, claim | Release, Relaxed | S, E | V misses that `head` has moved | `log_weak_claim` |
//! | F | CAS slot `end + i`, fill | Release, Relaxed | S, E | the same | `log_weak_fill` |
//! | A | `fetch_max` `head`, advance | Release | H | a thread that sees the new `head` reads older stamps | `log_weak_advance` |

mod refusal;
mod slot;

use alloc::boxed::Box;
use alloc::vec::Vec;

use refusal::Refusal;
use slot::Layout;

use super::ticks::Ticks;
use super::{Algorithm, BuildError, backoff};
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;
use crate::sync::AtomicU64;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// The exact sliding log. It grants a call if and only if every quota of the policy still holds afterwards, in the
/// window that ends now.
///
/// It is lock-free. A decision takes one load per quota, whatever the limits are. A grant also takes one CAS per
/// permit, and one more write if it is for several permits or completes a group of four. Memory is 8 bytes per permit
/// of the largest limit, rounded up to a power of two: 16 KiB for 50/min and 1500/h. It is allocated once, when the log
/// is built.
///
/// The log is exact on its clock grid. The step of the grid is the smallest power of two nanoseconds with which the
/// timestamps last 36 years: 8 ns for 50/min and 1500/h. Between two steps, `now` is rounded down for the check and
/// up for the stamp. So no window ever holds more than its limit. This costs less than 1e-4 of the rate.
///
/// ```
/// use tollgate::{Algorithm, Nanos, Policy, SlidingLog};
///
/// let log = SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?;
/// let now = Nanos::from_secs(100);
/// assert!(log.try_acquire_at(now, 49).is_ok());
/// assert!(log.try_acquire_at(Nanos::from_secs(101), 1).is_ok());
///
/// // The 49 permits leave the window of a minute at 160 s. The other one leaves it at 161 s, and then 50 are free.
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
    layout: Layout,
    /// How far the head may lag behind: one less than a power of two, and less than the capacity.
    lag: u64,
    /// The capacity, less how far after `head` a slot may be claimed or filled (I4).
    margin: u64,
    ticks: Ticks,
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

/// A longer walk from `head` costs more than the writes that it saves.
const MOST_LAG: u64 = 3;

/// What the log answers to a call for some permits.
struct Verdict {
    /// The first tick at which all quotas admit it.
    ready: u64,
    /// The quota that admits it last.
    quota: usize,
}

/// Where the granted permits end.
struct End {
    /// The first permit that is not granted.
    permit: u64,
    /// The head from which it was found.
    head: u64,
    /// What its slot holds.
    vacant: u64,
}

impl SlidingLog {
    /// Builds an empty log.
    ///
    /// # Errors
    ///
    /// [`BuildError::TooLarge`] if the allocator refuses the memory. (A system that overcommits may grant it and run out
    /// later.)
    ///
    /// [`BuildError::Unrepresentable`] if the smallest limit is so large and the shortest window so short that a slot
    /// cannot hold fine enough timestamps for a year: above 4,194,304 permits a second, for example.
    pub fn new(policy: Policy) -> Result<SlidingLog, BuildError> {
        let (smallest, burst) = policy.smallest_limit();
        let stamp_bits = SlidingLog::stamp_bits(&policy);
        let ticks = SlidingLog::ticks(&policy)?;
        let (mut quotas, largest) = (0, policy.largest_limit());
        let mut rules = [Rule { limit: 0, window: 0 }; Policy::MAX_QUOTAS];
        for (rule, (limit, window)) in rules.iter_mut().zip(policy.rules()) {
            *rule = Rule { limit: u64::from(limit), window: ticks.span(window) };
            quotas += 1;
        }
        let capacity = SlidingLog::capacity(&policy);
        let lag = MOST_LAG.min(capacity - 1);
        let slots = zeroed(capacity).ok_or(BuildError::TooLarge { limit: largest })?;
        Ok(SlidingLog {
            head: AtomicU64::new(0),
            refusal: Refusal::none(),
            slots,
            layout: Layout::new(capacity, stamp_bits),
            lag,
            margin: capacity - lag.max(u64::from(burst) - 1),
            ticks,
            quotas,
            burst,
            smallest,
            rules,
            policy,
        })
    }

    /// Whether the words of a log can keep the policy, before any memory is asked for.
    pub(super) fn can_keep(policy: &Policy) -> Result<(), BuildError> {
        SlidingLog::ticks(policy).map(drop)
    }

    /// The words of a log: its slots, its head, and the two of its newest refusal.
    pub(super) fn state_bytes(policy: &Policy) -> u64 {
        8 * (SlidingLog::capacity(policy) + 3)
    }

    fn capacity(policy: &Policy) -> u64 {
        u64::from(policy.largest_limit()).next_power_of_two()
    }

    /// What a run of the smallest limit and the lap leave of a word.
    fn stamp_bits(policy: &Policy) -> u32 {
        let (_, burst) = policy.smallest_limit();
        let run_bits = u32::BITS - (burst - 1).leading_zeros();
        u64::BITS - 1 - run_bits
    }

    fn ticks(policy: &Policy) -> Result<Ticks, BuildError> {
        let (mut longest, mut shortest, mut quota) = (0, u64::MAX, 0);
        for (i, (_, window)) in policy.rules().enumerate() {
            longest = longest.max(window);
            if window < shortest {
                (shortest, quota) = (window, i);
            }
        }
        let ticks = Ticks::choose(SlidingLog::stamp_bits(policy), longest, Ticks::max_for(shortest));
        ticks.ok_or(BuildError::Unrepresentable { quota })
    }

    /// Counts `n` permits that were used before, as if all of them had been granted at `now`. This is for a client that
    /// restarts while the server still remembers its calls.
    ///
    /// Permits that this log has granted itself are then counted at `now`, too. A total above the largest limit
    /// counts as the largest limit.
    ///
    /// ```
    /// use tollgate::{Algorithm, Nanos, Policy, SlidingLog};
    ///
    /// let log = SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?.with_used(Nanos::ZERO, 1_480);
    /// assert!(log.try_acquire_at(Nanos::ZERO, 1).is_err()); // 50 a minute
    /// let minute = Nanos::from_secs(60);
    /// assert!(log.try_acquire_at(minute, 20).is_ok());
    /// assert_eq!(log.try_acquire_at(minute, 1).unwrap_err().quota(), 1); // 1500 an hour
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    #[must_use]
    pub fn with_used(mut self, now: Nanos, n: u32) -> SlidingLog {
        if n == 0 {
            return self;
        }
        // Its own grants are counted at `now`, too.
        let own = self.end(self.ring()).permit;
        let newest = self.stamp(own.wrapping_sub(1));
        let n = own.saturating_add(n.into()).min(self.policy.largest_limit().into());
        let stamp = self.ticks.ceil(now).max(newest);
        for (permit, slot) in (0_u64..).zip(&mut self.slots) {
            *slot = AtomicU64::new(if permit < n { self.layout.word(permit, stamp, 1) } else { 0 });
        }
        (self.head, self.refusal) = (AtomicU64::new(n), Refusal::none());
        self
    }

    /// Like [`with_used`](SlidingLog::with_used) with as many permits as can be granted at once, so that a client that
    /// was restarted does not spend a second burst. The longer quotas count no more than these permits. If they matter,
    /// tell [`with_used`](SlidingLog::with_used) how many permits may have been spent.
    ///
    /// ```
    /// use tollgate::{Algorithm, Nanos, Policy, SlidingLog};
    ///
    /// let log = SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?.start_empty(Nanos::ZERO);
    /// let denied = log.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
    /// assert_eq!(denied.retry_at(), Some(Nanos::from_secs(60)));
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    #[must_use]
    pub fn start_empty(self, now: Nanos) -> SlidingLog {
        let burst = self.burst;
        self.with_used(now, burst)
    }

    #[inline]
    fn rules(&self) -> &[Rule] {
        self.rules.get(..self.quotas as usize).unwrap_or(&self.rules)
    }

    #[inline]
    fn ring(&self) -> Ring<'_> {
        Ring { slots: &self.slots, layout: self.layout }
    }

    #[inline]
    fn head(&self) -> u64 {
        self.head.load(Acquire) // H
    }

    /// Whether the slot of `permit`, which was read before this, held no later lap (I4).
    #[inline]
    fn in_lap(&self, permit: u64) -> bool {
        let head = self.head.load(Relaxed); // V
        head < permit + self.margin
    }

    /// Tells others that all permits before `to` are granted and their slots are filled.
    #[inline]
    fn advance(&self, to: u64) {
        self.head.fetch_max(to, Release); // A
    }

    /// Whether the granted permits still end at `permit`, where they ended before.
    #[inline]
    fn ends_at(&self, permit: u64) -> bool {
        !self.layout.is_of(permit, self.ring().load_again(permit)) && self.in_lap(permit)
    }

    /// Where the granted permits end. It is right if the permit is [`in_lap`](Self::in_lap) afterwards.
    #[inline]
    fn end(&self, ring: Ring<'_>) -> End {
        loop {
            let head = self.head();
            let permit = ring.first_vacant(head, self.lag);
            let vacant = ring.load(permit);
            if !self.layout.is_of(permit, vacant) {
                return End { permit, head, vacant };
            }
            self.carry_out(permit, vacant);
        }
    }

    /// What the log answers to a call for `n` permits that begins at `end`. It is right if the log still
    /// [`ends_at`](Self::ends_at) it afterwards, or if the slot of `end` can be claimed.
    #[inline]
    fn check(&self, ring: Ring<'_>, end: u64, n: u64) -> Verdict {
        let mut verdict = Verdict { ready: 0, quota: 0 };
        for (quota, rule) in self.rules().iter().enumerate() {
            if let Some(leaving) = (end + n - 1).checked_sub(rule.limit) {
                let ready = self.layout.stamp(ring.load(leaving)) + rule.window;
                if ready > verdict.ready {
                    verdict = Verdict { ready, quota };
                }
            }
        }
        verdict
    }

    #[cold]
    fn never(&self, now: Nanos) -> Denied {
        Denied::new(now, self.smallest, None, self.burst)
    }

    #[inline]
    fn denied(&self, now: Nanos, verdict: &Verdict) -> Denied {
        Denied::new(now, verdict.quota, self.ticks.instant(verdict.ready), self.burst)
    }

    #[inline]
    fn acquire_one(&self, now: Nanos) -> Result<(), Denied> {
        let ticks = self.ticks.around(now);
        let (end, verdict) = self.refusal.recall();
        if verdict.ready > ticks.0 && self.ends_at(end) {
            return Err(self.denied(now, &verdict));
        }
        self.decide(now, ticks, 1).unwrap_or_else(|| self.contend(now, ticks, 1))
    }

    #[inline(never)] // So that a grant of one permit stays small.
    fn acquire_several(&self, now: Nanos, n: u64) -> Result<(), Denied> {
        let ticks = self.ticks.around(now);
        self.decide(now, ticks, n).unwrap_or_else(|| self.contend(now, ticks, n))
    }

    #[cold]
    #[inline(never)]
    fn contend(&self, now: Nanos, ticks: (u64, u64), n: u64) -> Result<(), Denied> {
        backoff::retry(backoff::SEVERAL_WORDS, || self.decide(now, ticks, n))
    }

    /// `n` must not be 0 nor above the burst. Returns `None` if another call came between.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "half of it goes away where n is 1")]
    fn decide(&self, now: Nanos, (floor, ceil): (u64, u64), n: u64) -> Option<Result<(), Denied>> {
        let ring = self.ring();
        let end = self.end(ring);
        let verdict = self.check(ring, end.permit, n);
        if verdict.ready <= floor {
            let newest = self.layout.stamp(ring.load_before(end.permit));
            return (self.in_lap(end.permit) && self.take(ring, &end, ceil.max(newest), n)).then_some(Ok(()));
        }
        if !self.ends_at(end.permit) {
            return None;
        }
        if n == 1 {
            self.refusal.remember(end.permit, &verdict);
        }
        Some(Err(self.denied(now, &verdict)))
    }

    /// Grants `n` permits at `end`, unless another thread was first.
    #[inline]
    fn take(&self, ring: Ring<'_>, end: &End, stamp: u64, n: u64) -> bool {
        if n > 1 && end.head < end.permit {
            self.advance(end.permit); // I4
        }
        let claimed = self.layout.word(end.permit, stamp, n);
        let granted = ring.claim(end.permit, end.vacant, claimed);
        if granted && n > 1 {
            self.carry_out(end.permit, claimed);
        } else if granted && end.permit & self.lag == self.lag {
            self.advance(end.permit + 1);
        }
        granted
    }

    /// Fills the slots of the run that `claimed` begins at `first`, and advances `head` past it. Any thread may do this,
    /// at any time.
    #[inline(never)] // So that a grant of one permit stays small.
    fn carry_out(&self, first: u64, claimed: u64) {
        let ring = self.ring();
        let (stamp, run) = (self.layout.stamp(claimed), self.layout.run(claimed));
        for permit in first + 1..first + run {
            let old = ring.load(permit);
            if self.layout.is_of(permit, old) {
                continue;
            }
            // The slot is not filled yet, or it is filled and already a lap further.
            if !self.in_lap(permit) {
                return;
            }
            ring.fill(permit, old, self.layout.word(permit, stamp, 1));
        }
        self.advance(first + run);
    }
}

/// The slots and how to read them, copied into registers. The compiler would load the fields of the log again after each
/// Acquire.
#[derive(Clone, Copy)]
struct Ring<'a> {
    slots: &'a [AtomicU64],
    layout: Layout,
}

impl Ring<'_> {
    #[inline]
    fn slot(&self, permit: u64) -> &AtomicU64 {
        &self.slots[self.layout.index(permit)]
    }

    #[inline]
    fn read(slot: &AtomicU64) -> u64 {
        slot.load(Acquire) // S
    }

    #[inline]
    fn load(&self, permit: u64) -> u64 {
        Self::read(self.slot(permit))
    }

    #[inline]
    fn load_again(&self, permit: u64) -> u64 {
        self.slot(permit).load(Acquire) // E
    }

    /// The slot before that of `end`. For permit 0 this is the last slot, which holds no stamp yet.
    #[inline]
    fn load_before(&self, end: u64) -> u64 {
        self.slot(end.wrapping_sub(1)).load(Relaxed) // N
    }

    /// The first permit from `head` on whose slot is vacant or begins a run of several. If the group of `head` has none
    /// before its last permit, it is that one.
    #[inline]
    fn first_vacant(&self, head: u64, lag: u64) -> u64 {
        let lap = self.layout.lap(head);
        let group = &self.slots[self.layout.index(head)..self.layout.index(head | lag)];
        let mut permit = head;
        for slot in group {
            if !self.layout.is_single(lap, Self::read(slot)) {
                break;
            }
            permit += 1;
        }
        permit
    }

    #[inline]
    fn claim(&self, permit: u64, vacant: u64, new: u64) -> bool {
        self.slot(permit).compare_exchange(vacant, new, Release, Relaxed).is_ok() // C
    }

    /// A failure means that another thread has filled the slot. This thread has read that value, so a thread that
    /// synchronizes with this one reads no older value (read-read coherence).
    fn fill(&self, permit: u64, old: u64, new: u64) {
        let _ = self.slot(permit).compare_exchange(old, new, Release, Relaxed); // F
    }
}

impl Algorithm for SlidingLog {
    #[inline]
    fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline]
    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 1 {
            return self.acquire_one(now);
        }
        if n == 0 {
            return Ok(());
        }
        if n > self.burst {
            return Err(self.never(now));
        }
        self.acquire_several(now, u64::from(n))
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        if n > self.burst {
            return Err(self.never(now));
        }
        let verdict = self.snapshot(|ring, end| self.check(ring, end, u64::from(n)));
        if verdict.ready > self.ticks.floor(now) { Err(self.denied(now, &verdict)) } else { Ok(()) }
    }

    fn status_at(&self, now: Nanos) -> Status {
        let floor = self.ticks.floor(now);
        self.snapshot(|_, end| {
            Status::new(now, self.rules().iter().map(|rule| self.quota_status(rule, end, now, floor)))
        })
    }
}

impl SlidingLog {
    /// What `read` returns for an end at which the log still [`ends_at`](Self::ends_at) afterwards.
    fn snapshot<R>(&self, read: impl Fn(Ring<'_>, u64) -> R) -> R {
        let ring = self.ring();
        loop {
            let end = self.end(ring).permit;
            let seen = read(ring, end);
            if self.ends_at(end) {
                return seen;
            }
        }
    }

    fn stamp(&self, permit: u64) -> u64 {
        self.layout.stamp(self.ring().load(permit))
    }

    /// How much of `rule` is left at `end`. It is right if the log still [`ends_at`](Self::ends_at) it afterwards.
    fn quota_status(&self, rule: &Rule, end: u64, now: Nanos, floor: u64) -> QuotaStatus {
        // Of the last `limit` permits, those that are still in the window are the newest: find the first of them.
        let (mut left, mut counted) = (end.saturating_sub(rule.limit), end);
        while left < counted {
            let middle = left + (counted - left) / 2;
            if self.stamp(middle) + rule.window <= floor {
                left = middle + 1;
            } else {
                counted = middle;
            }
        }
        let used = end - counted;
        let leaves = |permit| self.ticks.instant(self.stamp(permit) + rule.window).unwrap_or(Nanos::MAX);
        QuotaStatus {
            remaining: u32::try_from(rule.limit - used).unwrap_or(u32::MAX),
            next_at: if used < rule.limit { now } else { leaves(counted) },
            reset_at: if used == 0 { now } else { leaves(end - 1) },
        }
    }
}

impl core::fmt::Debug for SlidingLog {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let granted = self.end(self.ring()).permit;
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
