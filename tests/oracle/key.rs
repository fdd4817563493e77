//! The exact bucket of one key in a table, on the grid that the table is documented to take.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExactKey {
    tick: u128,
    /// In ticks.
    pub interval: u128,
    burst: u128,
    /// The last tick of `now`.
    pub last: u128,
    pub tat: u128,
}

impl ExactKey {
    /// One permit comes back per `interval` nanoseconds, counted in ticks of `tick` with `bits` bits of each word left
    /// to the identity: rounded up, and a tick is added for `now`, which is rounded down. `None` if that does not last.
    pub fn new(interval: u64, burst: u32, tick: u128, bits: u32) -> Option<ExactKey> {
        const YEAR: u128 = 365 * 86_400 * 1_000_000_000;
        let interval = u128::from(interval).div_ceil(tick) + 1;
        let burst = u128::from(burst);
        let last = ((1_u128 << (64 - bits)) - 1).checked_sub(burst * interval)?;
        (last * tick >= YEAR).then_some(ExactKey { tick, interval, burst, last, tat: 0 })
    }

    /// On the grid of a table of its own: the finest that lasts 36 years, or longer where the burst does, with 16 bits
    /// of identity; else the coarsest of which 25,000 ticks are no more than the interval, with as many bits, 12 at the
    /// least, as leave a year.
    pub fn alone(interval: u64, burst: u32) -> Option<ExactKey> {
        let span = u128::from(interval) * u128::from(burst);
        let wanted = (0..64).find(|&bits| 1_u128 << bits > span * 4).unwrap_or(64).max(60);
        let coarsest = (0..64).rev().find(|&shift| (25_000_u128 << shift) <= u128::from(interval))?;
        let grids = (12..=16).rev().map(|bits| (coarsest.min(wanted - (64 - bits)), bits));
        grids.into_iter().find_map(|(shift, bits)| ExactKey::new(interval, burst, 1 << shift, bits))
    }

    fn tick_of(&self, now: u64) -> u128 {
        (u128::from(now) / self.tick).min(self.last)
    }

    fn instant(&self, tick: u128) -> Option<u64> {
        (tick <= self.last).then(|| u64::try_from(tick * self.tick).unwrap_or(u64::MAX))
    }

    /// `Err`: the retry instant, if there is one.
    pub fn peek(&self, now: u64, n: u32) -> Result<(), Option<u64>> {
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

    pub fn take(&mut self, now: u64, n: u32) -> Result<(), Option<u64>> {
        self.peek(now, n)?;
        if n > 0 {
            self.tat = self.tat.max(self.tick_of(now)) + u128::from(n) * self.interval;
        }
        Ok(())
    }

    pub fn remaining(&self, now: u64) -> u128 {
        let used = self.tat.saturating_sub(self.tick_of(now)).div_ceil(self.interval);
        self.burst.saturating_sub(used)
    }

    pub fn tick(&self) -> u128 {
        self.tick
    }
}
