//! What a node did, for whoever watches it.

use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

/// What a [`LeasedLimiter`](crate::LeasedLimiter) did since it was made. None of it is counted on the path of a call that finds
/// its permits here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counts {
    /// Requests to the store: round trips.
    pub requests: u64,
    /// Requests without an answer, or with an error for an answer.
    pub failures: u64,
    /// Permits that the store granted to this node.
    pub leased: u64,
    /// Permits of leases that had expired, or were given up, before they were used. They were lost for all nodes.
    pub lost: u64,
    /// Permits that were granted without a limit while the store was away: see [`WhenAway::Allow`](crate::WhenAway::Allow).
    pub allowed: u64,
    /// Permits of this node's share that were granted while the store was away: see [`WhenAway::Share`](crate::WhenAway::Share).
    pub shared: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    failures: AtomicU64,
    leased: AtomicU64,
    lost: AtomicU64,
    allowed: AtomicU64,
    shared: AtomicU64,
}

macro_rules! counters {
    ($($counter:ident, $add:ident);*) => {$(
        pub(crate) fn $add(&self, n: u32) {
            self.$counter.fetch_add(u64::from(n), Relaxed);
        }
    )*};
}

impl Counters {
    counters!(requests, add_requests; failures, add_failures; leased, add_leased; lost, add_lost; allowed, add_allowed; shared, add_shared);

    pub(crate) fn read(&self) -> Counts {
        Counts {
            requests: self.requests.load(Relaxed),
            failures: self.failures.load(Relaxed),
            leased: self.leased.load(Relaxed),
            lost: self.lost.load(Relaxed),
            allowed: self.allowed.load(Relaxed),
            shared: self.shared.load(Relaxed),
        }
    }
}
