//! Two buckets in one word.
//!
//! # State
//!
//! `word: { tat 0: 64 - k, offset: k }`, both in ticks, where `offset = tat 1 - tat 0 + span 0`.
//!
//! - I1. A grant of `n` raises TAT `i` by at least `n * interval i`. Only undoing the latest grant lowers the TATs, to what
//!   they were before that grant.
//! - I2. After a grant at tick `t`, rounded up, TAT `i` is within `t + interval i ..= t + span i`. So
//!   `0 < offset < span 0 + span 1 < 2^k`. At the start both TATs are 0, and the offset is `span 0`.
//! - I3. A bucket on the grid never holds more permits than the exact bucket. Its intervals are not shorter. `now` is rounded
//!   down for the check, and up for the new TAT of a full bucket.
//!
//! `algorithm/one_word.rs` says how a word is read and replaced, and has the tables for that.

use crate::algorithm::one_word::Judge;
use crate::algorithm::reciprocal::Reciprocal;
use crate::algorithm::ticks::Ticks;
use crate::decision::{Denied, QuotaStatus, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

#[derive(Debug)]
pub(super) struct Pair {
    /// In ticks.
    interval: [u64; 2],
    /// `limit * interval`, in ticks.
    span: [u64; 2],
    limit: [u32; 2],
    /// The smaller limit.
    burst: u32,
    /// Nanoseconds in a tick.
    tick: Reciprocal,
    /// The last instant that the word can hold, in nanoseconds. Time stands still from here on, so the buckets fail closed.
    last: u64,
    offset_bits: u32,
}

impl Judge for Pair {
    #[inline]
    fn judge(&self, word: u64, now: Nanos, n: u32) -> Result<u64, Denied> {
        if n > self.burst {
            return Err(self.never(now));
        }
        let (floor, ceil) = self.ticks(now);
        let cost = self.interval.map(|interval| interval * u64::from(n));
        let tat = self.unpack(word);
        let charged = [tat[0] + cost[0], tat[1] + cost[1]];
        if charged[0] > floor + self.span[0] || charged[1] > floor + self.span[1] {
            let ready = [0, 1].map(|i| charged[i].saturating_sub(self.span[i]));
            let quota = usize::from(ready[1] > ready[0]);
            return Err(self.denied(now, quota, Some(ready[quota])));
        }
        let idle = [ceil + cost[0], ceil + cost[1]];
        Ok(self.pack([charged[0].max(idle[0]), charged[1].max(idle[1])]))
    }
}

impl Pair {
    /// Eight years of 365 days. The grid is made coarser until the word lasts so long.
    const LEAST_NANOS: u64 = 8 * 365 * 86_400 * 1_000_000_000;

    /// The finest grid on which both TATs fit into one word for eight years. `None` if it would make an interval longer by
    /// 1e-4 of itself, or if its step is too long for the shorter window.
    pub(super) fn new(policy: &Policy) -> Option<Pair> {
        let mut rules = policy.rules();
        let rules = [rules.next()?, rules.next()?];
        let longest = Ticks::max_for(rules[0].1.min(rules[1].1));
        grids().take_while(|&tick| tick <= longest).find_map(|tick| Pair::on_grid(rules, tick))
    }

    fn on_grid(rules: [(u32, u64); 2], tick: u64) -> Option<Pair> {
        let limit = rules.map(|(limit, _)| limit);
        let interval = rules.map(|(limit, window)| {
            let tick = u128::from(tick) * u128::from(limit);
            let interval = u128::from(window).div_ceil(tick);
            let loss = interval * tick - u128::from(window);
            u64::try_from(interval).ok().filter(|_| loss * 10_000 < u128::from(window))
        });
        let interval = [interval[0]?, interval[1]?];
        let span =
            [interval[0].checked_mul(u64::from(limit[0]))?, interval[1].checked_mul(u64::from(limit[1]))?];
        let offset_bits = u64::BITS - span[0].checked_add(span[1])?.leading_zeros();
        let ticks = u64::MAX.checked_shr(offset_bits)?.checked_sub(span[0])?.min(Reciprocal::MOST / tick);
        let (last, burst) = (ticks * tick, limit[0].min(limit[1]));
        let tick = Reciprocal::new(tick);
        let pair = Pair { interval, span, limit, burst, tick, last, offset_bits };
        (last >= Self::LEAST_NANOS).then_some(pair)
    }

    /// The word of two full buckets.
    pub(super) fn start(&self) -> u64 {
        self.span[0]
    }

    /// The word after `n` more permits that were used elsewhere, all at `now`.
    pub(super) fn with_used(&self, word: u64, now: Nanos, n: u32) -> u64 {
        let (_, ceil) = self.ticks(now);
        let before = self.unpack(word);
        let tat = [0, 1].map(|i| {
            let used = self.interval[i] * u64::from(n.min(self.limit[i]));
            (before[i].max(ceil) + used).min(before[i].max(ceil + self.span[i])) // I2
        });
        self.pack(tat)
    }

    pub(super) fn status_at(&self, word: u64, now: Nanos) -> Status {
        let (floor, _) = self.ticks(now);
        let tat = self.unpack(word);
        Status::new(
            now,
            [0, 1].map(|i| {
                let used = tat[i].saturating_sub(floor).div_ceil(self.interval[i]);
                let remaining = u64::from(self.limit[i]).saturating_sub(used);
                let first =
                    |tick: u64| if tick <= floor { now } else { self.instant(tick).unwrap_or(Nanos::MAX) };
                QuotaStatus {
                    remaining: u32::try_from(remaining).unwrap_or(self.limit[i]),
                    next_at: first(tat[i].saturating_sub(self.span[i] - self.interval[i])),
                    reset_at: first(tat[i]),
                }
            }),
        )
    }

    #[inline]
    fn unpack(&self, word: u64) -> [u64; 2] {
        let tat = word >> self.offset_bits;
        let offset = word & !(u64::MAX << self.offset_bits);
        [tat, tat + offset - self.span[0]]
    }

    #[inline]
    fn pack(&self, tat: [u64; 2]) -> u64 {
        (tat[0] << self.offset_bits) | (tat[1] + self.span[0] - tat[0])
    }

    /// The ticks at or before, and at or after, `now`.
    #[inline]
    fn ticks(&self, now: Nanos) -> (u64, u64) {
        self.tick.around(now.as_nanos().min(self.last))
    }

    #[cold]
    fn never(&self, now: Nanos) -> Denied {
        self.denied(now, usize::from(self.limit[1] < self.limit[0]), None)
    }

    #[inline]
    fn denied(&self, now: Nanos, quota: usize, retry: Option<u64>) -> Denied {
        let retry = retry.and_then(|tick| self.instant(tick));
        Denied::new(now, quota, retry, self.burst)
    }

    /// The instant of `tick`, or `None` if it is after the last instant.
    #[inline]
    fn instant(&self, tick: u64) -> Option<Nanos> {
        let nanos = tick.checked_mul(self.tick.divisor()).filter(|&nanos| nanos <= self.last);
        nanos.map(Nanos::from_nanos)
    }
}

/// 1, 2, 5, 10, 20, 25, 50, 100 ... nanoseconds. The intervals that people write are multiples of one of them.
fn grids() -> impl Iterator<Item = u64> {
    let decades = (0..9).map(|exponent| 10_u64.pow(exponent));
    decades.flat_map(|decade| {
        let quarter = (decade > 1).then_some(decade * 5 / 2);
        [Some(decade), Some(2 * decade), quarter, Some(5 * decade)].into_iter().flatten()
    })
}
