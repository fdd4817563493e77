//! What the bits of a window counter's word mean, and how a call is checked by them.
//!
//! # State
//!
//! `word: { epoch: rest, older: k * c, total: l, tat: t }`, from the highest bit to the lowest. Time is counted in ticks;
//! a sub-window is `2^tick_bits` ticks, and sub-window number `e` begins at tick `e << tick_bits`.
//!
//! - `epoch`: the number of the newest sub-window in which something was granted.
//! - `older`: for each of the `k` sub-windows before it, the oldest lowest, the permits granted there in units of
//!   `2^unit_bits` permits.
//! - `total`: all permits that count: those of the newest sub-window and `sum(older) * unit`. So a call in the newest
//!   sub-window adds to one number and compares it with the limit.
//! - `tat`: the theoretical arrival time of the bucket for the other quotas, in ticks after the beginning of `epoch`. If it
//!   lies before that, 0. If the counter alone keeps all quotas there is no bucket, and `t` is 0.
//!
//! Invariants:
//!
//! - I1. `sum(older) * unit <= total <= limit`. So no sum carries into the next field.
//! - I2. Every permit is counted in the sub-window in which it was granted or in a later one, until that is more than `k`
//!   older than `epoch`. When a sub-window closes, its permits are divided by the unit, and the remainder counts in the
//!   next one instead. So the sum never falls short, it is too large by less than one unit, and it does not grow as time
//!   passes.
//! - I3. `tat <= span + 2^tick_bits`, where `span = limit * interval + 1`. The 1 is for a burst that is taken one by one
//!   between two ticks: its first permit is stamped at the later tick, and its last is checked at the earlier one.
//! - I4. A grant adds to `total` in the same epoch, or it raises `epoch`. Both make the word larger, as `one_word` wants.
//!
//! A `now` before `epoch` counts as the beginning of `epoch`: another call was granted in that sub-window, so in fact it is
//! no longer earlier. A `now` after the last tick counts as the last tick. Time stands still there.
//!
//! # A decision
//!
//! The instant from which `n` permits can be had follows from the word and `n` alone. A call before it is refused and told
//! that instant, so most refusals take no division. Only a grant needs `now` in ticks, and only the first grant of a
//! sub-window moves the counts.

use super::plan::CounterPlan;
use crate::algorithm::one_word::Judge;
use crate::algorithm::reciprocal::Reciprocal;
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;

#[derive(Debug)]
pub(crate) struct Counting {
    /// Nanoseconds in a tick.
    tick: Reciprocal,
    /// Nanoseconds in a sub-window.
    sub_window: u64,
    /// The last instant that the word can hold, in nanoseconds.
    last: u64,
    /// Ticks until a permit of the bucket comes back; 0 if there is no bucket.
    interval: u64,
    /// `limit * interval + spare`; the spare is a tick, or 0 if there is no bucket.
    span: u64,
    spare: u64,
    /// The ticks of a sub-window.
    offset_mask: u64,
    tat_mask: u64,
    /// In their places in the word: the field `total`; one permit in it, one unit, and all permits; the field `older`.
    total_mask: u64,
    permit: u64,
    unit: u64,
    full: u64,
    older_mask: u64,
    /// 1 in the field `epoch`, and 1 tick there.
    epoch: u64,
    tick_in_place: u64,
    /// A 1 in each field of `older`: the product with it has in each field the sum of that and of all older ones.
    ones: u64,
    sum_mask: u64,
    /// How many sub-windows a window has, the bits of a field of `older`, and those below its last.
    sub_windows: u64,
    count_bits: u64,
    below_latest: u64,
    /// The last epoch.
    last_epoch: u64,
    burst: u32,
    tick_bits: u32,
    total_shift: u32,
    unit_shift: u32,
    older_shift: u32,
    epoch_shift: u32,
    unit_bits: u32,
    /// `2^12 / count_bits`, rounded up: makes the number of a bit that of its field.
    fields: u32,
    /// The quota that is counted, the one that decides the interval of the bucket, and a bit for each that needs the bucket.
    counted: u8,
    paced: u8,
    by_bucket: u8,
    /// The first quota with the smallest limit, which may not be the counted one, and how many there are.
    smallest: u8,
    quotas: u8,
}

/// A word at an instant: moved on to the epoch of the instant, if that is later.
struct Moment {
    word: u64,
    /// The tick at or before `now`, counted from the beginning of the epoch.
    at: u64,
    /// The tick at or after `now`, counted in the same way.
    stamp: u64,
}

impl Judge for Counting {
    const QUICK: bool = true;

    /// Grants at a `now` that is not before the epoch of the word, and refusals of a few permits by the counter, if it refuses
    /// longer than the bucket, or by the bucket alone.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called out of line, a refusal goes through memory")]
    fn quick(&self, word: u64, now: Nanos, n: u32) -> Option<Result<u64, Denied>> {
        if n > self.burst {
            return None;
        }
        let (permits, cost) = (self.permit * u64::from(n), self.interval * u64::from(n));
        let nanos = now.as_nanos().min(self.last);
        let total = (word & self.total_mask) + permits;
        if total > self.full {
            if total > self.full + self.unit {
                return None;
            }
            let until = self.unit_counts_until(word);
            let tat = (word & self.tat_mask) + cost;
            if tat > self.span && self.instant(word, tat - self.span) >= until {
                return None;
            }
            return (nanos < until).then(|| Err(self.denied(now, self.counted, until)));
        }
        let floor = self.tick.floor(nanos);
        let at = floor & self.offset_mask;
        let mut moved = word;
        if (floor * self.tick_in_place) ^ word >= self.epoch {
            let (epoch, newest) = (floor >> self.tick_bits, word >> self.epoch_shift);
            if epoch < newest {
                return None;
            }
            moved = self.moved(word, epoch - newest);
        }
        let tat = moved & self.tat_mask;
        if tat + cost > at + self.span {
            let until = (floor - at + (tat + cost - self.span)).saturating_mul(self.tick.divisor());
            return Some(Err(self.denied(now, self.paced, until)));
        }
        let stamp = (at + self.tick.rest(nanos, floor)) & self.tat_mask; // 0 if there is no bucket.
        Some(Ok(moved + stamp.saturating_sub(tat) + cost + permits))
    }

    fn judge(&self, word: u64, now: Nanos, n: u32) -> Result<u64, Denied> {
        if n > self.burst {
            return Err(Denied::new(now, usize::from(self.smallest), None, self.burst));
        }
        let (permits, cost) = (self.permit * u64::from(n), self.interval * u64::from(n));
        let (total, tat) = ((word & self.total_mask) + permits, (word & self.tat_mask) + cost);
        let counter = if total > self.full { self.counted_until(word, total - self.full) } else { 0 };
        let bucket = if tat > self.span { self.instant(word, tat - self.span) } else { 0 };
        if now.as_nanos().min(self.last) < counter.max(bucket) {
            // The later of the two, and on a tie the quota that is listed first.
            let by_bucket = bucket > counter || (bucket == counter && self.paced < self.counted);
            let quota = if by_bucket { self.paced } else { self.counted };
            return Err(self.denied(now, quota, counter.max(bucket)));
        }
        let Moment { word, stamp, .. } = self.moment(word, now);
        Ok(word + stamp.saturating_sub(word & self.tat_mask) + cost + permits)
    }
}

impl Counting {
    #[expect(clippy::cast_possible_truncation, reason = "a policy holds at most 8 quotas")]
    pub(crate) fn new(plan: &CounterPlan) -> Counting {
        let layout = plan.layout();
        let burst = plan.burst();
        let mask = |bits: u32| u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0);
        let sub_windows = plan.sub_windows();
        let spare = u64::from(plan.units > 0);
        let fields = (0..sub_windows).map(|field| 1 << (field * layout.count_bits));
        let older_bits = sub_windows * layout.count_bits;
        let (total_shift, older_shift) = (layout.tat_bits, layout.tat_bits + layout.total_bits);
        let (unit_shift, epoch_shift) = (total_shift + plan.unit_bits, older_shift + older_bits);
        Counting {
            tick: Reciprocal::new(plan.tick),
            sub_window: u64::try_from(plan.sub_window_nanos()).unwrap_or(u64::MAX),
            last: layout.last * plan.tick,
            interval: plan.units,
            span: plan.units * u64::from(burst) + spare,
            spare,
            offset_mask: mask(plan.tick_bits),
            tat_mask: mask(layout.tat_bits),
            total_mask: mask(layout.total_bits) << total_shift,
            permit: 1 << total_shift,
            unit: 1 << unit_shift,
            full: u64::from(burst) << total_shift,
            older_mask: mask(older_bits) << older_shift,
            epoch: 1 << epoch_shift,
            tick_in_place: 1 << (epoch_shift - plan.tick_bits),
            ones: fields.sum(),
            sum_mask: mask(layout.count_bits),
            sub_windows: sub_windows.into(),
            count_bits: layout.count_bits.into(),
            below_latest: (older_bits - layout.count_bits).into(),
            last_epoch: layout.last >> plan.tick_bits,
            burst,
            tick_bits: plan.tick_bits,
            total_shift,
            unit_shift,
            older_shift,
            epoch_shift,
            unit_bits: plan.unit_bits,
            fields: field_of_bit(layout.count_bits),
            counted: plan.counted() as u8,
            paced: plan.paced,
            by_bucket: plan.by_bucket,
            smallest: plan.policy().smallest_limit().0 as u8,
            quotas: plan.policy().quotas().len() as u8,
        }
    }

    /// The instant at which `excess` permits of a word, as `total` has them, no longer count.
    ///
    /// Only a grant makes the remainder of a unit stay longer, so this must look at the word as it stands.
    fn counted_until(&self, word: u64, excess: u64) -> u64 {
        let units = excess.div_ceil(self.unit);
        let mut sums = (word & self.older_mask).wrapping_mul(self.ones) >> self.older_shift;
        let mut later = 1;
        while later <= self.sub_windows && sums & self.sum_mask < units {
            sums >>= self.count_bits;
            later += 1;
        }
        ((word >> self.epoch_shift) + later).saturating_mul(self.sub_window)
    }

    /// The same for at most one unit: it leaves with the oldest sub-window that has any. The newest comes after `older`.
    #[inline]
    fn unit_counts_until(&self, word: u64) -> u64 {
        let bit = ((word & self.older_mask) | self.epoch).trailing_zeros();
        let field = ((bit - self.older_shift) * self.fields) >> 12;
        ((word >> self.epoch_shift) + u64::from(field) + 1).saturating_mul(self.sub_window)
    }

    fn moment(&self, word: u64, now: Nanos) -> Moment {
        let (floor, ceil) = self.tick.around(now.as_nanos().min(self.last));
        let at = floor & self.offset_mask;
        let stamp = (at + (ceil - floor)) & self.tat_mask; // 0 if there is no bucket.
        let (epoch, newest) = (floor >> self.tick_bits, word >> self.epoch_shift);
        match epoch {
            _ if epoch == newest => Moment { word, at, stamp },
            _ if epoch > newest => Moment { word: self.moved(word, epoch - newest), at, stamp },
            _ => Moment { word, at: 0, stamp: 0 },
        }
    }

    /// The same state, seen from `by` epochs later, which is at least 1.
    #[inline]
    fn moved(&self, word: u64, by: u64) -> u64 {
        let tat = (word & self.tat_mask).saturating_sub(by << self.tick_bits);
        let epoch = (word & !(self.epoch - 1)) + self.epoch * by;
        if by > self.sub_windows {
            return epoch | tat;
        }
        let (older, total) = (word & self.older_mask, word & self.total_mask);
        // In its place, like all that follows.
        let sums = older.wrapping_mul(self.ones);
        let permits = |field: u64| ((sums >> self.older_shift >> field) & self.sum_mask) << self.unit_shift;
        let by = by * self.count_bits;
        let newest = total.saturating_sub(permits(self.below_latest)) >> self.unit_shift;
        let closed = newest << (u64::from(self.epoch_shift) - by);
        let total = total.saturating_sub(permits(by - self.count_bits));
        epoch | closed | ((older >> by) & self.older_mask) | total | tat
    }

    /// The permits that count.
    fn total(&self, word: u64) -> u64 {
        (word & self.total_mask) >> self.total_shift
    }

    /// The first tick of a word's epoch.
    #[inline]
    fn start(&self, word: u64) -> u64 {
        (word >> self.epoch_shift) << self.tick_bits
    }

    /// The instant of tick `at` of a word's epoch.
    #[inline]
    fn instant(&self, word: u64, at: u64) -> u64 {
        self.start(word).saturating_add(at).saturating_mul(self.tick.divisor())
    }

    /// A refusal by `quota` until an instant, or for ever if that is after the last one.
    #[inline]
    fn denied(&self, now: Nanos, quota: u8, until: u64) -> Denied {
        Denied::new(now, usize::from(quota), self.promised(until), self.burst)
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
            let excess = (word & self.total_mask).saturating_sub(most << self.total_shift);
            (used > most).then(|| self.counted_until(word, excess))
        };
        let counter = self.left(limit.saturating_sub(used), until(limit - 1), until(0), now);
        let tat = moment.word & self.tat_mask;
        let ahead = tat.saturating_sub(moment.at + self.spare);
        let left = limit.saturating_sub(ahead.div_ceil(self.interval.max(1)));
        let late = (tat + self.interval).saturating_sub(self.span);
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
        let Moment { word, stamp, .. } = self.moment(word, now);
        let (n, limit) = (u64::from(n), u64::from(self.burst));
        let tat = (word & self.tat_mask).max(stamp);
        let tat = (self.start(word) + tat).saturating_add(self.interval.saturating_mul(n)); // Wanted, from the origin.
        let epoch = word >> self.epoch_shift;
        let used = self.total(word) + n;
        let held = if used > limit && longer > 0 {
            let windows = used.div_ceil(limit).saturating_mul(self.sub_windows);
            let (_, latest) = self.tick.around(now.as_nanos().saturating_add(longer).min(self.last));
            epoch.saturating_add(windows).min(latest >> self.tick_bits)
        } else {
            0
        };
        let paced = match self.interval {
            0 => 0,
            _ => (tat.saturating_sub(self.span) >> self.tick_bits).min(self.last_epoch),
        };
        let held = held.max(paced);
        let (epoch, older) = if held > epoch { (held, 0) } else { (epoch, self.younger(word, n)) };
        let tat = tat.saturating_sub(epoch << self.tick_bits).min(self.span + (1 << self.tick_bits) - 1);
        (epoch << self.epoch_shift) | older | (used.min(limit) << self.total_shift) | (tat & self.tat_mask)
    }

    /// What `older` keeps, in its place, when the newest sub-window gets `n` more. Where that is more than the limit, the
    /// oldest permits are left out: they would leave first.
    fn younger(&self, word: u64, n: u64) -> u64 {
        let older = (word & self.older_mask) >> self.older_shift;
        let fields = || (0..self.sub_windows).rev().map(|field| field * self.count_bits);
        let count = |place: u64| (older >> place) & self.sum_mask;
        let closed = fields().map(count).sum::<u64>() << self.unit_bits;
        let newest = self.total(word).saturating_sub(closed) + n;
        let mut room = u64::from(self.burst).saturating_sub(newest) >> self.unit_bits;
        let mut kept = 0;
        for place in fields() {
            let units = count(place).min(room);
            room -= units;
            kept |= units << place;
        }
        kept << self.older_shift
    }
}

/// `2^12 / bits`, rounded up.
fn field_of_bit(bits: u32) -> u32 {
    (1_u32 << 12).div_ceil(bits.max(1))
}

#[cfg(test)]
mod tests {
    use super::field_of_bit;

    #[test]
    fn the_field_of_each_bit() {
        for bits in 1..=32 {
            for bit in 0..64 {
                assert_eq!((bit * field_of_bit(bits)) >> 12, bit / bits, "bit {bit} in fields of {bits}");
            }
        }
    }
}
