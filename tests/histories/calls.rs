//! Random calls at a moving time.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::spec::Call;
use crate::subject::{peek, status, take};

/// The next call of a thread, for up to `most` permits: the time is the clock's, which the thread may move, or one
/// read a while ago.
pub(crate) fn next_call(rng: &mut fastrand::Rng, clock: &AtomicU64, most: u32) -> Call {
    let mut now = match rng.u8(..2) {
        0 => clock.load(Ordering::Relaxed),
        _ => clock.fetch_add(rng.u64(..4), Ordering::Relaxed),
    };
    if rng.u8(..4) == 0 {
        now = now.saturating_sub(rng.u64(..6));
    }
    match rng.u8(..9) {
        0 => status(now),
        1 => peek(now, rng.u32(..=most)),
        2..6 => take(now, 1),
        _ => take(now, rng.u32(..=most)),
    }
}
