//! Which limiters may be dropped without anybody noticing?

use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::limiter::RateLimiter;

/// A limiter that a [`KeyedMap`](super::KeyedMap) may drop when nobody would notice.
///
/// It is implemented for [`RateLimiter`] and, with the feature `wait`, for `FairLimiter`. Implement it for a limiter of
/// your own, whose clones must be handles to one state.
pub trait Forgettable: Clone {
    /// Whether this is the only handle, and a new limiter would answer the same: every quota is whole and no pause is
    /// in force.
    ///
    /// It is called while the map is locked, so it must not call the map.
    fn is_forgettable(&mut self) -> bool;
}

impl<A: Algorithm + ?Sized, C: Clock> Forgettable for RateLimiter<A, C> {
    fn is_forgettable(&mut self) -> bool {
        self.is_unused()
    }
}
