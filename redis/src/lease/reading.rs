//! What a node reads from its clock.

use tollgate::Nanos;

/// A reading of a [`NodeTime`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time since the clock's origin, by a clock that never goes back.
    pub at: Nanos,
    /// How often the clock has jumped: the machine was suspended, say, while the monotonic clock stood still. The permits that
    /// were leased before a jump are not used after it.
    pub jumps: u64,
}

/// The clock of a node that leases permits.
///
/// The life of a lease is counted by this clock. So it must not go slower than the clock of the store by more than one part in
/// 512, and it must say when it stood still.
pub trait NodeTime: Send + Sync + 'static {
    /// The time, and the jumps so far. It must not block or panic.
    fn read(&self) -> Reading;

    /// The longest time that can pass unseen between two readings of the same number of jumps. The life of every lease is
    /// shorter by this. The default is zero.
    fn max_unseen(&self) -> core::time::Duration {
        core::time::Duration::ZERO
    }
}

impl<T: NodeTime + ?Sized> NodeTime for std::sync::Arc<T> {
    fn read(&self) -> Reading {
        (**self).read()
    }

    fn max_unseen(&self) -> core::time::Duration {
        (**self).max_unseen()
    }
}
