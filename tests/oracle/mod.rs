//! The right answers, worked out slowly: by lists of instants and `u128` arithmetic.
//!
//! Nothing here comes from `src/`. Nothing is cached or pruned: each decision reads the complete history. Instants are
//! plain nanoseconds.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part")]
#![allow(unreachable_pub, reason = "a module of test binaries: nothing is reachable from outside")]

mod bucket;
mod counter;
mod grid;
mod key;
mod log;
mod window;

pub use bucket::ExactBucket;
pub use counter::{ExactCounter, Shape};
pub use grid::Grid;
pub use key::ExactKey;
pub use log::ExactLog;
pub use window::{busiest, effective};

/// At most `limit` permits in any `window` nanoseconds, the guard included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub limit: u32,
    pub window: u64,
}

/// The answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Granted,
    /// The quota that binds, and the first instant at which the same call is granted: `None` if that is past the
    /// end of time, or its last nanosecond, which no refusal promises.
    Denied {
        quota: usize,
        retry_at: Option<u64>,
    },
    /// More than can ever be granted to one call, which is so many.
    Never {
        burst: u32,
    },
}

/// How much is left of one quota, the first instant at which there is a permit, and the first at which it is full.
/// `next_at` is `None` if there is a permit now, `reset_at` if it is full now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub remaining: u32,
    pub next_at: Option<u128>,
    pub reset_at: Option<u128>,
}

/// The most that one call can be granted.
pub fn burst(rules: &[Rule]) -> u32 {
    rules.iter().map(|rule| rule.limit).min().unwrap()
}

/// The latest of the instants at which the quotas admit a call, and the first quota that is so late.
fn last(ready: &[u128]) -> (usize, u128) {
    let latest = *ready.iter().max().unwrap();
    (ready.iter().position(|&instant| instant == latest).unwrap(), latest)
}
