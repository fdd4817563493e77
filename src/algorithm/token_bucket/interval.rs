//! How long a permit takes to come back, in units fine enough for its rate.

/// What every word lasts at the least: 365 days in nanoseconds.
pub(crate) const YEAR: u64 = 365 * 86_400 * 1_000_000_000;

/// Units of `2^-scale` nanoseconds: whole nanoseconds where they are fine enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scale(u32);

impl Scale {
    /// Nanoseconds split in 512 leave a 64-bit word a year (2^55 ns are 416 days).
    const FINEST: u32 = 9;

    /// The coarsest scale, in a word of `bits` bits, at which every interval `window / permits` of `rules`
    /// rounds up by less than 1e-4 of itself; else the index of the rule that needs a finer one.
    pub(crate) fn choose(bits: u32, rules: impl Iterator<Item = (u32, u64)>) -> Result<Scale, usize> {
        let mut scale = Scale(0);
        for (i, (permits, window)) in rules.enumerate() {
            while !scale.fits(permits, window) {
                scale.0 += 1;
                if scale.0 > Self::FINEST + bits - u64::BITS {
                    return Err(i);
                }
            }
        }
        Ok(scale)
    }

    /// Finer scales round by no more, so the first that fits every rule is the coarsest.
    fn fits(self, permits: u32, window: u64) -> bool {
        let exact = u128::from(window) << self.0;
        let rounded = self.interval(permits, window) * u128::from(permits);
        (rounded - exact) * 10_000 < exact
    }

    /// `window / permits` in units, rounded up.
    pub(crate) fn interval(self, permits: u32, window: u64) -> u128 {
        (u128::from(window) << self.0).div_ceil(u128::from(permits))
    }

    /// The last whole nanosecond of `units`.
    pub(crate) fn floor_nanos(self, units: u64) -> u64 {
        units >> self.0
    }

    /// The first whole nanosecond at or after `units`.
    #[inline]
    pub(crate) fn ceil_nanos(self, units: u64) -> u64 {
        let whole = units >> self.0;
        whole + u64::from(whole << self.0 != units)
    }

    /// `nanos`, which the caller has clamped to the horizon, in units.
    #[inline]
    pub(crate) fn units(self, nanos: u64) -> u64 {
        nanos << self.0
    }
}
