//! Which strategies are compared?

use tollgate::reference::{BucketMachine, FixedWindow, Locked, LogMachine, SlidingWindowCounter};
use tollgate::{Policy, SlidingLog, TokenBucket, WindowCounter};

use super::{Figures, keyed, replay};
use crate::progress::Progress;
use crate::traffic::Traffic;

/// A built-in strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`describe` tells, and `replay` which type it is")]
pub enum Strategy {
    SlidingLog,
    TokenBucketStrict,
    TokenBucketNominal,
    WindowCounter,
    LockedSlidingLog,
    LockedTokenBucket,
    FixedWindow,
    SlidingWindowCounter,
    KeyedTable,
}

impl Strategy {
    /// Those for any traffic, in the order of every output: the lock-free ones, then the locked.
    pub const ALL: [Strategy; 8] = [
        Strategy::SlidingLog,
        Strategy::TokenBucketStrict,
        Strategy::TokenBucketNominal,
        Strategy::WindowCounter,
        Strategy::LockedSlidingLog,
        Strategy::LockedTokenBucket,
        Strategy::FixedWindow,
        Strategy::SlidingWindowCounter,
    ];

    /// Those that are compared on `traffic`: [`ALL`](Strategy::ALL), and then the keyed table, if each client has a limit of
    /// its own.
    pub fn of(traffic: &Traffic) -> impl Iterator<Item = Strategy> + use<> {
        let keyed = traffic.per_client.then_some(Strategy::KeyedTable);
        Strategy::ALL.into_iter().chain(keyed)
    }

    /// As every output calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Strategy::SlidingLog => "sliding_log",
            Strategy::TokenBucketStrict => "token_bucket_strict",
            Strategy::TokenBucketNominal => "token_bucket_nominal",
            Strategy::WindowCounter => "window_counter",
            Strategy::LockedSlidingLog => "locked_sliding_log",
            Strategy::LockedTokenBucket => "locked_token_bucket",
            Strategy::FixedWindow => "fixed_window",
            Strategy::SlidingWindowCounter => "sliding_window_counter",
            Strategy::KeyedTable => "keyed_table",
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
            Strategy::WindowCounter => {
                "lock-free; counts planned so that they are never over a limit, and the whole limit comes at once"
            }
            Strategy::LockedSlidingLog => "the exact rule as a deque behind a mutex",
            Strategy::LockedTokenBucket => "textbook buckets in exact fractions behind a mutex",
            Strategy::FixedWindow => "a count that restarts with every full window, behind a mutex",
            Strategy::SlidingWindowCounter => "two counts, the older one weighted, behind a mutex",
            Strategy::KeyedTable => {
                "with --per-client; lock-free; one table with a bucket for each client, never over a limit"
            }
        }
    }

    /// Whether it keeps every limit on any traffic, and not by luck on this one.
    pub const fn keeps_the_rule(self) -> bool {
        match self {
            Strategy::SlidingLog
            | Strategy::TokenBucketStrict
            | Strategy::WindowCounter
            | Strategy::LockedSlidingLog
            | Strategy::KeyedTable => true,
            Strategy::TokenBucketNominal
            | Strategy::LockedTokenBucket
            | Strategy::FixedWindow
            | Strategy::SlidingWindowCounter => false,
        }
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
            Strategy::WindowCounter => replay(|| WindowCounter::new(own), policy, traffic, bar),
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
            Strategy::KeyedTable => keyed::replay(policy, traffic, bar),
        }
    }
}
