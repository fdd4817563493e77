//! How do servers enforce a policy?

use std::time::Duration;

use tollgate::reference::{BucketMachine, FixedWindow, Locked, LogMachine, Machine, SlidingWindowCounter};
use tollgate::{Algorithm, BuildError, Denied, Nanos, Policy, QuotaStatus, Status, TokenBucket};

/// A way in which servers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`describe` tells")]
pub enum Server {
    FixedByClock,
    FixedByFirstCall,
    LogHalfOpen,
    LogClosed,
    WindowCounter,
    TokenBucket,
    Gcra,
}

impl Server {
    /// In the order of every output.
    pub const ALL: [Server; 7] = [
        Server::FixedByClock,
        Server::FixedByFirstCall,
        Server::LogHalfOpen,
        Server::LogClosed,
        Server::WindowCounter,
        Server::TokenBucket,
        Server::Gcra,
    ];

    /// As every output calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Server::FixedByClock => "fixed_by_clock",
            Server::FixedByFirstCall => "fixed_by_first_call",
            Server::LogHalfOpen => "log_half_open",
            Server::LogClosed => "log_closed",
            Server::WindowCounter => "window_counter",
            Server::TokenBucket => "token_bucket",
            Server::Gcra => "gcra",
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
            Server::WindowCounter => {
                "two counts, the older one weighted: refuses some calls that the rule allows"
            }
            Server::TokenBucket => "a bucket of the limit for each quota, in exact fractions",
            Server::Gcra => "the same by theoretical arrival times",
        }
    }

    /// Whether it grants every call that the exact rule allows.
    pub const fn grants_the_rule(self) -> bool {
        // The closed log does not: a guard above zero makes up for it.
        !matches!(self, Server::WindowCounter)
    }

    /// A server that enforces `policy`.
    ///
    /// # Errors
    ///
    /// If the policy is beyond what it can count.
    pub fn enforce(self, policy: Policy) -> Result<Box<dyn Algorithm>, BuildError> {
        Ok(match self {
            Server::FixedByClock => Box::new(Locked::new(FixedWindow::new(policy))),
            Server::FixedByFirstCall => Box::new(Locked::new(FirstCall::new(policy))),
            Server::LogHalfOpen => Box::new(Locked::new(LogMachine::new(policy))),
            Server::LogClosed => {
                // In whole nanoseconds, a window that holds its end is one nanosecond longer. One that is as long as
                // can be stays as it is.
                let closed = policy.with_guard(policy.guard().saturating_add(Duration::from_nanos(1)));
                Box::new(Locked::new(LogMachine::new(closed.unwrap_or(policy))))
            }
            Server::WindowCounter => Box::new(Locked::new(SlidingWindowCounter::new(policy))),
            Server::TokenBucket => Box::new(Locked::new(BucketMachine::new(policy))),
            Server::Gcra => Box::new(TokenBucket::nominal(policy)?),
        })
    }
}

/// A count for each quota, which begins anew with the first call after a window has passed.
struct FirstCall {
    policy: Policy,
    /// When the window began, and how much was granted in it.
    counts: Vec<(u64, u32)>,
}

impl FirstCall {
    fn new(policy: Policy) -> FirstCall {
        FirstCall { policy, counts: vec![(0, 0); policy.quotas().len()] }
    }

    /// The count of each quota at `now`, and when its window ends.
    fn at(&self, now: Nanos) -> impl Iterator<Item = (u32, u32, u64)> + '_ {
        let now = now.as_nanos();
        self.policy.quotas().iter().zip(&self.counts).map(move |(quota, &(began, count))| {
            let window = u64::try_from((quota.window() + self.policy.guard()).as_nanos()).unwrap_or(u64::MAX);
            let ends = began.saturating_add(window);
            if count == 0 || ends <= now {
                (quota.limit(), 0, now.saturating_add(window))
            } else {
                (quota.limit(), count, ends)
            }
        })
    }

    fn burst(&self) -> u32 {
        self.policy.quotas().iter().map(tollgate::Quota::limit).min().unwrap_or(0)
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
        if n > self.burst() {
            return Err(Denied::new(now, 0, None, self.burst()));
        }
        let full = self.at(now).enumerate().filter(|&(_, (limit, count, _))| n > limit - count);
        let last = full.map(|(quota, (_, _, ends))| (ends, std::cmp::Reverse(quota))).max();
        match last {
            Some((ends, quota)) => {
                Err(Denied::new(now, quota.0, Some(Nanos::from_nanos(ends)), self.burst()))
            }
            None => Ok(()),
        }
    }

    fn status_at(&self, now: Nanos) -> Status {
        let quotas = self.at(now).map(|(limit, count, ends)| QuotaStatus {
            remaining: limit - count,
            reset_at: if count == 0 { now } else { Nanos::from_nanos(ends) },
        });
        Status::new(now, quotas.collect::<Vec<_>>())
    }
}
