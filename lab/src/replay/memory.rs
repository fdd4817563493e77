//! How many bytes does it hold?

/// Runs `work`, and tells by how many bytes of the heap more is held after it than before.
#[cfg(feature = "state-bytes")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature nobody knows")]
pub(super) fn held(work: impl FnOnce()) -> Option<u64> {
    Some(allocation_counter::measure(work).bytes_current.unsigned_abs())
}

/// Runs `work`. Nothing counts.
#[cfg(not(feature = "state-bytes"))]
pub(super) fn held(work: impl FnOnce()) -> Option<u64> {
    work();
    None
}

/// Runs `work` inside of [`held`] without being counted.
pub(super) fn uncounted(work: impl FnOnce()) {
    #[cfg(feature = "state-bytes")]
    allocation_counter::opt_out(work);
    #[cfg(not(feature = "state-bytes"))]
    work();
}
