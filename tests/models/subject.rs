//! What is tested: a shipped limiter, built from a few numbers, and the specification that it must meet.

use std::time::Duration;

use crate::algorithm::{Algorithm, SlidingLog, TokenBucket};
use crate::decision::{Denied, Receipt};
use crate::nanos::Nanos;
use crate::quota::{Policy, Quota};
use crate::spec::{Call, Reply, Rule, Spec};

/// One unit of the tests' time: a whole number of ticks of every grid that is used.
pub(crate) const UNIT: u64 = 1_024_000_000;

/// A limiter and its quotas, as `(limit, window in units)`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Strict(u32, &'static [(u32, u64)]),
    Nominal(&'static [(u32, u64)]),
    Log(&'static [(u32, u64)]),
}

impl Subject {
    fn quotas(self) -> &'static [(u32, u64)] {
        match self {
            Subject::Strict(_, quotas) | Subject::Nominal(quotas) | Subject::Log(quotas) => quotas,
        }
    }

    pub(crate) fn build(self) -> Box<dyn Algorithm> {
        let quota = |&(limit, window): &(u32, u64)| Quota::new(limit, Duration::from_nanos(window * UNIT));
        let quotas: Vec<Quota> = self.quotas().iter().map(quota).collect();
        let policy = Policy::new(&quotas).expect("a valid policy");
        match self {
            Subject::Strict(burst, _) => {
                Box::new(TokenBucket::with_burst(policy, burst).expect("a bucket that fits"))
            }
            Subject::Nominal(_) => Box::new(TokenBucket::nominal(policy).expect("a bucket that fits")),
            Subject::Log(_) => Box::new(SlidingLog::new(policy).expect("a log that fits")),
        }
    }

    pub(crate) fn spec(self) -> Spec {
        let rule = |&(limit, window): &(u32, u64)| Rule { limit: u64::from(limit), window: window * UNIT };
        let rules: Vec<Rule> = self.quotas().iter().map(rule).collect();
        match self {
            Subject::Strict(burst, _) => Spec::strict(&rules, u64::from(burst)),
            Subject::Nominal(_) => Spec::buckets(&rules),
            Subject::Log(_) => Spec::log(&rules),
        }
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
