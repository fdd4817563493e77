//! Division by a number that is fixed when the limiter is built: a multiplication instead of a `div`.

/// `x / divisor` for any `x`, after T. Granlund and P. L. Montgomery, "Division by Invariant Integers using
/// Multiplication" (PLDI 1994), with the remainder, which is wanted anyway, as the correction.
#[derive(Debug)]
pub(super) struct Reciprocal {
    divisor: u64,
    /// `2^(64 + shift) / divisor`, a little below, where `2^shift <= divisor < 2^(shift + 1)`.
    magic: u64,
    shift: u32,
}

impl Reciprocal {
    /// `divisor` is not 0.
    #[expect(clippy::cast_possible_truncation, reason = "the divisor is at least 2^shift")]
    pub(super) fn new(divisor: u64) -> Reciprocal {
        let shift = divisor.ilog2();
        let magic = ((1_u128 << (u64::BITS + shift)) - 1) / u128::from(divisor);
        Reciprocal { divisor, magic: magic as u64, shift }
    }

    pub(super) fn divisor(&self) -> u64 {
        self.divisor
    }

    /// The quotient rounded down and rounded up.
    #[inline]
    pub(super) fn floor_ceil(&self, x: u64) -> (u64, u64) {
        // Exact or one too small: `magic` is off by less than 1 + 1/divisor in its last place.
        let mut floor = ((u128::from(x) * u128::from(self.magic)) >> u64::BITS) as u64 >> self.shift;
        let mut rest = x - floor * self.divisor;
        if rest >= self.divisor {
            floor += 1;
            rest -= self.divisor;
        }
        (floor, floor + u64::from(rest != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::Reciprocal;

    #[test]
    fn agrees_with_division() {
        let edges = |around: u64| [around.wrapping_sub(1), around, around.wrapping_add(1)];
        let powers = || (0..64).flat_map(move |bit| edges(1 << bit));
        let tens = (0..20).flat_map(|exponent| edges(10_u64.pow(exponent)));
        for divisor in powers().chain(tens).filter(|&divisor| divisor != 0) {
            let reciprocal = Reciprocal::new(divisor);
            let multiples = powers().flat_map(|k| edges(divisor.wrapping_mul(k)));
            for x in powers().chain(multiples).chain([u64::MAX - 1, u64::MAX]) {
                assert_eq!(reciprocal.floor_ceil(x), (x / divisor, x.div_ceil(divisor)), "{x} / {divisor}");
            }
        }
    }

    #[test]
    fn agrees_with_division_exhaustively_where_small() {
        for divisor in 1..=300 {
            let reciprocal = Reciprocal::new(divisor);
            for x in (0..5_000).chain(u64::MAX - 5_000..=u64::MAX) {
                assert_eq!(reciprocal.floor_ceil(x), (x / divisor, x.div_ceil(divisor)), "{x} / {divisor}");
            }
        }
    }
}
