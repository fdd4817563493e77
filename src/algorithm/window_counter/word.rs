//! What the bits of a window counter's word mean, and how a call is checked by them.
//!
//! # State
//!
//! `word: { epoch: rest, tat: t, newest: l, older: k * c }`, from the highest bit to the lowest. Between `epoch` and `tat`
//! there may be bits that are always 0. Time is counted in ticks; a sub-window is `2^tick_bits` ticks, and sub-window number
//! `e` begins at tick `e << tick_bits`.
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
//! - I1. `sum(older) * unit + newest <= limit`. So `newest` never carries into the next field.
//! - I2. Every permit is counted in the sub-window in which it was granted or in a later one, until that is more than `k`
//!   older than `epoch`. When a later sub-window gets a grant, the permits of the newest are divided by the unit, and the
//!   remainder counts in the later one instead. So the sum never falls short, it is too large by less than one unit, and
//!   it does not grow as time passes.
//! - I3. `tat < limit * interval + 2^tick_bits`. A call counts from the tick at or before it, and leaves `tat` no later than
//!   `limit * interval` after that.
//! - I4. A grant adds to `newest` in the same epoch, or it raises `epoch`. Both make the word larger, as `one_word` wants.
//!
//! A `now` before `epoch` counts as the beginning of `epoch`: another call was granted in that sub-window, so in fact it is
//! no longer earlier. A `now` after the last tick counts as the last tick. Time stands still there.
//!
//! # A decision
//!
//! [`judge`](Judge::judge) is the rule: move the word on to the epoch of `now`, grant if the counter and the bucket both
//! admit, and otherwise find out from which instant they will. [`quick`](Judge::quick) answers what is common: a grant in
//! the newest sub-window, a refusal there by the bucket, and a refusal by the counter of permits that are too many by no more
//! than a unit.
//!
//! A locked instruction waits until every check before it is decided. So the checks of a quick answer are short chains that
//! begin at the word, and none of a grant needs another.

use core::num::{NonZeroU32, NonZeroU64};

use super::plan::CounterPlan;
use crate::algorithm::backoff;
use crate::algorithm::one_word::Judge;
use crate::algorithm::reciprocal::Reciprocal;
use crate::decision::{Denied, QuotaStatus, Reason, Status, at_least_one};
use crate::nanos::Nanos;

/// First comes what a quick answer reads.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Counting {
    /// The most permits of a call that may have a quick answer.
    quick: u32,
    burst: NonZeroU32,
    /// The product with it has the sum of `newest` and `older` in its highest bits: see `sum`.
    counts: u64,
    /// There: what a product that has wrapped does not reach; the limit, less that; one permit.
    doubtful: u64,
    quick_limit: u64,
    summand: u64,
    /// A unit in the highest bits of a sum.
    unit: u64,
    unit_bits: u32,
    /// In the field `tat`: how far the bucket lets it be ahead of a call for one permit, and the ticks until a permit comes
    /// back. Both are 0 if there is no bucket.
    slack: u64,
    interval: u64,
    /// That interval, and one permit in `newest`.
    charge: u64,
    /// The last instant that the word can hold, in nanoseconds.
    last: u64,
    /// Nanoseconds in a tick.
    tick: Reciprocal,
    /// Brings a quotient by the tick into the place of `epoch`. 1 in that field.
    to_epoch: u64,
    epoch: u64,
    /// In such a quotient, the ticks after the beginning of a sub-window. By how many bits they are rotated into `tat`.
    offset_mask: u64,
    to_tat: u32,
    /// In the field `tat`: all of it, and a sub-window.
    tat_mask: u64,
    sub_window: u64,
    sub_window_nanos: u64,
    /// `2^12 / count_bits`, rounded up: makes the number of a bit that of its field.
    fields: u32,
    epoch_shift: u32,
    /// How many bits of a quotient by the tick stand for less than a sub-window.
    to_number: u32,
    /// How many sub-windows a window has, and the bits of a field of `older`.
    sub_windows: u64,
    count_bits: u64,
    /// The fields `older` and `newest`, and both. The units of `newest` when it is shifted by `unit_bits`, and its remainder.
    older_mask: u64,
    newest_mask: u64,
    counts_mask: u64,
    closed_mask: u64,
    rest_mask: u64,
    /// The highest bits of a sum, which are whole units. How far `newest` is from there.
    units_mask: u64,
    newest_to_the_top: u32,
    sum_shift: u32,
    newest_shift: u32,
    tat_shift: u32,
    tick_bits: u32,
    /// The last epoch.
    last_epoch: u64,
    /// In the highest bits of a sum: the limit.
    limit: u64,
    /// One permit in `newest`, and so the bit above `older`.
    permit: NonZeroU64,
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

/// A word at an instant: moved on to the epoch of the instant, if that is later. All parts are in their places.
struct Moment {
    epoch: u64,
    tat: u64,
    counts: u64,
    /// The tick at or before `now`, counted from the beginning of the epoch, in the place of `tat`.
    at: u64,
}

impl Judge for Counting {
    const QUICK: bool = true;
    const PAUSES: u32 = backoff::COUNTS;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called out of line, a refusal goes through memory")]
    fn quick(&self, word: u64, now: Nanos, n: u32) -> Option<Result<u64, Denied>> {
        if n > 1 && n > self.quick {
            return None;
        }
        if let Some(excess) = self.excess_of_product(word, n) {
            let excess =
                if self.unit_bits == 0 { excess } else { self.sum(word).checked_sub(self.most(n))? };
            // One permit is never too many by more than a unit.
            return if n == 1 || excess < self.unit { self.refused_by_unit(word, now, n) } else { None };
        }
        if now.as_nanos() > self.last {
            return None;
        }
        let ticks = self.tick.quotient(now.as_nanos());
        if word ^ (ticks * self.to_epoch) >= self.epoch {
            return None;
        }
        let (at, tat) = (self.offset(ticks), word & self.tat_mask);
        let slack = self.slack(n);
        if tat > at + slack {
            let until = self.instant(word, tat - slack);
            return Some(Err(self.denied(now, self.paced, until)));
        }
        Some(Ok(word.wrapping_add(self.charge * u64::from(n) + at.saturating_sub(tat))))
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn judge(&self, word: u64, now: Nanos, n: u32) -> Result<u64, Denied> {
        if n > self.burst.get() {
            return Err(Denied::new(now, usize::from(self.smallest), None, self.burst.get()));
        }
        self.grant(word, now, n).ok_or_else(|| self.refused(word, now, n))
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn grant(&self, word: u64, now: Nanos, n: u32) -> Option<u64> {
        if n > self.burst.get() {
            return None;
        }
        let Moment { epoch, tat, counts, at } = self.moment(word, now);
        let fits = self.sum(counts) < self.most(n) && tat <= at + self.slack(n);
        fits.then(|| (epoch | counts).wrapping_add(tat.max(at) + self.charge * u64::from(n)))
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
        let tick = Reciprocal::new(plan.tick);
        let fraction_bits = tick.fraction_bits();
        // Where an epoch has bits to spare they lie below it, so that a quotient comes into its place by a shift to the left.
        let epoch_shift = (tat_shift + layout.tat_bits).max(fraction_bits + plan.tick_bits);
        let sum_shift = u64::BITS - layout.total_bits;
        let in_tat = |ticks: u64| ticks << tat_shift;
        let whole = u64::BITS - layout.count_bits;
        let to_the_top = (0..sub_windows).map(|field| 1 << (whole - field * layout.count_bits));
        let newest_to_the_top = u64::BITS - tat_shift;
        let doubtful = match unit_bits {
            0 => 0,
            _ => (limit + (1 << unit_bits)).saturating_sub(1 << layout.total_bits),
        };
        Counting {
            quick: burst.min((limit + 1 - doubtful) as u32),
            burst: at_least_one(burst),
            counts: to_the_top.sum::<u64>() + (1 << newest_to_the_top),
            doubtful: doubtful << sum_shift,
            quick_limit: (limit - doubtful) << sum_shift,
            summand: 1 << sum_shift,
            unit: 1 << whole,
            interval: in_tat(plan.units),
            slack: in_tat(plan.units * (limit - 1)),
            charge: in_tat(plan.units) + (1 << newest_shift),
            last: layout.last * plan.tick,
            to_epoch: 1 << (epoch_shift - plan.tick_bits - fraction_bits),
            epoch: 1 << epoch_shift,
            offset_mask: mask(plan.tick_bits) << fraction_bits,
            to_tat: (fraction_bits + u64::BITS - tat_shift) % u64::BITS,
            tick,
            tat_mask: in_tat(mask(layout.tat_bits)),
            sub_window: in_tat(1 << plan.tick_bits),
            sub_window_nanos: u64::try_from(plan.sub_window_nanos()).unwrap_or(u64::MAX),
            fields: field_of_bit(layout.count_bits),
            epoch_shift,
            to_number: fraction_bits + plan.tick_bits,
            sub_windows: sub_windows.into(),
            count_bits: layout.count_bits.into(),
            older_mask: mask(newest_shift),
            newest_mask: mask(layout.total_bits) << newest_shift,
            counts_mask: mask(tat_shift),
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
            limit: limit << sum_shift,
            permit: NonZeroU64::new(1 << newest_shift).unwrap_or(NonZeroU64::MIN),
            counted: Reason::quota(plan.counted()),
            paced: Reason::quota(plan.paced.into()),
            paced_first: usize::from(plan.paced) < plan.counted(),
            by_bucket: plan.by_bucket,
            smallest: plan.policy().smallest_limit().0 as u8,
            quotas: plan.policy().quotas().len() as u8,
        }
    }

    /// The permits that count, in the highest bits. Less than a permit may stand below them.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn sum(&self, word: u64) -> u64 {
        if self.unit_bits == 0 {
            return word.wrapping_mul(self.counts);
        }
        let units = (word & self.older_mask).wrapping_mul(self.counts) & self.units_mask;
        units.wrapping_add(word << self.newest_to_the_top)
    }

    /// `None` if a word surely has room for `n` more permits. Otherwise by how much it has more than just too many, in the
    /// highest bits: 0 for one permit too many. `n` is at most `quick`.
    ///
    /// It takes the product for all units. If a unit is one permit, that is the sum. Otherwise the lower fields add to the
    /// field of `newest` less than a unit, so the product may be too large, and it may have wrapped. What has wrapped is less
    /// than `doubtful`. Whatever is less than that counts as too large here, and `sum` must tell.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn excess_of_product(&self, word: u64, n: u32) -> Option<u64> {
        let product = word.wrapping_mul(self.counts).wrapping_sub(self.doubtful);
        product.checked_sub(self.quick_limit - self.summand * u64::from(n - 1))
    }

    /// How far `tat` may be ahead of a call for `n` permits. `n` is from 1 to `burst`.
    #[inline]
    fn slack(&self, n: u32) -> u64 {
        self.slack - self.interval * u64::from(n - 1)
    }

    /// What `sum` may not reach if `n` more permits are granted. `n` is not 0.
    #[inline]
    fn most(&self, n: u32) -> u64 {
        self.limit - self.summand * u64::from(n - 1)
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

    /// A refusal of permits that are too many by no more than a unit, if the counter still refuses them at `now`, longer than
    /// the bucket, and not for ever.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `quick`")]
    fn refused_by_unit(&self, word: u64, now: Nanos, n: u32) -> Option<Result<u64, Denied>> {
        let later = self.oldest_leaves(word);
        let until = ((word >> self.epoch_shift) + later).wrapping_mul(self.sub_window_nanos);
        let by_counter = (word & self.tat_mask) < self.slack(n) + later * self.sub_window;
        let in_time = now.as_nanos() < until && until <= self.last;
        let until = Some(Nanos::from_nanos(until));
        (in_time && by_counter).then(|| Err(Denied::because(now, self.counted, until, self.burst)))
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
        let excess = (self.total(word) + u64::from(n)).saturating_sub(self.burst.get().into());
        let counter = if excess > 0 { self.counted_until(word, excess) } else { 0 };
        let late = (word & self.tat_mask).saturating_sub(self.slack(n));
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
        let ticks = self.tick.quotient(now.as_nanos().min(self.last));
        let (tat, counts) = (word & self.tat_mask, word & self.counts_mask);
        let (number, newest) = (ticks >> self.to_number, word >> self.epoch_shift);
        if number < newest {
            return Moment { epoch: newest << self.epoch_shift, tat, counts, at: 0 };
        }
        let (by, epoch, at) = (number - newest, number << self.epoch_shift, self.offset(ticks));
        match by {
            0 => Moment { epoch, tat, counts, at },
            _ if by <= self.sub_windows => {
                let tat = tat.saturating_sub(by * self.sub_window);
                let closed = ((counts >> self.unit_bits) & self.closed_mask) | (counts & self.older_mask);
                let counts = (counts & self.rest_mask) | (closed >> (by * self.count_bits));
                Moment { epoch, tat, counts, at }
            }
            _ => {
                let tat = self.ticks(tat).saturating_sub(by << self.tick_bits) << self.tat_shift;
                Moment { epoch, tat, counts: 0, at }
            }
        }
    }

    /// The whole ticks of a quotient after the beginning of its sub-window, in the place of `tat`.
    #[inline]
    fn offset(&self, ticks: u64) -> u64 {
        (ticks & self.offset_mask).rotate_right(self.to_tat)
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
        let limit = u64::from(self.burst.get());
        let used = self.total(moment.counts);
        let until = |most: u64| {
            (used > most).then(|| self.counted_until(word, self.total(word).saturating_sub(most)))
        };
        let counter = self.left(limit.saturating_sub(used), until(limit - 1), until(0), now);
        let tat = moment.tat;
        let ahead = tat.saturating_sub(moment.at);
        let left = limit.saturating_sub(ahead.div_ceil(self.interval.max(1)));
        let late = tat.saturating_sub(self.slack);
        let next_at = (late > moment.at).then(|| self.instant(moment.epoch, late));
        let whole_at = (ahead > 0).then(|| self.instant(moment.epoch, tat));
        let bucket = self.left(left, next_at, whole_at, now);
        let of = |quota: u8| if self.by_bucket >> quota & 1 == 1 { bucket } else { counter };
        Status::new(now, (0..self.quotas).map(of))
    }

    /// The instants at which one permit is left, and all of them are, if that is not so now.
    fn left(&self, remaining: u64, next_at: Option<u64>, whole_at: Option<u64>, now: Nanos) -> QuotaStatus {
        let first = |at: Option<u64>| at.map_or(now, |at| self.promised(at).unwrap_or(Nanos::MAX));
        QuotaStatus {
            remaining: u32::try_from(remaining).unwrap_or(self.burst.get()),
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
        let Moment { epoch, tat, counts, at } = self.moment(word, now);
        let (n, limit) = (u64::from(n), u64::from(self.burst.get()));
        let (interval, span) = (self.ticks(self.interval), self.ticks(self.slack + self.interval));
        let tat = self.ticks(tat.max(at));
        let tat = (self.start(epoch) + tat).saturating_add(interval.saturating_mul(n)); // Wanted, from the origin.
        let epoch = epoch >> self.epoch_shift;
        let used = self.total(counts) + n;
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
        let (epoch, older) = if held > epoch { (held, 0) } else { (epoch, self.younger(counts, n)) };
        let newest = used.min(limit) - (self.units(older) << self.unit_bits);
        let tat = tat.saturating_sub(epoch << self.tick_bits).min(span + (1 << self.tick_bits) - 1);
        let tat = (tat << self.tat_shift) & self.tat_mask;
        (epoch << self.epoch_shift) | tat | (newest << self.newest_shift) | older
    }

    /// What `older` keeps when the newest sub-window gets `n` more. Where that is more than the limit, the oldest permits are
    /// left out: they would leave first.
    fn younger(&self, word: u64, n: u64) -> u64 {
        let newest = ((word & self.newest_mask) >> self.newest_shift) + n;
        let room = u64::from(self.burst.get()).saturating_sub(newest) >> self.unit_bits;
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
        let (mut left, mut word) = (u64::from(judge.burst.get()), 0);
        for field in 0..judge.sub_windows {
            let units = pick(left >> judge.unit_bits);
            left -= units << judge.unit_bits;
            word |= units << (field * judge.count_bits);
        }
        let newest = pick(left);
        (word | newest << judge.newest_shift | judge.tat_mask, u64::from(judge.burst.get()) - left + newest)
    }

    const POLICIES: [&str; 11] = [
        "50/1m, 1500/1h",
        "1500/1h, 50/1m",
        "50/1m",
        "63/1m",
        "1/1s",
        "3000/1m, 100000/1h",
        "2000/1m, 60000/1h",
        "500/1m",
        "16380/1s",
        "1000000/1d",
        "1/1d",
    ];

    /// Numbers from 0 to a most.
    fn random(mut seed: u64) -> impl FnMut(u64) -> u64 {
        move |most| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % (most + 1)
        }
    }

    /// What a quick answer takes for few enough is so. If a unit is one permit, the converse holds too; otherwise it may fail
    /// within a unit of the limit, or where the product may have wrapped.
    #[test]
    fn sums_are_never_too_small() {
        let mut random = random(1);
        let (mut units, mut doubtful) = (0, 0);
        for policy in POLICIES {
            let policy: Policy = policy.parse().unwrap();
            let judge = Counting::new(&CounterPlan::new(policy).unwrap());
            let (limit, unit) = (u64::from(judge.burst.get()), 1 << judge.unit_bits);
            let wraps = judge.doubtful >> judge.sum_shift;
            units += judge.unit_bits;
            doubtful += wraps;
            for i in 0..20_000 {
                // Random counts, and all that there is room for.
                let (word, total) = counts(&judge, |most| if i % 3 == 0 { most } else { random(most) });
                assert_eq!(judge.total(word), total, "{word:x} of {policy}");
                for n in [1, 1 + random(u64::from(judge.quick) - 1), u64::from(judge.quick)] {
                    let few = judge.excess_of_product(word, u32::try_from(n).unwrap()).is_none();
                    let (least, most) = if unit == 1 { (0, limit) } else { (wraps, limit + 1 - unit) };
                    assert!(!few || total + n <= limit, "{total} and {n} in {word:x} of {policy}");
                    assert!(
                        few || total < least || total + n > most,
                        "not {total} and {n} in {word:x} of {policy}"
                    );
                }
            }
        }
        assert!(units > 0 && doubtful > 0, "every product is the sum");
    }

    /// A quick answer is that of the rule, in random histories that rise above each limit and fall below it.
    #[test]
    fn quick_answers_are_those_of_the_rule() {
        let mut random = random(2);
        let mut answers = [0, 0];
        for policy in POLICIES {
            let policy: Policy = policy.parse().unwrap();
            let judge = Counting::new(&CounterPlan::new(policy).unwrap());
            let limit = u64::from(judge.burst.get());
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
