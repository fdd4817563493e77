//! Division by a number that is fixed when the limiter is built. It is a multiplication instead of a `div`.

/// `x / divisor` for `x` up to [`MOST`](Reciprocal::MOST), after T. Granlund and P. L. Montgomery, "Division by Invariant
/// Integers using Multiplication" (PLDI 1994).
///
/// `2x * magic` is too large by less than `2^(64 + shift)` times `x / 2^62 / divisor`. After the shift, this is less than
/// `1 / divisor`. The next integer is at least `1 / divisor` away.
#[derive(Debug)]
pub(super) struct Reciprocal {
    divisor: u64,
    /// `2^(63 + shift) / divisor`, rounded up, where `2^shift <= divisor < 2^(shift + 1)`.
    magic: u64,
    shift: u32,
}

impl Reciprocal {
    /// The largest number that can be divided: 146 years in nanoseconds.
    pub(super) const MOST: u64 = (1 << 62) - 1;

    /// `divisor` must not be 0.
    #[expect(clippy::cast_possible_truncation, reason = "the divisor is at least 2^shift")]
    pub(super) fn new(divisor: u64) -> Reciprocal {
        let shift = divisor.ilog2();
        let magic = (1_u128 << (u64::BITS - 1 + shift)).div_ceil(u128::from(divisor));
        Reciprocal { divisor, magic: magic as u64, shift }
    }

    pub(super) fn divisor(&self) -> u64 {
        self.divisor
    }

    /// The quotient in units of `2^-fraction_bits`, so that its highest bits are the quotient rounded down.
    #[inline]
    pub(super) fn quotient(&self, x: u64) -> u64 {
        ((u128::from(2 * x) * u128::from(self.magic)) >> u64::BITS) as u64
    }

    pub(super) fn fraction_bits(&self) -> u32 {
        self.shift
    }

    /// The quotient, rounded down.
    #[inline]
    pub(super) fn floor(&self, x: u64) -> u64 {
        self.quotient(x) >> self.shift
    }

    /// 1 if `x` is more than `floor` times the divisor, else 0.
    #[inline]
    pub(super) fn rest(&self, x: u64, floor: u64) -> u64 {
        u64::from(floor * self.divisor < x)
    }

    /// The quotient, rounded down and rounded up.
    #[inline]
    pub(super) fn around(&self, x: u64) -> (u64, u64) {
        let floor = self.floor(x);
        (floor, floor + self.rest(x, floor))
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
            for x in powers().chain(multiples).map(|x| x % (Reciprocal::MOST + 1)).chain([Reciprocal::MOST]) {
                assert_eq!(reciprocal.around(x), (x / divisor, x.div_ceil(divisor)), "{x} / {divisor}");
            }
        }
    }

    #[test]
    fn agrees_with_division_exhaustively_where_small() {
        for divisor in 1..=300 {
            let reciprocal = Reciprocal::new(divisor);
            for x in (0..5_000).chain(Reciprocal::MOST - 5_000..=Reciprocal::MOST) {
                assert_eq!(reciprocal.around(x), (x / divisor, x.div_ceil(divisor)), "{x} / {divisor}");
            }
        }
    }
}
