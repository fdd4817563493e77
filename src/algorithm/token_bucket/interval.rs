//! How long a permit takes to come back, in units fine enough for its rate.

/// How long every word must last: 365 days, in nanoseconds.
pub(crate) const YEAR: u64 = 365 * 86_400 * 1_000_000_000;

/// Units of `2^-scale` nanoseconds. They are nanoseconds if these are fine enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scale(u32);

impl Scale {
    /// In units of 1/512 ns, a word of 64 bits lasts a year: 2^55 ns are 416 days.
    const FINEST: u32 = 9;

    /// The coarsest scale at which every interval `window / permits` of `rules` rounds up by less than 1e-4 of itself. If a word
    /// of `bits` bits is too small for it, the index of the rule that needs a finer scale.
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

    /// A finer scale does not round more, so the first scale that fits every rule is the coarsest.
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

    /// `nanos` in units. The caller has limited `nanos` so that this does not overflow.
    #[inline]
    pub(crate) fn units(self, nanos: u64) -> u64 {
        nanos << self.0
    }
}
