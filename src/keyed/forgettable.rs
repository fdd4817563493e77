//! Which limiters may be dropped because a new one would answer the same?

use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::limiter::RateLimiter;

/// A limiter of which a [`KeyedMap`](super::KeyedMap) can find out whether a new one would answer the same, so that it may be
/// dropped.
///
/// It is implemented for [`RateLimiter`] and, with the feature `wait`, for `FairLimiter`. Implement it for a limiter of
/// your own, whose clones must be handles to one state.
pub trait Forgettable: Clone {
    /// Whether this is the only handle and a new limiter would answer the same: no quota has a permit in use, and no pause
    /// is in force.
    ///
    /// It is called while the map is locked. If it uses the map, it waits for itself for ever.
    fn is_forgettable(&mut self) -> bool;
}

/// A limiter whose status names no quota counts as unused.
impl<A: Algorithm + ?Sized, C: Clock> Forgettable for RateLimiter<A, C> {
    fn is_forgettable(&mut self) -> bool {
        self.is_unused()
    }
}
