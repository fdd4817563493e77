//! Which strategies are compared?

use tollgate::reference::{BucketMachine, FixedWindow, Locked, LogMachine, SlidingWindowCounter};
use tollgate::{Policy, SlidingLog, TokenBucket};

use super::{Figures, replay};
use crate::progress::Progress;
use crate::traffic::Traffic;

/// A built-in strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`describe` tells, and `replay` which type it is")]
pub enum Strategy {
    SlidingLog,
    TokenBucketStrict,
    TokenBucketNominal,
    LockedSlidingLog,
    LockedTokenBucket,
    FixedWindow,
    SlidingWindowCounter,
}

impl Strategy {
    /// In the order of every output: the lock-free ones, then the locked.
    pub const ALL: [Strategy; 7] = [
        Strategy::SlidingLog,
        Strategy::TokenBucketStrict,
        Strategy::TokenBucketNominal,
        Strategy::LockedSlidingLog,
        Strategy::LockedTokenBucket,
        Strategy::FixedWindow,
        Strategy::SlidingWindowCounter,
    ];

    /// As every output calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Strategy::SlidingLog => "sliding_log",
            Strategy::TokenBucketStrict => "token_bucket_strict",
            Strategy::TokenBucketNominal => "token_bucket_nominal",
            Strategy::LockedSlidingLog => "locked_sliding_log",
            Strategy::LockedTokenBucket => "locked_token_bucket",
            Strategy::FixedWindow => "fixed_window",
            Strategy::SlidingWindowCounter => "sliding_window_counter",
        }
    }

    /// For `--help`.
    pub const fn describe(self) -> &'static str {
        match self {
            Strategy::SlidingLog => "lock-free; the exact rule, never over a limit",
            Strategy::TokenBucketStrict => "lock-free; one bucket planned so that it is never over a limit",
            Strategy::TokenBucketNominal => {
                "lock-free; a textbook bucket per quota: up to twice the limit, less 1"
            }
            Strategy::LockedSlidingLog => "the exact rule as a deque behind a mutex",
            Strategy::LockedTokenBucket => "textbook buckets in exact fractions behind a mutex",
            Strategy::FixedWindow => "a count that restarts with every full window, behind a mutex",
            Strategy::SlidingWindowCounter => "two counts, the older one weighted, behind a mutex",
        }
    }

    /// Whether it keeps every limit on any traffic, and not by luck on this one.
    pub const fn keeps_the_rule(self) -> bool {
        matches!(self, Strategy::SlidingLog | Strategy::TokenBucketStrict | Strategy::LockedSlidingLog)
    }

    /// Replays `traffic`.
    ///
    /// # Errors
    ///
    /// In words, why this strategy cannot.
    pub fn replay(self, policy: &Policy, traffic: &Traffic, bar: &Progress) -> Result<Figures, String> {
        let own = *policy;
        match self {
            Strategy::SlidingLog => replay(|| SlidingLog::new(own), policy, traffic, bar),
            Strategy::TokenBucketStrict => replay(|| TokenBucket::strict(own), policy, traffic, bar),
            Strategy::TokenBucketNominal => replay(|| TokenBucket::nominal(own), policy, traffic, bar),
            Strategy::LockedSlidingLog => {
                replay(|| Ok(Locked::new(LogMachine::new(own))), policy, traffic, bar)
            }
            Strategy::LockedTokenBucket => {
                replay(|| Ok(Locked::new(BucketMachine::new(own))), policy, traffic, bar)
            }
            Strategy::FixedWindow => replay(|| Ok(Locked::new(FixedWindow::new(own))), policy, traffic, bar),
            Strategy::SlidingWindowCounter => {
                replay(|| Ok(Locked::new(SlidingWindowCounter::new(own))), policy, traffic, bar)
            }
        }
    }
}
