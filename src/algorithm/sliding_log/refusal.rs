//! The newest refusal, remembered so that the next one need not look at the ring.
//!
//! # State
//!
//! - `until: { ready: 61, 7 - quota: 3 }`, the first tick at which one more permit is admitted, and the
//!   quota that admits it last.
//! - `end`: how many permits had been granted when that was so. Both are 0 at the start.
//!
//! - I1. What the log says to a call for one permit is a function of its end, and both `ready` and, while
//!   `ready` stays, `7 - quota` only grow with it: stamps never decrease, so a quota that was among the
//!   last stays among them, and the first of these is named. So `until` is kept by `fetch_max`.
//! - I2. `until` is written before `end`, so whoever reads `end = e` reads an `until` of `e` or later.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `recall` | a refusal | the caller's load of the log's slot `end` | if the log still ends there, `until` is of this end: not of an earlier one (I2), and who wrote that of a later one had seen the slot claimed |
//!
//! # Orderings
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | M | load `end` | Acquire | O | `until` is of an earlier end | `refusal_weak_end_load` |
//! | U | load `until` | Acquire | R | the log's slot is read too early, and `until` is of a later end | `refusal_weak_until_load` |
//! | R | `fetch_max` `until` | Release | U | likewise | `refusal_weak_until_store` |
//! | O | `fetch_max` `end` | Release | M | `until` is of an earlier end | `refusal_weak_end_store` |

use super::Verdict;
use crate::sync::AtomicU64;
use crate::sync::Ordering::{Acquire, Release};

#[derive(Debug)]
pub(super) struct Refusal {
    until: AtomicU64,
    end: AtomicU64,
}

const QUOTA_BITS: u32 = 3;
const LAST_QUOTA: u64 = (1 << QUOTA_BITS) - 1;

impl Refusal {
    pub(super) fn none() -> Refusal {
        Refusal { until: AtomicU64::new(0), end: AtomicU64::new(0) }
    }

    /// The end it is about, and what was said then to a call for one permit. It holds if the log, looked at after
    /// this, still ends there.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "three bits")]
    pub(super) fn recall(&self) -> (u64, Verdict) {
        let end = self.end.load(Acquire); // M
        let until = self.until.load(Acquire); // U
        let quota = LAST_QUOTA - (until & LAST_QUOTA);
        (end, Verdict { ready: until >> QUOTA_BITS, quota: quota as usize })
    }

    /// Remembers what the log said at `end` to a call for one permit.
    #[inline(never)]
    pub(super) fn remember(&self, end: u64, verdict: &Verdict) {
        if verdict.ready > u64::MAX >> QUOTA_BITS {
            return; // Decades ahead at the least: not worth a wider word.
        }
        let until = (verdict.ready << QUOTA_BITS) | (LAST_QUOTA - verdict.quota as u64);
        self.until.fetch_max(until, Release); // R
        self.end.fetch_max(end, Release); // O
    }
}
