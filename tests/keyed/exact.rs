//! The exact bucket of a plan on the grid of a table, worked out from what is documented and with nothing from `src/`.

use tollgate::{Denied, Nanos, Plan};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exact {
    pub(crate) tick: u128,
    pub(crate) interval: u128,
    pub(crate) burst: u128,
    /// The last tick of `now`.
    pub(crate) last: u128,
    pub(crate) tat: u128,
}

impl Exact {
    /// `tick` in nanoseconds and the identity bits are those of the table.
    pub(crate) fn new(plan: &Plan, tick: u128, identity_bits: u32) -> Exact {
        let interval = plan.interval().as_nanos().div_ceil(tick) + 1;
        let burst = u128::from(plan.burst());
        let last = (1 << (64 - identity_bits)) - 1 - burst * interval;
        Exact { tick, interval, burst, last, tat: 0 }
    }

    fn tick_of(&self, now: Nanos) -> u128 {
        (u128::from(now.as_nanos()) / self.tick).min(self.last)
    }

    fn instant(&self, tick: u128) -> Option<Nanos> {
        (tick <= self.last).then(|| Nanos::from_nanos(u64::try_from(tick * self.tick).unwrap()))
    }

    /// `Err`: the retry instant.
    pub(crate) fn peek(&self, now: Nanos, n: u32) -> Result<(), Option<Nanos>> {
        let n = u128::from(n);
        if n == 0 {
            return Ok(());
        }
        if n > self.burst {
            return Err(None);
        }
        let slack = (self.burst - n) * self.interval;
        if self.tat > self.tick_of(now) + slack { Err(self.instant(self.tat - slack)) } else { Ok(()) }
    }

    pub(crate) fn take(&mut self, now: Nanos, n: u32) -> Result<(), Option<Nanos>> {
        self.peek(now, n)?;
        if n > 0 {
            self.tat = self.tat.max(self.tick_of(now)) + u128::from(n) * self.interval;
        }
        Ok(())
    }

    pub(crate) fn remaining(&self, now: Nanos) -> u128 {
        let used = self.tat.saturating_sub(self.tick_of(now)).div_ceil(self.interval);
        self.burst.saturating_sub(used)
    }
}

/// What is compared of an answer.
pub(crate) fn told(answer: Result<(), Denied>) -> Result<(), Option<Nanos>> {
    answer.map_err(|denied| denied.retry_at())
}
