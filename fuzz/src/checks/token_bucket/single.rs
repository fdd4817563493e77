//! One bucket gives every answer and every status of an exact bucket in fractions of a nanosecond.

use tollgate::{Algorithm, TokenBucket};

use super::YEAR;
use crate::checks::history::History;
use crate::checks::left::assert_left;
use crate::oracle::{Answer, ExactBucket, Rule};
use crate::subjects::{at, call};

/// The fraction, the interval and the end of time of one bucket, worked out again from the documentation.
pub struct Single {
    per_nano: u64,
    /// In units; so is the exact bucket.
    interval: u64,
    /// In nanoseconds.
    end: u64,
    burst: u32,
    /// The quota that dictates the interval.
    quota: usize,
}

impl Single {
    /// `rates` are permits per nanoseconds. `None` if a 64-bit word cannot hold such a bucket: no fraction
    /// down to a 512th rounds every interval by less than 1e-4, or what a full bucket leaves of the word ends within
    /// a year.
    pub fn new(rates: &[(u32, u64)], burst: u32) -> Option<Single> {
        let exact = |per_nano: u64, window: u64| u128::from(window) * u128::from(per_nano);
        let interval = |per_nano, (permits, window)| exact(per_nano, window).div_ceil(u128::from(permits));
        let fine = |per_nano, (permits, window)| {
            let rounded = interval(per_nano, (permits, window)) * u128::from(permits);
            (rounded - exact(per_nano, window)) * 10_000 < exact(per_nano, window)
        };
        let mut fractions = (0..=9).map(|power| 1 << power);
        let per_nano = fractions.find(|&per_nano| rates.iter().all(|&rate| fine(per_nano, rate)))?;
        let intervals: Vec<u128> = rates.iter().map(|&rate| interval(per_nano, rate)).collect();
        let longest = *intervals.iter().max()?;
        let full = u64::try_from(longest * u128::from(burst)).ok()?;
        let end = (u64::MAX - full) / per_nano;
        (end >= YEAR).then_some(Single {
            per_nano,
            interval: u64::try_from(longest).ok()?,
            end,
            burst,
            quota: intervals.iter().position(|&interval| interval == longest)?,
        })
    }

    /// Plays the history. Returns the calls that were granted.
    pub fn check(&self, bucket: &TokenBucket, history: &mut History<'_>) -> Vec<(u64, u32)> {
        let window = self.interval * u64::from(self.burst);
        let mut exact = ExactBucket::new(&[Rule { limit: self.burst, window }]);
        let mut granted = Vec::new();
        while let Some((now, n)) = history.next() {
            let before = bucket.status_at(at(now));
            let answer = call(bucket, now, n);
            let units = now.min(self.end) * self.per_nano;
            let expected = match exact.call(units, n) {
                Answer::Denied { retry_at, .. } => {
                    let retry_at = retry_at.and_then(|units| self.told(units.into()));
                    Answer::Denied { quota: self.quota, retry_at }
                }
                answer => answer,
            };
            assert_eq!(answer, expected, "at {now} for {n}: {bucket:?}");
            let after = bucket.status_at(at(now));
            assert_left(&after, now, &exact.left(units), |units| self.told(units));
            if answer == Answer::Granted && n > 0 {
                granted.push((now, n));
            } else {
                assert_eq!(before, after, "{answer:?} at {now} for {n} changed the bucket");
            }
            history.heard(answer);
        }
        granted
    }

    /// The first nanosecond not before an instant in units.
    fn told(&self, units: u128) -> Option<u64> {
        let nanos = u64::try_from(units.div_ceil(self.per_nano.into())).ok()?;
        (nanos <= self.end).then_some(nanos)
    }
}
