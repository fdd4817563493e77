//! Every algorithm of the crate, so that a test calls all of them in one line.

#![allow(clippy::large_types_passed_by_value, reason = "as the crate itself takes a policy")]
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(unreachable_pub, reason = "a module of test binaries: nothing is reachable from outside")]

use std::fmt;

use tollgate::reference::{BucketMachine, FixedWindow, Locked, LogMachine, SlidingWindowCounter};
use tollgate::{
    Algorithm, BuildError, CounterPlan, Denied, Nanos, Policy, SlidingLog, TokenBucket, WindowCounter,
};

use crate::oracle::{Answer, Rule, Shape};

/// An algorithm that can be printed: a call that must change nothing must not change its `Debug` text.
pub trait Subject: Algorithm + fmt::Debug {}

impl<A: Algorithm + fmt::Debug> Subject for A {}

/// Which algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Log,
    Strict,
    Nominal,
    WindowCounter,
    LockedLog,
    LockedBucket,
    FixedWindow,
    Counter,
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::Log,
        Kind::Strict,
        Kind::Nominal,
        Kind::WindowCounter,
        Kind::LockedLog,
        Kind::LockedBucket,
        Kind::FixedWindow,
        Kind::Counter,
    ];

    /// Those that decide without a lock and without allocating.
    pub const LOCK_FREE: [Kind; 4] = [Kind::Log, Kind::Strict, Kind::Nominal, Kind::WindowCounter];

    pub fn build(self, policy: Policy) -> Result<Box<dyn Subject>, BuildError> {
        Ok(match self {
            Kind::Log => Box::new(SlidingLog::new(policy)?),
            Kind::Strict => Box::new(TokenBucket::strict(policy)?),
            Kind::Nominal => Box::new(TokenBucket::nominal(policy)?),
            Kind::WindowCounter => Box::new(WindowCounter::new(policy)?),
            Kind::LockedLog => Box::new(Locked::new(LogMachine::new(policy))),
            Kind::LockedBucket => Box::new(Locked::new(BucketMachine::new(policy))),
            Kind::FixedWindow => Box::new(Locked::new(FixedWindow::new(policy))),
            Kind::Counter => Box::new(Locked::new(SlidingWindowCounter::new(policy))),
        })
    }

    /// The most permits that this algorithm may grant in a window of a quota, if it promises anything.
    pub fn most(self, limit: u32) -> Option<u64> {
        let limit = u64::from(limit);
        match self {
            Kind::Log | Kind::Strict | Kind::WindowCounter | Kind::LockedLog => Some(limit),
            Kind::Nominal | Kind::LockedBucket => Some(2 * limit - 1),
            Kind::FixedWindow => Some(2 * limit),
            Kind::Counter => None,
        }
    }

    /// Whether a stale call is counted where it took place, and not at the `now` that was given.
    pub fn counts_where_it_took_place(self) -> bool {
        matches!(self, Kind::FixedWindow | Kind::WindowCounter)
    }
}

/// A plan in the oracle's terms.
pub fn shape(plan: &CounterPlan) -> Shape {
    let tick = plan.tick().as_nanos();
    Shape {
        counted: plan.counted(),
        sub_windows: plan.sub_windows().into(),
        sub_window: plan.sub_window().as_nanos(),
        unit: plan.unit().into(),
        tick,
        interval: plan.interval().map(|interval| interval.as_nanos()),
        end: plan.lasts().as_nanos() - tick,
    }
}

/// Every algorithm that can be built for `policy`.
pub fn all(policy: Policy) -> impl Iterator<Item = (Kind, Box<dyn Subject>)> {
    Kind::ALL.into_iter().filter_map(move |kind| Some((kind, kind.build(policy).ok()?)))
}

pub fn policy(text: &str) -> Policy {
    text.parse().unwrap()
}

/// The quotas of `policy` in the oracle's terms.
pub fn rules(policy: &Policy) -> Vec<Rule> {
    let nanos =
        |quota: &tollgate::Quota| u64::try_from((quota.window() + policy.guard()).as_nanos()).unwrap();
    policy.quotas().iter().map(|quota| Rule { limit: quota.limit(), window: nanos(quota) }).collect()
}

pub fn at(nanos: u64) -> Nanos {
    Nanos::from_nanos(nanos)
}

/// One call, and its answer in the oracle's terms. What does not depend on the algorithm is checked here.
pub fn call(subject: &(impl Algorithm + ?Sized), now: u64, n: u32) -> Answer {
    let peeked = subject.peek_at(at(now), n);
    let answer = subject.try_acquire_at(at(now), n);
    assert_eq!(answer, peeked, "peeked at {now} for {n}");
    match answer {
        Ok(()) => Answer::Granted,
        Err(denied) => refusal(&denied, now, n),
    }
}

/// A refusal in the oracle's terms.
pub fn refusal(denied: &Denied, now: u64, n: u32) -> Answer {
    assert_ne!(n, 0, "a call for nothing was refused");
    assert_eq!(denied.at(), at(now));
    let retry_at = denied.retry_at().map(Nanos::as_nanos);
    assert!(retry_at.is_none_or(|retry_at| retry_at > now), "{denied:?} is to be retried at once");
    assert_eq!(denied.retry_after().map(|delay| delay.as_nanos()), retry_at.map(|at| u128::from(at - now)));
    assert_eq!(denied.retry_after_secs(), retry_at.map(|at| (at - now).div_ceil(1_000_000_000)));
    if n > denied.burst() {
        assert_eq!(retry_at, None, "a retry of {n} is suggested though never granted");
        return Answer::Never { burst: denied.burst() };
    }
    Answer::Denied { quota: denied.quota(), retry_at }
}
