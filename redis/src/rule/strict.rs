//! One token bucket for all quotas: the scripts `strict.lua` and `lease.lua`, which share `bucket.lua`.

use std::time::Duration;

use tollgate::{BuildError, Denied, Nanos, Plan, QuotaStatus, Status};

use super::{Answer, LAST, LONGEST, Time, instant, micros, rounded};
use crate::store::{Call, Script};

pub(crate) const SCRIPT: Script = Script {
    text: concat!(include_str!("clock.lua"), include_str!("bucket.lua"), include_str!("strict.lua")),
    sha1: "acead14bb8f769abcac878e8e289b557582f9ae1",
};

/// As many permits as there are.
pub(crate) const LEASE: Script = Script {
    text: concat!(include_str!("clock.lua"), include_str!("bucket.lua"), include_str!("lease.lua")),
    sha1: "9f65f50d29b5ba3187b502fb4be9dce00c14c626",
};

/// Picoseconds of a microsecond.
const MICRO: u128 = 1_000_000;

#[derive(Clone, Debug)]
pub(super) struct Strict {
    plan: Plan,
    /// In picoseconds: at most `LONGEST` microseconds, as the span is.
    interval: u128,
    /// `burst * interval`.
    span: u128,
    /// The last instant at which the bucket can be filled, in microseconds. The clock stands still after it.
    last: u64,
}

impl Strict {
    pub(super) fn new(plan: &Plan) -> Result<Strict, BuildError> {
        let policy = plan.policy();
        let guard = policy.guard();
        let mut interval = plan.interval().as_nanos() * 1_000;
        // As the plan does it: nanoseconds, if they are fine enough for every quota.
        let rules = || {
            policy
                .quotas()
                .iter()
                .map(|quota| (quota.limit() - (plan.burst() - 1), (quota.window() + guard).as_nanos()))
        };
        if rules().any(|(permits, window)| rounded(permits, window, 1).is_none()) {
            interval = 0;
            for (quota, (permits, window)) in rules().enumerate() {
                let needed = rounded(permits, window, 1_000).ok_or(BuildError::Unrepresentable { quota })?;
                interval = interval.max(needed);
            }
        }
        let span = interval * u128::from(plan.burst());
        let quota = plan.binding();
        let reach = u64::try_from(span.div_ceil(MICRO)).ok().filter(|&reach| reach <= LONGEST);
        let reach = reach.ok_or(BuildError::Unrepresentable { quota })?;
        Ok(Strict { plan: *plan, interval, span, last: LAST - reach })
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn call(&self, key: Vec<u8>, n: u32, time: Time, charge: bool) -> Call {
        let cost = self.interval * u128::from(n);
        let slack = self.span - cost;
        let [now, outlives] = time.args();
        let charge = if charge && n > 0 { "1" } else { "0" };
        let mut args = vec![now, self.last.to_string(), outlives, charge.into()];
        args.extend([cost / MICRO, cost % MICRO, slack / MICRO, slack % MICRO].map(|part| part.to_string()));
        Call::new(SCRIPT, key, args)
    }

    pub(super) fn answer(&self, n: u32, reply: &[i64]) -> Option<Answer> {
        let &[granted @ (0 | 1), now, full, part] = reply else { return None };
        let (now, full, part) = (micros(now)?, micros(full)?, micros(part)?);
        let full = u128::from(full) * MICRO + u128::from(part);
        let burst = self.plan.burst();
        let denied = |retry| Err(Denied::new(instant(now), self.plan.binding(), retry, burst).by_pace());
        let result = if n > burst {
            denied(None)
        } else if granted == 1 || n == 0 {
            Ok(())
        } else {
            let slack = self.span - self.interval * u128::from(n);
            denied(self.first(full.saturating_sub(slack)))
        };
        Some(Answer { at: instant(now), result, status: Some(self.status(now, full)) })
    }

    /// The call that takes as many permits as there are, at least `least` and at most `most`, or none.
    pub(super) fn lease(&self, key: Vec<u8>, least: u32, most: u32, time: Time) -> Call {
        let [now, outlives] = time.args();
        let most = most.min(self.plan.burst());
        let mut args =
            vec![now, self.last.to_string(), outlives, least.min(most).to_string(), most.to_string()];
        let costs = [self.interval / MICRO, self.interval % MICRO, self.span / MICRO, self.span % MICRO];
        args.extend(costs.map(|part| part.to_string()));
        Call::new(LEASE, key, args)
    }

    #[cfg(test)]
    pub(super) fn interval_in_picos(&self) -> u128 {
        self.interval
    }

    /// How many permits were taken, and how long after that the bucket is full again.
    pub(super) fn leased(reply: &[i64]) -> Option<(u32, Duration)> {
        let &[taken, now, full, part] = reply else { return None };
        let (now, full) = (micros(now)?, micros(full)?);
        let full = full + u64::from(micros(part)? > 0);
        Some((u32::try_from(taken).ok()?, Duration::from_micros(full.saturating_sub(now))))
    }

    fn status(&self, now: u64, full: u128) -> Status {
        let at = u128::from(now) * MICRO;
        let used = full.saturating_sub(at).div_ceil(self.interval);
        let remaining = u128::from(self.plan.burst()).saturating_sub(used);
        let first = |picos: u128| {
            if picos <= at { instant(now) } else { self.first(picos).unwrap_or(Nanos::MAX) }
        };
        let state = QuotaStatus {
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            next_at: first(full.saturating_sub(self.span - self.interval)),
            reset_at: first(full),
        };
        Status::joint(instant(now), state)
    }

    /// The first microsecond at or after an instant in picoseconds, or `None` if the clock does not get there.
    fn first(&self, picos: u128) -> Option<Nanos> {
        u64::try_from(picos.div_ceil(MICRO)).ok().filter(|&micros| micros <= self.last).map(instant)
    }
}
