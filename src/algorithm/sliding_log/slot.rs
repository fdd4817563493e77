//! What a slot of the ring holds, and which slot belongs to a permit.

/// `{ lap: 1, run - 1: 63 - s, stamp: s }`, in a ring whose number of slots is a power of two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// The capacity of the ring less one.
    mask: u64,
    /// Moves the lowest bit of `permit / capacity` to the top.
    to_top: u64,
    stamps: u64,
}

/// The top bit of a slot.
const LAP: u64 = 1 << 63;

impl Layout {
    /// `capacity` is a power of two, and `stamp_bits` less than 64.
    pub(super) fn new(capacity: u64, stamp_bits: u32) -> Layout {
        Layout { mask: capacity - 1, to_top: LAP / capacity, stamps: !(u64::MAX << stamp_bits) }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked to the capacity, which was allocated")]
    pub(super) fn index(self, permit: u64) -> usize {
        (permit & self.mask) as usize
    }

    /// The word of the first permit of a run.
    #[inline]
    pub(super) fn word(self, permit: u64, stamp: u64, run: u64) -> u64 {
        self.lap(permit) | ((run - 1) * (self.stamps + 1)) | stamp
    }

    #[inline]
    pub(super) fn stamp(self, word: u64) -> u64 {
        word & self.stamps
    }

    #[inline]
    pub(super) fn run(self, word: u64) -> u64 {
        (word & !LAP) / (self.stamps + 1) + 1
    }

    /// Whether `word` is of the lap of `permit`, or of a lap that is an even number of laps away from it.
    #[inline]
    pub(super) fn is_of(self, permit: u64, word: u64) -> bool {
        (word ^ permit.wrapping_mul(self.to_top)) & LAP != 0
    }

    /// Whether `word` has this lap bit and begins no run of several permits.
    #[inline]
    pub(super) fn is_single(self, lap: u64, word: u64) -> bool {
        word ^ lap <= self.stamps
    }

    /// The lap bit of `permit`. It is set on the first lap, so the zeroed ring looks like the lap before it.
    #[inline]
    pub(super) fn lap(self, permit: u64) -> u64 {
        !permit.wrapping_mul(self.to_top) & LAP
    }
}
