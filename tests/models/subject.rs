//! What is tested: a shipped limiter, built from a few numbers, and the specification that it must meet.

use std::time::Duration;

use crate::algorithm::{Algorithm, CounterPlan, SlidingLog, TokenBucket, WindowCounter};
use crate::decision::{Denied, Receipt};
use crate::nanos::Nanos;
use crate::quota::{Policy, Quota};
use crate::spec::{Call, Counting, Reply, Rule, Spec};

/// One unit of the tests' time: a whole number of ticks of every grid that is used.
pub(crate) const UNIT: u64 = 1_024_000_000;

/// What the threads of a model share.
pub(crate) type Limiter = dyn Algorithm;

/// A limiter and its quotas, as `(limit, window in units)`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Strict(u32, &'static [(u32, u64)]),
    Nominal(&'static [(u32, u64)]),
    Log(&'static [(u32, u64)]),
    /// Sub-windows, and the bits of a unit and of the ticks in a sub-window.
    Counter([u32; 3], &'static [(u32, u64)]),
}

impl Subject {
    fn quotas(self) -> &'static [(u32, u64)] {
        match self {
            Subject::Strict(_, quotas)
            | Subject::Nominal(quotas)
            | Subject::Log(quotas)
            | Subject::Counter(_, quotas) => quotas,
        }
    }

    fn policy(self) -> Policy {
        let quota = |&(limit, window): &(u32, u64)| Quota::new(limit, Duration::from_nanos(window * UNIT));
        let quotas: Vec<Quota> = self.quotas().iter().map(quota).collect();
        Policy::new(&quotas).expect("a valid policy")
    }

    pub(crate) fn build(self) -> Box<Limiter> {
        let policy = self.policy();
        match self {
            Subject::Strict(burst, _) => {
                Box::new(TokenBucket::with_burst(policy, burst).expect("a bucket that fits"))
            }
            Subject::Nominal(_) => Box::new(TokenBucket::nominal(policy).expect("a bucket that fits")),
            Subject::Log(_) => Box::new(SlidingLog::new(policy).expect("a log that fits")),
            Subject::Counter(shape, _) => Box::new(WindowCounter::from(shaped(&policy, shape))),
        }
    }

    pub(crate) fn spec(self) -> Spec {
        let rule = |&(limit, window): &(u32, u64)| Rule { limit: u64::from(limit), window: window * UNIT };
        let rules: Vec<Rule> = self.quotas().iter().map(rule).collect();
        match self {
            Subject::Strict(burst, _) => Spec::strict(&rules, u64::from(burst)),
            Subject::Nominal(_) => Spec::buckets(&rules),
            Subject::Log(_) => Spec::log(&rules),
            Subject::Counter(shape, _) => Spec::counts(&rules, counting(&shaped(&self.policy(), shape), 1)),
        }
    }
}

fn shaped(policy: &Policy, [sub_windows, unit_bits, tick_bits]: [u32; 3]) -> CounterPlan {
    CounterPlan::shaped(policy, sub_windows, unit_bits, tick_bits).expect("a counter that fits")
}

/// A plan in the specification's terms, which counts so many parts of a nanosecond.
pub(crate) fn counting(plan: &CounterPlan, parts: u64) -> Counting {
    let time = |duration: Duration| u64::try_from(duration.as_nanos()).expect("not so long") * parts;
    Counting {
        counted: plan.counted(),
        sub_windows: plan.sub_windows().into(),
        sub_window: time(plan.sub_window()),
        unit: plan.unit().into(),
        tick: time(plan.tick()),
        interval: plan.interval().map_or(0, time),
    }
}

/// A call for `n` permits at `now` units.
pub(crate) const fn take(now: u64, n: u32) -> Call {
    Call::Take { now: now * UNIT, n }
}

/// A look ahead: what a call for `n` permits at `now` units would be answered.
pub(crate) const fn peek(now: u64, n: u32) -> Call {
    Call::Peek { now: now * UNIT, n }
}

/// A reading of the status at `now` units.
pub(crate) const fn status(now: u64) -> Call {
    Call::Status { now: now * UNIT }
}

/// A call for `n` permits at `now` units, which [`undo`] of the same name may take back.
pub(crate) const fn grant(now: u64, n: u32, name: u8) -> Call {
    Call::Grant { now: now * UNIT, n, name }
}

pub(crate) const fn undo(name: u8) -> Call {
    Call::Undo { name }
}

/// Whether a call needs what was replied before.
pub(crate) fn looks_back(call: Call) -> bool {
    matches!(call, Call::Undo { .. })
}

/// What the calls are answered, one after another, by a thread that has heard this `before`.
pub(crate) fn perform_all(
    limiter: &dyn Algorithm,
    calls: &[Call],
    before: &[(Call, Reply)],
) -> Vec<(Call, Reply)> {
    let mut heard = before.to_vec();
    for &call in calls {
        let reply = perform_after(limiter, call, &heard);
        heard.push((call, reply));
    }
    heard.split_off(before.len())
}

pub(crate) fn perform(limiter: &dyn Algorithm, call: Call) -> Reply {
    perform_after(limiter, call, &[])
}

/// A receipt that was `heard` can be handed back.
pub(crate) fn perform_after(limiter: &dyn Algorithm, call: Call, heard: &[(Call, Reply)]) -> Reply {
    match call {
        Call::Take { now, n } => decision(now, limiter.try_acquire_at(Nanos::from_nanos(now), n)),
        Call::Peek { now, n } => decision(now, limiter.peek_at(Nanos::from_nanos(now), n)),
        Call::Status { now } => {
            let status = limiter.status_at(Nanos::from_nanos(now));
            assert_eq!(status.at(), Nanos::from_nanos(now));
            let of = |quota: &crate::decision::QuotaStatus| {
                (u64::from(quota.remaining), quota.reset_at.as_nanos())
            };
            Reply::Status(status.quotas().iter().map(of).collect())
        }
        Call::Grant { now, n, .. } => match limiter.try_grant_at(Nanos::from_nanos(now), n) {
            Ok(grant) => {
                let Receipt { before, after } = grant.into_receipt();
                Reply::Held { before, after }
            }
            Err(denied) => decision(now, Err(denied)),
        },
        Call::Undo { name } => {
            let receipt = heard.iter().find_map(|(call, reply)| match (*call, reply) {
                (Call::Grant { name: of, .. }, &Reply::Held { before, after }) if of == name => {
                    Some(Receipt { before, after })
                }
                _ => None,
            });
            Reply::Undone(receipt.is_some_and(|receipt| limiter.undo_receipt(receipt)))
        }
    }
}

fn decision(now: u64, decision: Result<(), Denied>) -> Reply {
    match decision {
        Ok(()) => Reply::Granted,
        Err(denied) => {
            assert_eq!(denied.at(), Nanos::from_nanos(now));
            Reply::Denied { quota: denied.quota(), retry: denied.retry_at().map(Nanos::as_nanos) }
        }
    }
}
