//! The share of one node while the store is away: a strict bucket in one word, which every lease is charged to.
//!
//! # State
//!
//! `full_at: { nanoseconds: 64 }`: when the bucket is full again. It only grows.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `take` | granted | the successful CAS | it replaces the very word that was read |
//! | `take` | refused | the load | a refusal writes nothing |
//! | `charge` | | the successful CAS | likewise |
//!
//! # Orderings
//!
//! | site | operation | ordering | if weaker |
//! |---|---|---|---|
//! | T | load `full_at` | Relaxed | is the weakest: one word has one order of changes, and E tries again |
//! | E | CAS `full_at` | Relaxed, Relaxed | is the weakest: a read-modify-write reads the latest value |

use tollgate::{Nanos, Plan};

use super::terms::Bucket;
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

#[derive(Debug)]
pub(crate) struct Share {
    bucket: Bucket,
    full_at: AtomicU64,
}

impl Share {
    pub(crate) fn new(plan: &Plan) -> Share {
        Share { bucket: Bucket::new(plan), full_at: AtomicU64::new(0) }
    }

    pub(crate) fn burst(&self) -> u32 {
        self.bucket.burst
    }

    /// When so many permits are there, for several calls.
    pub(crate) fn ready(&self, now: Nanos, permits: u64) -> Nanos {
        let full_at = Nanos::from_nanos(self.full_at.load(Relaxed)); // T
        let full_at = if permits > u64::from(self.bucket.burst) { full_at.max(now) } else { full_at };
        self.bucket.ready(full_at, permits)
    }

    /// Takes `n` permits at `now`, or tells when they are there. `n` is at most the burst.
    pub(crate) fn take(&self, now: Nanos, n: u32) -> Result<(), Nanos> {
        loop {
            let full_at = self.full_at.load(Relaxed); // T
            let ready = self.bucket.ready(Nanos::from_nanos(full_at), u64::from(n));
            if ready > now {
                return Err(ready);
            }
            if self.replace(full_at, full_at.max(now.as_nanos()).saturating_add(self.cost(n))) {
                return Ok(());
            }
        }
    }

    /// Counts `n` permits that the store granted to this node. The bucket is empty then, if they are more than it has.
    pub(crate) fn charge(&self, now: Nanos, n: u32) {
        loop {
            let full_at = self.full_at.load(Relaxed); // T
            let now = now.as_nanos();
            let empty = now.saturating_add(self.cost(self.bucket.burst));
            let charged = full_at.max(now).saturating_add(self.cost(n)).min(empty.max(full_at));
            if self.replace(full_at, charged) {
                return;
            }
        }
    }

    fn cost(&self, n: u32) -> u64 {
        self.bucket.interval.saturating_mul(u64::from(n))
    }

    fn replace(&self, old: u64, new: u64) -> bool {
        self.full_at.compare_exchange(old, new, Relaxed, Relaxed).is_ok() // E
    }
}
