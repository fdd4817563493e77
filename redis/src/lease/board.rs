//! What a node's task tells the callers, and what they tell it.
//!
//! # State
//!
//! Each word is advice. Whatever is read, no more permits are granted than were leased: [`Held`](super::word::Held) alone decides that.
//! A stale value costs one refusal or one request more.
//!
//! - `full_at`: when the store's bucket is full again, as far as this node knows. Others can only make it later.
//! - `not_before`: the node asks nobody before this instant.
//! - `low`: the task is called when so few permits are left; 0 for never, else the number and 1.
//! - `trip`: how long a request takes.
//! - `wanted`: permits that callers did not find here. `largest`: the most that one of them wanted.
//! - `queued`: the permits that all who wait are waiting for.
//! - `away`: 0 while the store answers, else when the node asks it again; the last instant if it never does.
//!
//! # Orderings
//!
//! | site | operation | ordering | if weaker |
//! |---|---|---|---|
//! | B | every load, store and read-modify-write of this file | Relaxed | is the weakest: any value is right |

use tollgate::Nanos;

use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

#[derive(Debug, Default)]
pub(crate) struct Board {
    full_at: AtomicU64,
    not_before: AtomicU64,
    low: AtomicU64,
    trip: AtomicU64,
    wanted: AtomicU64,
    largest: AtomicU64,
    queued: AtomicU64,
    away: AtomicU64,
}

macro_rules! instants {
    ($($get:ident, $set:ident);*) => {$(
        #[inline]
        pub(crate) fn $get(&self) -> Nanos {
            Nanos::from_nanos(self.$get.load(Relaxed)) // B
        }

        pub(crate) fn $set(&self, instant: Nanos) {
            self.$get.store(instant.as_nanos(), Relaxed); // B
        }
    )*};
}

impl Board {
    instants!(full_at, set_full_at; not_before, set_not_before; trip, set_trip);

    /// Whether as few permits as the task wants to know of are left now, and were not before.
    #[inline]
    pub(crate) fn crosses_low(&self, before: u32, left: u32) -> bool {
        let low = self.low.load(Relaxed); // B
        u64::from(left) < low && u64::from(before) >= low
    }

    pub(crate) fn set_low(&self, low: Option<u32>) {
        self.low.store(low.map_or(0, |low| u64::from(low) + 1), Relaxed); // B
    }

    pub(crate) fn low(&self) -> u32 {
        let low = self.low.load(Relaxed); // B
        u32::try_from(low.saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// A caller wants `n` permits that are not here. Whether the task must be called.
    pub(crate) fn want(&self, n: u32, counts: bool) -> bool {
        let n = u64::from(n);
        let largest = self.largest.load(Relaxed); // B
        if largest < n {
            self.largest.fetch_max(n, Relaxed); // B
        }
        let wanted = if counts {
            self.wanted.fetch_add(n, Relaxed) // B
        } else {
            self.wanted.load(Relaxed) // B
        };
        if wanted == 0 && !counts {
            self.wanted.store(n, Relaxed); // B
        }
        wanted == 0
    }

    /// All permits that are wanted, and the most of one caller.
    pub(crate) fn wanted(&self) -> (u64, u32) {
        let wanted = self.wanted.load(Relaxed); // B
        let largest = self.largest.load(Relaxed); // B
        if wanted == 0 { (0, 0) } else { (wanted, u32::try_from(largest).unwrap_or(u32::MAX)) }
    }

    pub(crate) fn forget_wanted(&self) {
        self.wanted.store(0, Relaxed); // B
        self.largest.store(0, Relaxed); // B
    }

    #[inline]
    pub(crate) fn queued(&self) -> u64 {
        self.queued.load(Relaxed) // B
    }

    pub(crate) fn set_queued(&self, permits: u64) {
        self.queued.store(permits, Relaxed); // B
    }

    /// When the store is asked again. `None` while it answers.
    #[inline]
    pub(crate) fn away(&self) -> Option<Nanos> {
        let away = self.away.load(Relaxed); // B
        (away > 0).then(|| Nanos::from_nanos(away))
    }

    pub(crate) fn set_away(&self, until: Option<Nanos>) {
        self.away.store(until.map_or(0, |until| until.as_nanos().max(1)), Relaxed); // B
    }
}
