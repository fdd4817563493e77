//! What a caller gets, and how to hand it back.

use alloc::sync::Arc;
use core::fmt;

use super::shared::Shared;
use super::timer::AnyTimer;
use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::decision::{Grant, Receipt, Reclaim};

/// Leave to make a call, charged at the moment it was granted.
///
/// To drop it is to have made the call: there is nothing to release. If the call is not sent after all,
/// [`undo`](Permit::undo) it.
pub struct Permit<'a> {
    pub(super) origin: &'a (dyn Origin + 'a),
    pub(super) grant: Grant<'a>,
}

/// As [`Permit`], from [`FairLimiter::acquire_owned`](super::FairLimiter::acquire_owned): it borrows nothing.
pub struct OwnedPermit {
    pub(super) origin: Arc<dyn Origin>,
    pub(super) receipt: Receipt,
}

/// What became of a permit that was handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Undo {
    /// The permit is back, and whoever waits gets it. After a pause it still counts in the spacing of calls: see
    /// [`Grant::undo`].
    Exact,
    /// The permit stays charged, as if the call had been made: the limiter has granted since, or its algorithm
    /// takes nothing back. Only [`TokenBucket`](crate::TokenBucket) does, strict or nominal with one quota or two.
    Forfeited,
}

impl Permit<'_> {
    /// Hands the permit back, for a call that was never sent. Only the latest grant of a limiter can be undone,
    /// by one compare-exchange. Any other is forfeited, and the answer says which. Takes the lock of the queue, to
    /// call the head, which can perhaps go earlier now.
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
        let undone = self.grant.undo();
        answer(undone, self.origin)
    }
}

impl OwnedPermit {
    /// As [`Permit::undo`], for the algorithms of this crate, also behind a `Box` or an `Arc`. The permits of an algorithm of
    /// your own are always [`Forfeited`](Undo::Forfeited), even if it wraps a bucket of this crate: it cannot be told which
    /// grant to undo. A [`Permit`], which borrows its limiter, can be undone there.
    pub fn undo(self) -> Undo {
        let undone = self.origin.undo(self.receipt);
        answer(undone, &*self.origin)
    }
}

fn answer(undone: bool, origin: &dyn Origin) -> Undo {
    if !undone {
        return Undo::Forfeited;
    }
    origin.call_head();
    Undo::Exact
}

/// The limiter and the queue that a permit came from, whatever their types.
pub(super) trait Origin: Send + Sync {
    /// Undoes a grant of this limiter.
    fn undo(&self, receipt: Receipt) -> bool;

    fn call_head(&self);
}

impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> Origin for Shared<A, C, T> {
    fn undo(&self, receipt: Receipt) -> bool {
        self.limiter.algorithm().undo_receipt(receipt)
    }

    fn call_head(&self) {
        self.call_head();
    }
}

/// A grant of this limiter that is undone calls the head of the queue.
impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> Reclaim for Shared<A, C, T> {
    fn reclaim(&self, before: u64, after: u64) -> bool {
        let undone = Origin::undo(self, Receipt { before, after });
        answer(undone, self) == Undo::Exact
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("grant", &self.grant).finish_non_exhaustive()
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}
