//! Remembers the newest refusal, so that the next one need not read the ring.
//!
//! # State
//!
//! - `until: { ready: 61, 7 - quota: 3 }`: the first tick at which one more permit is admitted, and the quota that admits
//!   it last.
//! - `end`: the number of permits that were granted when `until` was worked out. Both words are 0 at the start.
//!
//! - I1. The log's answer to a call for one permit depends only on its end. As the end grows, `ready` does not fall,
//!   because stamps never decrease. While `ready` stays the same, a quota that is among the last to admit the permit stays
//!   among them. The first of them is named, so its index does not grow, and `7 - quota` does not fall. Therefore
//!   `until` only grows with the end, and `fetch_max` keeps the newest.
//! - I2. `until` is written before `end`. So a thread that reads `end = e` then reads an `until` of `e` or of a later end.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `recall` | a refusal | the caller's load of the log's slot `end` | if the log still ends there, `until` is of this end. It is not of an earlier end (I2). It is not of a later end, because its writer had seen the slot claimed |
//!
//! # Orderings
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | M | load `end` | Acquire | O | `until` is of an earlier end | `refusal_weak_end_load` |
//! | U | load `until` | Acquire | R | the log's slot is read too early, and `until` is of a later end | `refusal_weak_until_load` |
//! | R | `fetch_max` `until` | Release | U | the same | `refusal_weak_until_store` |
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

    /// The end that is remembered, and what the log answered there to a call for one permit. The answer is right if the
    /// log is read after this and still ends there.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "three bits")]
    pub(super) fn recall(&self) -> (u64, Verdict) {
        let end = self.end.load(Acquire); // M
        let until = self.until.load(Acquire); // U
        let quota = LAST_QUOTA - (until & LAST_QUOTA);
        (end, Verdict { ready: until >> QUOTA_BITS, quota: quota as usize })
    }

    /// Remembers what the log answered at `end` to a call for one permit.
    #[inline(never)]
    pub(super) fn remember(&self, end: u64, verdict: &Verdict) {
        if verdict.ready > u64::MAX >> QUOTA_BITS {
            return; // Decades ahead. A wider word is not worth it.
        }
        let until = (verdict.ready << QUOTA_BITS) | (LAST_QUOTA - verdict.quota as u64);
        self.until.fetch_max(until, Release); // R
        self.end.fetch_max(end, Release); // O
    }
}
