//! What a caller gets, and how to hand it back.

use core::fmt;

use super::shared::Shared;
use super::timer::{Alarm, NoTimer};
use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::decision::Grant;

/// Leave to make a call, charged at the moment it was granted.
///
/// To drop it is to have made the call: there is nothing to release. If the call is not sent after all,
/// [`undo`](Permit::undo) it.
pub struct Permit<'a, A: Algorithm, C: Clock, T: Alarm = NoTimer> {
    pub(super) shared: &'a Shared<A, C, T>,
    pub(super) grant: Grant<'a>,
}

/// What became of a permit that was handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Undo {
    /// The limiter is as it was before the grant, and who waits gets the permit.
    Exact,
    /// The permit stays charged, as if the call had been made: the limiter has granted since, or its algorithm
    /// takes nothing back. Only [`TokenBucket`](crate::TokenBucket) does, strict or nominal with one quota or two.
    Forfeited,
}

impl<A: Algorithm, C: Clock, T: Alarm> Permit<'_, A, C, T> {
    /// Hands the permit back, for a call that was never sent. Only the latest grant of a limiter can be undone,
    /// by one compare-exchange; any other is forfeited, and the answer says which. Takes the lock of the line, to
    /// tell the head if it may go earlier now.
    ///
    /// ```
    /// use tollgate::wait::{FairLimiter, Undo};
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// let limiter = FairLimiter::blocking(RateLimiter::strict(Policy::MICROSOFT_365_DEFENDER)?);
    /// let (first, second) = (limiter.try_acquire()?, limiter.try_acquire()?);
    /// assert_eq!(second.undo(), Undo::Exact);
    /// assert_eq!(first.undo(), Undo::Exact);
    ///
    /// let (first, second) = (limiter.try_acquire()?, limiter.try_acquire()?);
    /// assert_eq!(first.undo(), Undo::Forfeited); // `second` came after it
    /// assert_eq!(second.undo(), Undo::Exact);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn undo(self) -> Undo {
        if !self.grant.undo() {
            return Undo::Forfeited;
        }
        self.shared.call_head();
        Undo::Exact
    }
}

impl<A: Algorithm, C: Clock, T: Alarm> fmt::Debug for Permit<'_, A, C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("grant", &self.grant).finish_non_exhaustive()
    }
}
