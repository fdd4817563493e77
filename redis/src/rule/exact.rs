//! The sliding log of all quotas: the script `exact.lua`.

use tollgate::{BuildError, Denied, Nanos, Policy, QuotaStatus, Status};

use super::{Answer, LAST, LONGEST, Time, instant, micros, rounded};
use crate::store::{Call, Script};

pub(crate) const SCRIPT: Script = Script {
    text: concat!(include_str!("clock.lua"), include_str!("exact.lua")),
    sha1: "f5750a5991435e1cab8e744262b3143e93b646bd",
};

/// What a string of 512 MiB holds after its head of 36 bytes.
const MOST: u32 = 67_108_859;

#[derive(Clone, Debug)]
pub(super) struct Exact {
    policy: Policy,
    /// In microseconds, guard included, in the order of the policy.
    windows: Vec<u64>,
    /// The arguments of a call that depend on the rule alone.
    args: Vec<String>,
    /// The smallest limit, and the quota that has it.
    burst: u32,
    smallest: usize,
    /// The last instant that the clock tells. It stands still after it.
    last: u64,
}

impl Exact {
    pub(super) fn new(policy: &Policy) -> Result<Exact, BuildError> {
        let (mut windows, mut rules) = (Vec::new(), Vec::new());
        let (mut longest, mut largest) = (0, 0);
        let (mut smallest, mut burst) = (0, u32::MAX);
        for (i, quota) in policy.quotas().iter().enumerate() {
            let window = (quota.window() + policy.guard()).as_nanos();
            let window = rounded(1_000, window, 1)
                .and_then(|micros| u64::try_from(micros).ok())
                .filter(|&micros| micros <= LONGEST)
                .ok_or(BuildError::Unrepresentable { quota: i })?;
            rules.extend([u64::from(quota.limit()).to_string(), window.to_string()]);
            windows.push(window);
            (longest, largest) = (longest.max(window), largest.max(quota.limit()));
            if quota.limit() < burst {
                (smallest, burst) = (i, quota.limit());
            }
        }
        if largest > MOST {
            return Err(BuildError::TooLarge { limit: largest });
        }
        let mut args = vec![largest.to_string(), longest.to_string()];
        args.append(&mut rules);
        Ok(Exact { policy: *policy, windows, args, burst, smallest, last: LAST - longest })
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn burst(&self) -> u32 {
        self.burst
    }

    pub(super) fn call(&self, key: Vec<u8>, n: u32, time: Time, charge: bool) -> Call {
        let [now, outlives] = time.args();
        let charge = if charge { "1" } else { "0" };
        let mut args = vec![now, self.last.to_string(), outlives, charge.into(), n.to_string()];
        args.extend_from_slice(&self.args);
        Call::new(SCRIPT, key, args)
    }

    pub(super) fn answer(&self, n: u32, reply: &[i64]) -> Option<Answer> {
        let &[granted @ (0 | 1), now, ref rest @ ..] = reply else { return None };
        let now = micros(now)?;
        let at = instant(now);
        let denied = |quota, retry| Err(Denied::new(at, quota, retry, self.burst));
        if n == 0 || n > self.burst {
            let status = Some(self.status(now, rest)?);
            let result = if n == 0 { Ok(()) } else { denied(self.smallest, None) };
            return Some(Answer { at, result, status });
        }
        if rest.len() != self.windows.len() {
            return None;
        }
        let mut ready = (0, 0);
        for (quota, (&leaving, window)) in rest.iter().zip(&self.windows).enumerate() {
            let leaves = if leaving < 0 { 0 } else { micros(leaving)? + window };
            if leaves > ready.0 {
                ready = (leaves, quota);
            }
        }
        let result = if granted == 1 { Ok(()) } else { denied(ready.1, self.first(ready.0)) };
        Some(Answer { at, result, status: None })
    }

    fn status(&self, now: u64, rest: &[i64]) -> Option<Status> {
        let (&newest, rest) = rest.split_first()?;
        if rest.len() != 2 * self.windows.len() {
            return None;
        }
        let mut quotas = Vec::with_capacity(self.windows.len());
        for ((counted, window), quota) in rest.chunks_exact(2).zip(&self.windows).zip(self.policy.quotas()) {
            let used = u32::try_from(counted[0]).ok()?;
            let leaves =
                |stamp: i64| micros(stamp).map(|stamp| self.first(stamp + window).unwrap_or(Nanos::MAX));
            let remaining = quota.limit().saturating_sub(used);
            quotas.push(QuotaStatus {
                remaining,
                next_at: if remaining > 0 { instant(now) } else { leaves(counted[1])? },
                reset_at: if used == 0 { instant(now) } else { leaves(newest)? },
            });
        }
        Some(Status::new(instant(now), quotas))
    }

    /// `None` if the clock does not get there.
    fn first(&self, micros: u64) -> Option<Nanos> {
        (micros <= self.last).then(|| instant(micros))
    }
}
