//! What the bits of a window counter's word mean, and how a call is checked by them.
//!
//! # State
//!
//! `word: { epoch: rest, tat: t, newest: l, older: k * c }`, from the highest bit to the lowest. Time is counted in ticks;
//! a sub-window is `2^tick_bits` ticks, and sub-window number `e` begins at tick `e << tick_bits`.
//!
//! - `epoch`: the number of the newest sub-window in which something was granted.
//! - `tat`: the theoretical arrival time of the bucket for the other quotas, in ticks after the beginning of `epoch`. If it
//!   lies before that, 0. If the counter alone keeps all quotas there is no bucket, and `t` is 0.
//! - `newest`: the permits granted in the newest sub-window.
//! - `older`: for each of the `k` sub-windows before it, the oldest lowest, the permits granted there in units of
//!   `2^unit_bits` permits. So the counts move on to a later sub-window by a shift.
//!
//! Invariants:
//!
//! - I1. `sum(older) * unit + newest <= limit`. So no sum carries into the next field.
//! - I2. Every permit is counted in the sub-window in which it was granted or in a later one, until that is more than `k`
//!   older than `epoch`. When a later sub-window gets a grant, the permits of the newest are divided by the unit, and the
//!   remainder counts in the later one instead. So the sum never falls short, it is too large by less than one unit, and it does not grow as time
//!   passes.
//! - I3. `tat <= limit * interval + 2^tick_bits`. A call is checked by `tat <= limit * interval + 1` after its tick. The 1 is
//!   for a burst that is taken one by one in one tick: its first permit is stamped at the next tick.
//! - I4. A grant adds to `newest` in the same epoch, or it raises `epoch`. Both make the word larger, as `one_word` wants.
//!
//! A `now` before `epoch` counts as the beginning of `epoch`: another call was granted in that sub-window, so in fact it is
//! no longer earlier. A `now` after the last tick counts as the last tick. Time stands still there.
//!
//! # A decision
//!
//! [`judge`](Judge::judge) is the rule: move the word on to the epoch of `now`, grant if the counter and the bucket both
//! admit, and otherwise find out from which instant they will. [`quick`](Judge::quick) answers what is common: a grant in
//! the newest sub-window, a refusal there by the bucket, and a refusal by the counter because of one permit.
//!
//! A locked instruction waits until every check before it is decided. So the checks of a quick answer are short chains that
//! begin at the word, and none needs another.

use super::plan::CounterPlan;
use crate::algorithm::backoff;
use crate::algorithm::one_word::Judge;
use crate::algorithm::reciprocal::Reciprocal;
use crate::decision::{Denied, QuotaStatus, Reason, Status};
use crate::nanos::Nanos;

/// First comes what a quick answer reads.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Counting {
    /// The most permits of a call that may have a quick answer: all, or none if a sum might not fit.
    quick: u32,
    burst: u32,
    /// The product with it has the sum of `newest` and `older` in its highest bits: see `sum`.
    counts: u64,
    /// There: one permit more than the limit (0 if that does not fit), and one permit. The latter again if a unit is one
    /// permit, and otherwise 0.
    excess: u64,
    summand: u64,
    missing: u64,
    /// One permit in `newest`, and so the bit above `older`.
    permit: u64,
    /// In the field `tat`: the ticks until a permit of the bucket comes back, or 0 if there is no bucket.
    interval: u64,
    /// The last instant that the word can hold, in nanoseconds.
    last: u64,
    /// Nanoseconds in a tick.
    tick: Reciprocal,
    /// One tick in the place of `epoch`, and 1 in that field.
    tick_in_epoch: u64,
    epoch: u64,
    /// The ticks of a sub-window less one, and one tick in the field `tat`.
    offset_mask: u64,
    tick_in_tat: u64,
    /// In the field `tat`: a tick, or 0 if there is no bucket; all of it; `limit * interval`; a sub-window.
    spare: u64,
    tat_mask: u64,
    room: u64,
    sub_window: u64,
    sub_window_nanos: u64,
    /// `2^12 / count_bits`, rounded up: makes the number of a bit that of its field.
    fields: u32,
    epoch_shift: u32,
    /// How many sub-windows a window has, and the bits of a field of `older`.
    sub_windows: u64,
    count_bits: u64,
    /// The fields `older` and `newest`. The units of `newest` when it is shifted by `unit_bits`, and its remainder.
    older_mask: u64,
    newest_mask: u64,
    closed_mask: u64,
    rest_mask: u64,
    /// The highest bits of a sum, which are whole units. How far `newest` is from there.
    units_mask: u64,
    newest_to_the_top: u32,
    unit_bits: u32,
    sum_shift: u32,
    newest_shift: u32,
    tat_shift: u32,
    tick_bits: u32,
    /// The last epoch.
    last_epoch: u64,
    /// The quota that is counted, and the one that decides the interval of the bucket.
    counted: Reason,
    paced: Reason,
    /// Whether the latter is listed first.
    paced_first: bool,
    /// A bit for each quota that needs the bucket.
    by_bucket: u8,
    /// The first quota with the smallest limit, which may not be the counted one, and how many there are.
    smallest: u8,
    quotas: u8,
}

/// A word at an instant: moved on to the epoch of the instant, if that is later.
struct Moment {
    word: u64,
    /// The tick at or before `now`, counted from the beginning of the epoch, in the place of `tat`.
    at: u64,
}

impl Judge for Counting {
    const QUICK: bool = true;
    const PAUSES: u32 = backoff::COUNTS;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called out of line, a refusal goes through memory")]
    fn quick(&self, word: u64, now: Nanos, n: u32) -> Option<Result<u64, Denied>> {
        if n > self.quick {
            return None;
        }
        let (nanos, cost) = (now.as_nanos(), self.interval * u64::from(n));
        let (sum, most) = (word.wrapping_mul(self.counts), self.most(n));
        if sum >= most {
            return if sum - most < self.missing { self.refused_by_one(word, now, cost) } else { None };
        }
        if nanos > self.last {
            return None;
        }
        let floor = self.tick.floor(nanos);
        if word ^ (floor * self.tick_in_epoch) >= self.epoch {
            return None;
        }
        let stamp = (floor & self.offset_mask) * self.tick_in_tat + self.spare;
        let tat = word & self.tat_mask;
        if tat + cost > stamp + self.room {
            let until = self.instant(word, tat + cost - self.room - self.spare);
            return Some(Err(self.denied(now, self.paced, until)));
        }
        Some(Ok(word.wrapping_add(self.permit * u64::from(n) + cost + stamp.saturating_sub(tat))))
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn judge(&self, word: u64, now: Nanos, n: u32) -> Result<u64, Denied> {
        if n > self.burst {
            return Err(Denied::new(now, usize::from(self.smallest), None, self.burst));
        }
        let cost = self.interval * u64::from(n);
        let moment = self.moment(word, now);
        let (stamp, tat) = (moment.at + self.spare, moment.word & self.tat_mask);
        if self.sum(moment.word) < self.most(n) && tat + cost <= stamp + self.room {
            return Ok(moment
                .word
                .wrapping_add(self.permit * u64::from(n) + cost + stamp.saturating_sub(tat)));
        }
        Err(self.refused(word, now, n))
    }
}

impl Counting {
    #[expect(clippy::cast_possible_truncation, reason = "a policy holds at most 8 quotas")]
    pub(crate) fn new(plan: &CounterPlan) -> Counting {
        let layout = plan.layout();
        let (burst, limit) = (plan.burst(), u64::from(plan.burst()));
        let (sub_windows, unit_bits) = (plan.sub_windows(), plan.unit_bits);
        let mask = |bits: u32| u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0);
        let newest_shift = sub_windows * layout.count_bits;
        let tat_shift = newest_shift + layout.total_bits;
        let epoch_shift = tat_shift + layout.tat_bits;
        let sum_shift = u64::BITS - layout.total_bits;
        let in_tat = |ticks: u64| ticks << tat_shift;
        let whole = u64::BITS - layout.count_bits;
        let to_the_top = (0..sub_windows).map(|field| 1 << (whole - field * layout.count_bits));
        let newest_to_the_top = u64::BITS - tat_shift;
        Counting {
            quick: if unit_bits == 0 || (limit >> unit_bits) + 1 < 1 << layout.count_bits {
                burst
            } else {
                0
            },
            burst,
            counts: to_the_top.sum::<u64>() + (1 << newest_to_the_top),
            excess: (limit + 1).wrapping_shl(sum_shift),
            summand: 1 << sum_shift,
            missing: if unit_bits == 0 { 1 << sum_shift } else { 0 },
            permit: 1 << newest_shift,
            interval: in_tat(plan.units),
            last: layout.last * plan.tick,
            tick: Reciprocal::new(plan.tick),
            tick_in_epoch: 1 << (epoch_shift - plan.tick_bits),
            epoch: 1 << epoch_shift,
            offset_mask: mask(plan.tick_bits),
            tick_in_tat: in_tat(1),
            spare: in_tat(u64::from(plan.units > 0)),
            tat_mask: in_tat(mask(layout.tat_bits)),
            room: in_tat(plan.units * limit),
            sub_window: in_tat(1 << plan.tick_bits),
            sub_window_nanos: u64::try_from(plan.sub_window_nanos()).unwrap_or(u64::MAX),
            fields: field_of_bit(layout.count_bits),
            epoch_shift,
            sub_windows: sub_windows.into(),
            count_bits: layout.count_bits.into(),
            older_mask: mask(newest_shift),
            newest_mask: mask(layout.total_bits) << newest_shift,
            closed_mask: mask(layout.count_bits) << newest_shift,
            rest_mask: mask(unit_bits) << newest_shift,
            units_mask: mask(layout.count_bits) << whole,
            newest_to_the_top,
            unit_bits,
            sum_shift,
            newest_shift,
            tat_shift,
            tick_bits: plan.tick_bits,
            last_epoch: layout.last >> plan.tick_bits,
            counted: Reason::quota(plan.counted()),
            paced: Reason::quota(plan.paced.into()),
            paced_first: usize::from(plan.paced) < plan.counted(),
            by_bucket: plan.by_bucket,
            smallest: plan.policy().smallest_limit().0 as u8,
            quotas: plan.policy().quotas().len() as u8,
        }
    }

    /// The permits that count, in the highest bits. Less than a permit may stand below them.
    ///
    /// A quick answer takes the product for all units. There the lower fields add to the field of `newest` less than a
    /// permit if a unit is one permit, and less than a unit otherwise. So the product is never too small, and a quick answer
    /// refuses nothing by it if it is too large.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn sum(&self, word: u64) -> u64 {
        if self.unit_bits == 0 {
            return word.wrapping_mul(self.counts);
        }
        let units = (word & self.older_mask).wrapping_mul(self.counts) & self.units_mask;
        units.wrapping_add(word << self.newest_to_the_top)
    }

    /// What `sum` may not reach if `n` more permits are granted. `n` is not 0.
    #[inline]
    fn most(&self, n: u32) -> u64 {
        self.excess.wrapping_sub(self.summand * u64::from(n))
    }

    /// The permits that count.
    fn total(&self, word: u64) -> u64 {
        self.sum(word) >> self.sum_shift
    }

    /// The sum of `older`.
    fn units(&self, word: u64) -> u64 {
        self.older(word).sum()
    }

    /// The fields of `older`, the oldest first.
    fn older(&self, word: u64) -> impl Iterator<Item = u64> {
        let (older, field) = (word & self.older_mask, (1 << self.count_bits) - 1);
        (0..self.sub_windows).map(move |place| (older >> (place * self.count_bits)) & field)
    }

    /// A refusal of permits that are one too many, if the counter refuses them longer than the bucket.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn refused_by_one(&self, word: u64, now: Nanos, cost: u64) -> Option<Result<u64, Denied>> {
        let later = self.oldest_leaves(word);
        let until = ((word >> self.epoch_shift) + later).wrapping_mul(self.sub_window_nanos);
        let by_counter = (word & self.tat_mask) + cost < self.room + self.spare + later * self.sub_window;
        (now.as_nanos() < until && by_counter).then(|| Err(self.denied(now, self.counted, until)))
    }

    /// How many sub-windows after the epoch of a word the oldest sub-window leaves that has any unit. The newest comes last.
    #[inline]
    fn oldest_leaves(&self, word: u64) -> u64 {
        let bit = (word | self.permit).trailing_zeros();
        u64::from((bit * self.fields) >> 12) + 1
    }

    /// What refuses `n` permits, and until when. That follows from the word and `n` alone.
    #[inline(never)]
    fn refused(&self, word: u64, now: Nanos, n: u32) -> Denied {
        let cost = self.interval * u64::from(n);
        let excess = (self.total(word) + u64::from(n)).saturating_sub(self.burst.into());
        let counter = if excess > 0 { self.counted_until(word, excess) } else { 0 };
        let late = ((word & self.tat_mask) + cost).saturating_sub(self.room + self.spare);
        let bucket = if late > 0 { self.instant(word, late) } else { 0 };
        // The later of the two, and on a tie the quota that is listed first.
        let by_bucket = bucket > counter || (bucket == counter && self.paced_first);
        self.denied(now, if by_bucket { self.paced } else { self.counted }, counter.max(bucket))
    }

    /// The instant at which `excess` permits of a word no longer count.
    ///
    /// Only a grant makes the remainder of a unit stay longer, so this must look at the word as it stands.
    fn counted_until(&self, word: u64, excess: u64) -> u64 {
        let units = excess.div_ceil(1 << self.unit_bits);
        if units == 1 {
            return ((word >> self.epoch_shift) + self.oldest_leaves(word))
                .saturating_mul(self.sub_window_nanos);
        }
        let mut gone = 0;
        let stay = self.older(word).take_while(|older| {
            gone += older;
            gone < units
        });
        let later = stay.fold(1, |later, _| later + 1);
        ((word >> self.epoch_shift) + later).saturating_mul(self.sub_window_nanos)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn moment(&self, word: u64, now: Nanos) -> Moment {
        let floor = self.tick.floor(now.as_nanos().min(self.last));
        let offset = floor & self.offset_mask;
        let (epoch, newest) = ((floor - offset) * self.tick_in_epoch, word & !(self.epoch - 1));
        let at = offset * self.tick_in_tat;
        match epoch {
            _ if epoch == newest => Moment { word, at },
            _ if epoch > newest => {
                Moment { word: self.moved(word, epoch, (epoch - newest) >> self.epoch_shift), at }
            }
            _ => Moment { word, at: 0 },
        }
    }

    /// The same state, seen from `epoch`, in its place. It is `by` epochs later, which is at least 1.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn moved(&self, word: u64, epoch: u64, by: u64) -> u64 {
        let tat = word & self.tat_mask;
        if by > self.sub_windows {
            let tat = self.ticks(tat).saturating_sub(by << self.tick_bits);
            return epoch | tat << self.tat_shift;
        }
        let tat = tat.saturating_sub(by * self.sub_window);
        let closed = ((word >> self.unit_bits) & self.closed_mask) | (word & self.older_mask);
        epoch | tat | (word & self.rest_mask) | (closed >> (by * self.count_bits))
    }

    /// What stands in the place of `tat`, in ticks.
    #[inline]
    fn ticks(&self, in_tat: u64) -> u64 {
        in_tat >> self.tat_shift
    }

    /// The first tick of a word's epoch.
    #[inline]
    fn start(&self, word: u64) -> u64 {
        (word >> self.epoch_shift) << self.tick_bits
    }

    /// The instant of tick `at` of a word's epoch. `at` is in the place of `tat`.
    #[inline]
    fn instant(&self, word: u64, at: u64) -> u64 {
        self.start(word).saturating_add(self.ticks(at)).saturating_mul(self.tick.divisor())
    }

    /// A refusal by a quota until an instant, or for ever if that is after the last one.
    #[inline]
    fn denied(&self, now: Nanos, quota: Reason, until: u64) -> Denied {
        Denied::because(now, quota, self.promised(until), self.burst)
    }

    /// `None` if that is after the last instant.
    #[inline]
    fn promised(&self, instant: u64) -> Option<Nanos> {
        (instant <= self.last).then(|| Nanos::from_nanos(instant))
    }

    pub(crate) fn status_at(&self, word: u64, now: Nanos) -> Status {
        let moment = self.moment(word, now);
        let limit = u64::from(self.burst);
        let used = self.total(moment.word);
        let until = |most: u64| {
            (used > most).then(|| self.counted_until(word, self.total(word).saturating_sub(most)))
        };
        let counter = self.left(limit.saturating_sub(used), until(limit - 1), until(0), now);
        let tat = moment.word & self.tat_mask;
        let ahead = tat.saturating_sub(moment.at + self.spare);
        let left = limit.saturating_sub(ahead.div_ceil(self.interval.max(1)));
        let late = (tat + self.interval).saturating_sub(self.room + self.spare);
        let next_at = (late > moment.at).then(|| self.instant(moment.word, late));
        let whole_at = (ahead > 0).then(|| self.instant(moment.word, tat - self.spare));
        let bucket = self.left(left, next_at, whole_at, now);
        let of = |quota: u8| if self.by_bucket >> quota & 1 == 1 { bucket } else { counter };
        Status::new(now, (0..self.quotas).map(of))
    }

    /// The instants at which one permit is left, and all of them are, if that is not so now.
    fn left(&self, remaining: u64, next_at: Option<u64>, whole_at: Option<u64>, now: Nanos) -> QuotaStatus {
        let first = |at: Option<u64>| at.map_or(now, |at| self.promised(at).unwrap_or(Nanos::MAX));
        QuotaStatus {
            remaining: u32::try_from(remaining).unwrap_or(self.burst),
            next_at: first(next_at),
            reset_at: first(whole_at),
        }
    }

    /// The word of a limiter beside which `n` permits were used, all at `now`. The longest quota that the counter alone keeps
    /// is longer than a window by `longer` nanoseconds.
    ///
    /// What does not fit into the word is kept by the word of a later epoch. Until that begins, all calls are judged at its
    /// beginning, and refused there.
    ///
    /// If more permits are used than a window has, the longer quotas that the counter alone keeps must not miss the rest. So
    /// the whole limit counts as many windows later as all that is used would fill, but no later than `longer`, after which no
    /// window holds permits from before and after. Why that is enough: let `w` be those windows. Nothing is granted for `w`
    /// windows from `now` on, and `w` windows may hold what is used. So all is as if it had been granted one window after
    /// the other. If this is done again before that time is over, it goes on from there.
    pub(crate) fn with_used(&self, word: u64, now: Nanos, n: u32, longer: u64) -> u64 {
        if n == 0 {
            return word;
        }
        let Moment { word, at } = self.moment(word, now);
        let (n, limit) = (u64::from(n), u64::from(self.burst));
        let (interval, span) = (self.ticks(self.interval), self.ticks(self.room + self.spare));
        let tat = self.ticks((word & self.tat_mask).max(at + self.spare));
        let tat = (self.start(word) + tat).saturating_add(interval.saturating_mul(n)); // Wanted, from the origin.
        let epoch = word >> self.epoch_shift;
        let used = self.total(word) + n;
        let held = if used > limit && longer > 0 {
            let windows = used.div_ceil(limit).saturating_mul(self.sub_windows);
            let (_, latest) = self.tick.around(now.as_nanos().saturating_add(longer).min(self.last));
            epoch.saturating_add(windows).min(latest >> self.tick_bits)
        } else {
            0
        };
        let paced = match interval {
            0 => 0,
            _ => (tat.saturating_sub(span) >> self.tick_bits).min(self.last_epoch),
        };
        let held = held.max(paced);
        let (epoch, older) = if held > epoch { (held, 0) } else { (epoch, self.younger(word, n)) };
        let newest = used.min(limit) - (self.units(older) << self.unit_bits);
        let tat = tat.saturating_sub(epoch << self.tick_bits).min(span + self.offset_mask);
        let tat = (tat << self.tat_shift) & self.tat_mask;
        (epoch << self.epoch_shift) | tat | (newest << self.newest_shift) | older
    }

    /// What `older` keeps when the newest sub-window gets `n` more. Where that is more than the limit, the oldest permits are
    /// left out: they would leave first.
    fn younger(&self, word: u64, n: u64) -> u64 {
        let newest = ((word & self.newest_mask) >> self.newest_shift) + n;
        let room = u64::from(self.burst).saturating_sub(newest) >> self.unit_bits;
        let mut left_out = self.units(word).saturating_sub(room);
        let kept = self.older(word).map(|older| {
            let units = older.saturating_sub(left_out);
            left_out -= older - units;
            units
        });
        (0_u64..).zip(kept).fold(0, |word, (field, units)| word | units << (field * self.count_bits))
    }
}

/// `2^12 / bits`, rounded up.
fn field_of_bit(bits: u32) -> u32 {
    (1_u32 << 12).div_ceil(bits.max(1))
}

#[cfg(test)]
mod tests {
    use super::{CounterPlan, Counting, Judge, Nanos, field_of_bit};
    use crate::quota::Policy;

    /// A word without an epoch whose counts are chosen by `pick`, and how many permits it holds. I1 holds.
    fn counts(judge: &Counting, mut pick: impl FnMut(u64) -> u64) -> (u64, u64) {
        let (mut left, mut word) = (u64::from(judge.burst), 0);
        for field in 0..judge.sub_windows {
            let units = pick(left >> judge.unit_bits);
            left -= units << judge.unit_bits;
            word |= units << (field * judge.count_bits);
        }
        let newest = pick(left);
        (word | newest << judge.newest_shift | judge.tat_mask, u64::from(judge.burst) - left + newest)
    }

    const POLICIES: [&str; 8] = [
        "50/1m, 1500/1h",
        "1500/1h, 50/1m",
        "50/1m",
        "63/1m",
        "1/1s",
        "3000/1m, 100000/1h",
        "16380/1s",
        "1000000/1d",
    ];

    /// Numbers from 0 to a most.
    fn random(mut seed: u64) -> impl FnMut(u64) -> u64 {
        move |most| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % (most + 1)
        }
    }

    /// The product that a quick answer looks at is exact if a unit is one permit, and otherwise too large by less than a unit.
    #[test]
    fn sums_are_never_too_small() {
        let mut random = random(1);
        let mut units = 0;
        for policy in POLICIES {
            let policy: Policy = policy.parse().unwrap();
            let judge = Counting::new(&CounterPlan::new(policy).unwrap());
            units += judge.unit_bits;
            for i in 0..20_000 {
                // Random counts, and all that there is room for.
                let (word, total) = counts(&judge, |most| if i % 3 == 0 { most } else { random(most) });
                assert_eq!(judge.total(word), total, "{word:x} of {policy}");
                let found = word.wrapping_mul(judge.counts) >> judge.sum_shift;
                let most = total + (1 << judge.unit_bits);
                assert!(
                    judge.quick == 0 || (total..most).contains(&found),
                    "{found} for {total} in {word:x} of {policy}"
                );
            }
        }
        assert!(units > 0, "no plan has units");
    }

    /// A quick answer is that of the rule, in random histories that rise above each limit and fall below it.
    #[test]
    fn quick_answers_are_those_of_the_rule() {
        let mut random = random(2);
        let mut answers = [0, 0];
        for policy in POLICIES {
            let policy: Policy = policy.parse().unwrap();
            let judge = Counting::new(&CounterPlan::new(policy).unwrap());
            let limit = u64::from(judge.burst);
            let (mut word, mut nanos) = (0, 0);
            for _ in 0..20_000 {
                let n = match random(3) {
                    0 => random(limit / 8) + 1,
                    1 => random(limit - 1) + 1,
                    _ => 1,
                };
                nanos += match random(3) {
                    0 => random(judge.sub_window_nanos / 16),
                    1 => judge.sub_window_nanos * random(2),
                    _ => 0,
                };
                let n = u32::try_from(n).unwrap();
                let now = Nanos::from_nanos(nanos);
                let answer = judge.judge(word, now, n);
                if let Some(quick) = judge.quick(word, now, n) {
                    assert_eq!(quick, answer, "{n} at {now:?} of {policy}, {word:x}");
                    answers[usize::from(quick.is_ok())] += 1;
                }
                word = answer.unwrap_or(word);
            }
        }
        assert!(answers.iter().all(|&quick| quick > 10_000), "{answers:?}");
    }

    #[test]
    fn the_field_of_each_bit() {
        for bits in 1..=32 {
            for bit in 0..64 {
                assert_eq!((bit * field_of_bit(bits)) >> 12, bit / bits, "bit {bit} in fields of {bits}");
            }
        }
    }
}
