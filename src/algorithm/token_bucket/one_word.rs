//! What all buckets in one word do: judge the word, and replace it if it is still the same.

use crate::algorithm::backoff;
use crate::decision::{Denied, Grant, Reclaim};
use crate::nanos::Nanos;

/// A core whose whole state is one word. `n` is nowhere 0.
pub(super) trait OneWord: Reclaim {
    /// The word before a grant and after it.
    fn judge(&self, now: Nanos, n: u32) -> Result<(u64, u64), Denied>;

    /// Replaces the word, if it is `old`.
    fn swap(&self, old: u64, new: u64) -> bool;

    #[inline]
    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.try_at(now, n, |_, _| ())
    }

    fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied>
    where
        Self: Sized,
    {
        let (before, after) = self.try_at(now, n, |before, after| (before, after))?;
        Ok(Grant::new(self, before, after))
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.judge(now, n).map(drop)
    }

    /// Answers a grant by `granted` of the words before and after it.
    #[inline]
    fn try_at<T>(&self, now: Nanos, n: u32, granted: fn(u64, u64) -> T) -> Result<T, Denied> {
        self.decide(now, n, granted).unwrap_or_else(|| self.contend(now, n, granted))
    }

    #[cold]
    #[inline(never)]
    fn contend<T>(&self, now: Nanos, n: u32, granted: fn(u64, u64) -> T) -> Result<T, Denied> {
        backoff::retry(backoff::ONE_WORD, || self.decide(now, n, granted))
    }

    /// `None` if another call came between.
    #[inline]
    fn decide<T>(&self, now: Nanos, n: u32, granted: fn(u64, u64) -> T) -> Option<Result<T, Denied>> {
        match self.judge(now, n) {
            Ok((before, after)) => self.swap(before, after).then(|| Ok(granted(before, after))),
            Err(denied) => Some(Err(denied)),
        }
    }
}
