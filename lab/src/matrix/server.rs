//! How do servers enforce a policy?

use std::cmp::Reverse;
use std::time::Duration;

use tollgate::http::{Family, Fields};
use tollgate::reference::{BucketMachine, FixedWindow, Locked, LogMachine, Machine, SlidingWindowCounter};
use tollgate::{Algorithm, Denied, Nanos, Policy, Quota, QuotaStatus, Status};

/// A way in which servers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`describe` tells")]
pub enum Server {
    FixedByClock,
    FixedByFirstCall,
    LogHalfOpen,
    LogClosed,
    SlidingCounter,
    TokenBucket,
    GcraDraft,
    GcraXRateLimit,
}

impl Server {
    /// In the order of every output.
    pub const ALL: [Server; 8] = [
        Server::FixedByClock,
        Server::FixedByFirstCall,
        Server::LogHalfOpen,
        Server::LogClosed,
        Server::SlidingCounter,
        Server::TokenBucket,
        Server::GcraDraft,
        Server::GcraXRateLimit,
    ];

    /// As every output calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Server::FixedByClock => "fixed_by_clock",
            Server::FixedByFirstCall => "fixed_by_first_call",
            Server::LogHalfOpen => "log_half_open",
            Server::LogClosed => "log_closed",
            Server::SlidingCounter => "sliding_counter",
            Server::TokenBucket => "token_bucket",
            Server::GcraDraft => "gcra_draft",
            Server::GcraXRateLimit => "gcra_x_ratelimit",
        }
    }

    /// For `--help`.
    pub const fn describe(self) -> &'static str {
        match self {
            Server::FixedByClock => "a count that begins anew at each full minute, hour, ...",
            Server::FixedByFirstCall => {
                "a count that begins anew with the first call after a window has passed"
            }
            Server::LogHalfOpen => "the exact rule: a call counts until a window has passed",
            Server::LogClosed => "the exact rule, but a call still counts when exactly a window has passed",
            Server::SlidingCounter => {
                "two counts, the older one weighted: refuses some calls that the rule allows"
            }
            Server::TokenBucket => "a bucket of the limit for each quota, in exact fractions",
            Server::GcraDraft => {
                "the same by theoretical arrival times; writes `RateLimit` as draft 11 has it into every answer"
            }
            Server::GcraXRateLimit => "the same again; writes `X-RateLimit-Remaining` and its like",
        }
    }

    /// Whether it grants every call that the exact rule allows.
    pub const fn grants_the_rule(self) -> bool {
        // The closed log does not: a guard above zero makes up for it.
        !matches!(self, Server::SlidingCounter)
    }

    /// What it writes into every answer; `None` if it writes nothing but the `Retry-After` of a refusal.
    pub fn fields(self, policy: &Policy) -> Option<Fields> {
        match self {
            Server::GcraDraft => Some(Fields::new(policy)),
            Server::GcraXRateLimit => Some(Fields::new(policy).family(Family::XRateLimit)),
            _ => None,
        }
    }

    /// A server that enforces `policy`.
    pub fn enforce(self, policy: Policy) -> Box<dyn Algorithm> {
        match self {
            Server::FixedByClock => Box::new(Locked::new(FixedWindow::new(policy))),
            Server::FixedByFirstCall => Box::new(Locked::new(FirstCall::new(&policy))),
            Server::LogHalfOpen => Box::new(Locked::new(LogMachine::new(policy))),
            Server::LogClosed => {
                // In whole nanoseconds, a window that holds its end is one nanosecond longer. One that is as long as
                // can be stays as it is.
                let closed = policy.with_guard(policy.guard().saturating_add(Duration::from_nanos(1)));
                Box::new(Locked::new(LogMachine::new(closed.unwrap_or(policy))))
            }
            Server::SlidingCounter => Box::new(Locked::new(SlidingWindowCounter::new(policy))),
            Server::TokenBucket => Box::new(Locked::new(BucketMachine::new(policy))),
            Server::GcraDraft | Server::GcraXRateLimit => Box::new(Locked::new(ArrivalTimes::new(&policy))),
        }
    }
}

/// A count for each quota, which begins anew with the first call after a window has passed.
#[derive(Debug)]
struct FirstCall {
    policy: Policy,
    /// When the window began, and how much was granted in it.
    counts: Vec<(u64, u32)>,
}

impl FirstCall {
    fn new(policy: &Policy) -> FirstCall {
        FirstCall { policy: *policy, counts: vec![(0, 0); policy.quotas().len()] }
    }

    /// The count of each quota at `now`, and when its window ends.
    fn at(&self, now: Nanos) -> impl Iterator<Item = (u32, u32, u64)> + '_ {
        let now = now.as_nanos();
        self.policy.quotas().iter().zip(&self.counts).map(move |(quota, &(began, count))| {
            let window = window(&self.policy, quota);
            let ends = began.saturating_add(window);
            if count == 0 || ends <= now {
                (quota.limit(), 0, now.saturating_add(window))
            } else {
                (quota.limit(), count, ends)
            }
        })
    }
}

/// The most permits that one call can be granted.
fn burst(policy: &Policy) -> u32 {
    policy.quotas().iter().map(Quota::limit).min().unwrap_or(0)
}

/// The window of a quota, and the guard, in nanoseconds.
fn window(policy: &Policy, quota: &Quota) -> u64 {
    u64::try_from(quota.window().saturating_add(policy.guard()).as_nanos()).unwrap_or(u64::MAX)
}

/// The answer to a call that each quota admits at its instant.
fn answer(policy: &Policy, now: Nanos, n: u32, ready: impl Iterator<Item = u64>) -> Result<(), Denied> {
    let burst = burst(policy);
    if n > burst {
        return Err(Denied::new(now, 0, None, burst));
    }
    let late = ready.enumerate().filter(|&(_, at)| at > now.as_nanos());
    match late.max_by_key(|&(quota, at)| (at, Reverse(quota))) {
        Some((quota, at)) => Err(Denied::new(now, quota, Some(Nanos::from_nanos(at)), burst)),
        None => Ok(()),
    }
}

/// A theoretical arrival time for each quota, in nanoseconds: when its bucket is full again.
#[derive(Debug)]
struct ArrivalTimes {
    policy: Policy,
    tats: Vec<u64>,
}

impl ArrivalTimes {
    fn new(policy: &Policy) -> ArrivalTimes {
        ArrivalTimes { policy: *policy, tats: vec![0; policy.quotas().len()] }
    }

    /// The interval of each quota, its limit, and its arrival time.
    fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.policy.quotas().iter().zip(&self.tats).map(|(quota, &tat)| {
            let limit = u64::from(quota.limit());
            (window(&self.policy, quota).div_ceil(limit), limit, tat)
        })
    }
}

impl Machine for ArrivalTimes {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn try_acquire_at(&mut self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.peek_at(now, n)?;
        let charged = self.buckets().map(|(interval, _, tat)| {
            tat.max(now.as_nanos()).saturating_add(interval.saturating_mul(n.into()))
        });
        self.tats = charged.collect();
        Ok(())
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        let ready = self.buckets().map(|(interval, limit, tat)| {
            tat.saturating_sub(interval.saturating_mul(limit.saturating_sub(n.into())))
        });
        answer(&self.policy, now, n, ready)
    }

    fn status_at(&self, now: Nanos) -> Status {
        let quotas = self.buckets().map(|(interval, limit, tat)| {
            let used = tat.saturating_sub(now.as_nanos()).div_ceil(interval);
            QuotaStatus {
                remaining: u32::try_from(limit.saturating_sub(used)).unwrap_or(u32::MAX),
                next_at: Nanos::from_nanos(tat.saturating_sub(interval.saturating_mul(limit - 1))).max(now),
                reset_at: Nanos::from_nanos(tat).max(now),
            }
        });
        Status::new(now, quotas)
    }
}

impl Machine for FirstCall {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn try_acquire_at(&mut self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.peek_at(now, n)?;
        let fresh: Vec<bool> = self.at(now).map(|(_, count, _)| count == 0).collect();
        for ((began, count), fresh) in self.counts.iter_mut().zip(fresh) {
            if fresh {
                (*began, *count) = (now.as_nanos(), 0);
            }
            *count += n;
        }
        Ok(())
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        let ready =
            self.at(now).map(|(limit, count, ends)| if n > limit.saturating_sub(count) { ends } else { 0 });
        answer(&self.policy, now, n, ready)
    }

    fn status_at(&self, now: Nanos) -> Status {
        let quotas = self.at(now).map(|(limit, count, ends)| QuotaStatus {
            remaining: limit - count,
            next_at: if count < limit { now } else { Nanos::from_nanos(ends) },
            reset_at: if count == 0 { now } else { Nanos::from_nanos(ends) },
        });
        Status::new(now, quotas.collect::<Vec<_>>())
    }
}
