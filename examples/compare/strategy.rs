//! Which strategies are compared?

use tollgate::reference::{BucketMachine, FixedWindow, Locked, LogMachine, SlidingWindowCounter};
use tollgate::{Policy, SlidingLog, TokenBucket};

use super::progress::Progress;
use super::replay::{Figures, replay};
use super::traffic::Traffic;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
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
    pub(crate) const ALL: [Strategy; 7] = [
        Strategy::SlidingLog,
        Strategy::TokenBucketStrict,
        Strategy::TokenBucketNominal,
        Strategy::LockedSlidingLog,
        Strategy::LockedTokenBucket,
        Strategy::FixedWindow,
        Strategy::SlidingWindowCounter,
    ];

    pub(crate) const fn name(self) -> &'static str {
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
    pub(crate) const fn describe(self) -> &'static str {
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
    pub(crate) const fn keeps_the_rule(self) -> bool {
        matches!(self, Strategy::SlidingLog | Strategy::TokenBucketStrict | Strategy::LockedSlidingLog)
    }

    /// Its bit in [`Step::granted`](super::traffic::Step::granted).
    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Replays `traffic`; `Err` says in words why this strategy cannot.
    pub(crate) fn replay(
        self,
        policy: &Policy,
        traffic: &mut Traffic,
        bar: &Progress,
    ) -> Result<Figures, String> {
        let (bit, own) = (self.bit(), *policy);
        match self {
            Strategy::SlidingLog => replay(|| SlidingLog::new(own), bit, policy, traffic, bar),
            Strategy::TokenBucketStrict => replay(|| TokenBucket::strict(own), bit, policy, traffic, bar),
            Strategy::TokenBucketNominal => replay(|| TokenBucket::nominal(own), bit, policy, traffic, bar),
            Strategy::LockedSlidingLog => {
                replay(|| Ok(Locked::new(LogMachine::new(own))), bit, policy, traffic, bar)
            }
            Strategy::LockedTokenBucket => {
                replay(|| Ok(Locked::new(BucketMachine::new(own))), bit, policy, traffic, bar)
            }
            Strategy::FixedWindow => {
                replay(|| Ok(Locked::new(FixedWindow::new(own))), bit, policy, traffic, bar)
            }
            Strategy::SlidingWindowCounter => {
                replay(|| Ok(Locked::new(SlidingWindowCounter::new(own))), bit, policy, traffic, bar)
            }
        }
    }
}
