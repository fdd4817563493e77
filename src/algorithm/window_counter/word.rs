//! What the bits of a window counter's word mean, and how a call is checked by them.
//!
//! # State
//!
//! `word: { epoch: rest, older: k * c, newest: l, tat: t }`, from the highest bit to the lowest. Time is counted in ticks;
//! a sub-window is `2^tick_bits` ticks, and sub-window number `e` begins at tick `e << tick_bits`.
//!
//! - `epoch`: the number of the newest sub-window in which something was granted.
//! - `newest`: the permits that were granted in it.
//! - `older`: for each of the `k` sub-windows before it, the latest lowest, the permits granted there in units of
//!   `2^unit_bits` permits.
//! - `tat`: the theoretical arrival time of the bucket for the other quotas, in ticks after the beginning of `epoch`. If it
//!   lies before that, 0. If the counter alone keeps all quotas there is no bucket, and `t` is 0.
//!
//! Invariants:
//!
//! - I1. `newest + sum(older) * unit <= limit`. So no sum carries into the next field.
//! - I2. Every permit is counted in the sub-window in which it was granted or in a later one, until that is more than `k`
//!   older than `epoch`. When a sub-window closes, its permits are divided by the unit, and the remainder counts in the
//!   next one instead. So the sum never falls short, it is too large by less than one unit, and it does not grow as time
//!   passes.
//! - I3. `tat <= span + 2^tick_bits`, where `span = limit * interval + 1`. The 1 is for a burst that is taken one by one
//!   between two ticks: its first permit is stamped at the later tick, and its last is checked at the earlier one.
//! - I4. A grant adds to `newest` in the same epoch, or it raises `epoch`. Both make the word larger, as `one_word` wants.
//!
//! A `now` before `epoch` counts as the beginning of `epoch`: another call was granted in that sub-window, so in fact it is
//! no longer earlier. A `now` after the last tick counts as the last tick. Time stands still there.

use super::plan::CounterPlan;
use crate::algorithm::one_word::Judge;
use crate::algorithm::reciprocal::Reciprocal;
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;

#[derive(Debug)]
pub(crate) struct Counting {
    /// Nanoseconds in a tick.
    tick: Reciprocal,
    /// The last instant that the word can hold, in nanoseconds and in ticks.
    horizon: u64,
    last: u64,
    /// Ticks until a permit of the bucket comes back; 0 if there is no bucket.
    interval: u64,
    /// `limit * interval + spare`; the spare is a tick, or 0 if there is no bucket.
    span: u64,
    spare: u64,
    /// The permits of one window, as 64 bits.
    limit: u64,
    /// A 1 in each field of `older`: a product with it has the sum of the lowest fields in each.
    ones: u64,
    /// The ticks of a sub-window.
    offset_mask: u64,
    tat_mask: u64,
    newest_mask: u64,
    older_mask: u64,
    sum_mask: u64,
    burst: u32,
    epoch_shift: u8,
    tick_bits: u8,
    tat_bits: u8,
    newest_bits: u8,
    unit_bits: u8,
    /// Bits in a field of `older`, and the place of the field of the oldest sub-window.
    count_bits: u8,
    oldest: u8,
    /// How many sub-windows a window has.
    sub_windows: u8,
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
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called out of line, it costs 30 instructions more")]
    fn judge(&self, word: u64, now: Nanos, n: u32) -> Result<u64, Denied> {
        if n > self.burst {
            return Err(self.never(now));
        }
        let moment = self.moment(word, now);
        let n = u64::from(n);
        let cost = self.interval * n;
        let tat = moment.word & self.tat_mask;
        if self.used(moment.word) + n > self.limit || tat + cost > moment.at + self.span {
            return Err(self.refused(word, moment.word, moment.at, now, n));
        }
        let charged = tat.max(moment.stamp) + cost;
        Ok(moment.word - tat + charged + (n << self.tat_bits))
    }
}

impl Counting {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "places in a word, and a policy holds at most 8 quotas"
    )]
    pub(crate) fn new(plan: &CounterPlan) -> Counting {
        let layout = plan.layout();
        let burst = plan.burst();
        let mask = |bits: u32| u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0);
        let sub_windows = plan.sub_windows();
        let spare = u64::from(plan.units > 0);
        let fields = (0..sub_windows).map(|field| 1 << (field * layout.count_bits));
        Counting {
            tick: Reciprocal::new(plan.tick),
            horizon: layout.last * plan.tick,
            last: layout.last,
            interval: plan.units,
            span: plan.units * u64::from(burst) + spare,
            spare,
            limit: u64::from(burst),
            ones: fields.sum(),
            offset_mask: mask(plan.tick_bits),
            tat_mask: mask(layout.tat_bits),
            newest_mask: mask(layout.newest_bits),
            older_mask: mask(sub_windows * layout.count_bits),
            sum_mask: mask(layout.count_bits),
            burst,
            epoch_shift: (layout.tat_bits + layout.newest_bits + sub_windows * layout.count_bits) as u8,
            tick_bits: plan.tick_bits as u8,
            tat_bits: layout.tat_bits as u8,
            newest_bits: layout.newest_bits as u8,
            unit_bits: plan.unit_bits as u8,
            count_bits: layout.count_bits as u8,
            oldest: ((sub_windows - 1) * layout.count_bits) as u8,
            sub_windows: sub_windows as u8,
            counted: plan.counted() as u8,
            paced: plan.paced,
            by_bucket: plan.by_bucket,
            smallest: plan.policy().smallest_limit().0 as u8,
            quotas: plan.policy().quotas().len() as u8,
        }
    }

    /// All but the word comes from `now` alone, unless that is stale: so the next decision need not wait for the word.
    #[inline]
    fn moment(&self, word: u64, now: Nanos) -> Moment {
        let (floor, ceil) = self.tick.around(now.as_nanos().min(self.horizon));
        let (epoch, newest) = (floor >> self.tick_bits, word >> self.epoch_shift);
        let at = floor & self.offset_mask;
        let stamp = (at + (ceil - floor)) & self.tat_mask; // 0 if there is no bucket.
        match epoch {
            _ if epoch == newest => Moment { word, at, stamp },
            _ if epoch > newest => Moment { word: self.moved(word, epoch), at, stamp },
            _ => Moment { word, at: 0, stamp: 0 },
        }
    }

    /// The first tick of a word's epoch.
    #[inline]
    fn start(&self, word: u64) -> u64 {
        (word >> self.epoch_shift) << self.tick_bits
    }

    /// The same state, seen from a later epoch.
    #[inline]
    fn moved(&self, word: u64, epoch: u64) -> u64 {
        let by = epoch - (word >> self.epoch_shift);
        let tat = (word & self.tat_mask).saturating_sub(by << self.tick_bits);
        let counts =
            if by > u64::from(self.sub_windows) { 0 } else { self.closed(word >> self.tat_bits, by) };
        (epoch << self.epoch_shift) | (counts << self.tat_bits) | tat
    }

    /// The counts `by` sub-windows later, from 1 to `k`.
    #[inline]
    fn closed(&self, counts: u64, by: u64) -> u64 {
        let newest = counts & self.newest_mask;
        let (units, rest) = (newest >> self.unit_bits, newest & !(u64::MAX << self.unit_bits));
        let older = ((counts >> self.newest_bits) << self.count_bits) | units;
        let older = (older << (u64::from(self.count_bits) * (by - 1))) & self.older_mask;
        (older << self.newest_bits) | rest
    }

    /// The permits that count.
    #[inline]
    fn used(&self, word: u64) -> u64 {
        let counts = word >> self.tat_bits;
        // The epoch above adds only to what lies above the highest sum.
        let older = (counts >> self.newest_bits).wrapping_mul(self.ones);
        (counts & self.newest_mask) + (((older >> self.oldest) & self.sum_mask) << self.unit_bits)
    }

    /// The tick from which at most `most` permits count, if more do in the epoch of `word`.
    ///
    /// Only a grant makes the remainder of a unit stay longer, so this must look at the word as it stands.
    #[inline]
    fn counted_until(&self, word: u64, most: u64) -> u64 {
        ((word >> self.epoch_shift) + self.falls_to(word >> self.tat_bits, most)) << self.tick_bits
    }

    /// How many sub-windows later at most `most` of these permits count, if more do now.
    #[inline]
    fn falls_to(&self, counts: u64, most: u64) -> u64 {
        let newest = counts & self.newest_mask;
        let sub_windows = u64::from(self.sub_windows);
        if newest > most {
            return sub_windows + 1;
        }
        let units = (most - newest) >> self.unit_bits;
        // The field of a sub-window: the sum of it and of all that are younger.
        let older = (counts >> self.newest_bits).wrapping_mul(self.ones);
        let (mut later, mut place) = (1, self.oldest);
        while later < sub_windows {
            place -= self.count_bits;
            if (older >> place) & self.sum_mask <= units {
                break;
            }
            later += 1;
        }
        later
    }

    /// The refusal of a call for `n` at `now`, which is tick `at` of the epoch of `moved`; the word itself may be older.
    #[inline(never)]
    fn refused(&self, word: u64, moved: u64, at: u64, now: Nanos, n: u64) -> Denied {
        let most = self.limit - n;
        let counter = if self.used(moved) > most { self.counted_until(word, most) } else { 0 };
        let late = ((moved & self.tat_mask) + self.interval * n).saturating_sub(self.span);
        let bucket = if late > at { self.start(moved) + late } else { 0 };
        // The later of the two, and on a tie the quota that is listed first.
        let by_bucket = bucket > counter || (bucket == counter && self.paced < self.counted);
        let quota = if by_bucket { self.paced } else { self.counted };
        Denied::new(now, usize::from(quota), self.instant(counter.max(bucket)), self.burst)
    }

    #[cold]
    fn never(&self, now: Nanos) -> Denied {
        Denied::new(now, usize::from(self.smallest), None, self.burst)
    }

    pub(crate) fn status_at(&self, word: u64, now: Nanos) -> Status {
        let moment = self.moment(word, now);
        let used = self.used(moment.word);
        let until = |most: u64| (used > most).then(|| self.counted_until(word, most));
        let counter = self.left(self.limit.saturating_sub(used), until(self.limit - 1), until(0), now);
        let tat = moment.word & self.tat_mask;
        let ahead = tat.saturating_sub(moment.at + self.spare);
        let left = self.limit.saturating_sub(ahead.div_ceil(self.interval.max(1)));
        let late = (tat + self.interval).saturating_sub(self.span);
        let next_at = (late > moment.at).then(|| self.start(moment.word) + late);
        let whole_at = (ahead > 0).then(|| self.start(moment.word) + tat - self.spare);
        let bucket = self.left(left, next_at, whole_at, now);
        let of = |quota: u8| if self.by_bucket >> quota & 1 == 1 { bucket } else { counter };
        Status::new(now, (0..self.quotas).map(of))
    }

    /// The ticks at which one permit is left, and all of them are, if that is not so now.
    fn left(&self, remaining: u64, next_at: Option<u64>, whole_at: Option<u64>, now: Nanos) -> QuotaStatus {
        let first = |tick: Option<u64>| tick.map_or(now, |tick| self.instant(tick).unwrap_or(Nanos::MAX));
        QuotaStatus {
            remaining: u32::try_from(remaining).unwrap_or(self.burst),
            next_at: first(next_at),
            reset_at: first(whole_at),
        }
    }

    /// The instant of `tick`, or `None` if it is after the last instant.
    #[inline]
    fn instant(&self, tick: u64) -> Option<Nanos> {
        (tick <= self.last).then(|| Nanos::from_nanos(tick * self.tick.divisor()))
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
        let moment = self.moment(word, now);
        let n = u64::from(n);
        let tat = (moment.word & self.tat_mask).max(moment.stamp);
        let tat = (self.start(moment.word) + tat).saturating_add(self.interval.saturating_mul(n)); // Wanted, from the origin.
        let last = self.last >> self.tick_bits;
        let used = self.used(moment.word) + n;
        let held = if used > self.limit && longer > 0 {
            let windows = used.div_ceil(self.limit).saturating_mul(self.sub_windows.into());
            let (_, latest) = self.tick.around(now.as_nanos().saturating_add(longer).min(self.horizon));
            (moment.word >> self.epoch_shift).saturating_add(windows).min(latest >> self.tick_bits)
        } else {
            0
        };
        let paced =
            if self.interval == 0 { 0 } else { (tat.saturating_sub(self.span) >> self.tick_bits).min(last) };
        let (epoch, held) = (moment.word >> self.epoch_shift, held.max(paced));
        let (epoch, counts) = if held > epoch {
            (held, used.min(self.limit))
        } else {
            (epoch, self.with_counted(moment.word >> self.tat_bits, n))
        };
        let tat = tat.saturating_sub(epoch << self.tick_bits).min(self.span + (1 << self.tick_bits) - 1);
        (epoch << self.epoch_shift) | (counts << self.tat_bits) | (tat & self.tat_mask)
    }

    /// `n` more in the newest sub-window. Where that is more than the limit, the oldest permits are left out: they would
    /// leave first.
    fn with_counted(&self, counts: u64, n: u64) -> u64 {
        let all = (counts & self.newest_mask) + n;
        let mut newest = all.min(self.limit);
        let mut room = (self.limit - newest) >> self.unit_bits;
        let (mut older, mut cut) = (0, all > newest);
        for field in 0..self.sub_windows {
            let place = field * self.count_bits + self.newest_bits;
            let units = (counts >> place) & self.sum_mask;
            older |= units.min(room) << place;
            cut |= units > room;
            room -= units.min(room);
        }
        if cut {
            // All of the limit, though the units may not add up to it.
            newest = self.limit - self.used(older << self.tat_bits);
        }
        older | newest
    }
}
