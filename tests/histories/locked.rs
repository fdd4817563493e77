//! The locked limiters of the library, called like the shipped files that this crate includes.

use std::time::Duration;

use tollgate::reference::{BucketMachine, Locked, LogMachine};
use tollgate::{Algorithm, Denied, Nanos, Policy, Quota};

use crate::spec::{Call, Reply};
use crate::storm::Limiter;
use crate::subject::UNIT;

fn policy(quotas: &[(u32, u64)]) -> Policy {
    let quota = |&(limit, window): &(u32, u64)| Quota::new(limit, Duration::from_nanos(window * UNIT));
    let quotas: Vec<Quota> = quotas.iter().map(quota).collect();
    Policy::new(&quotas).expect("a valid policy")
}

pub(crate) fn log(quotas: &[(u32, u64)]) -> Limiter {
    let log = Locked::new(LogMachine::new(policy(quotas)));
    Box::new(move |call| perform(&log, call))
}

pub(crate) fn buckets(quotas: &[(u32, u64)]) -> Limiter {
    let buckets = Locked::new(BucketMachine::new(policy(quotas)));
    Box::new(move |call| perform(&buckets, call))
}

fn perform(limiter: &dyn Algorithm, call: Call) -> Reply {
    match call {
        Call::Take { now, n } => decision(limiter.try_acquire_at(Nanos::from_nanos(now), n)),
        Call::Peek { now, n } => decision(limiter.peek_at(Nanos::from_nanos(now), n)),
        Call::Status { now } => {
            let status = limiter.status_at(Nanos::from_nanos(now));
            let quotas = status.quotas().iter();
            Reply::Status(quotas.map(|q| (u64::from(q.remaining), q.reset_at.as_nanos())).collect())
        }
        Call::Grant { .. } | Call::Undo { .. } => unreachable!("a lock takes nothing back"),
    }
}

fn decision(decision: Result<(), Denied>) -> Reply {
    match decision {
        Ok(()) => Reply::Granted,
        Err(denied) => Reply::Denied { quota: denied.quota(), retry: denied.retry_at().map(Nanos::as_nanos) },
    }
}
