//! What a thread does that lost a race.

use crate::sync::spin_loop;

/// Tries again until it is decided, after a wait that doubles from loss to loss, within bounds: nobody waits for
/// another thread, only for a while.
///
/// A loser that comes back at once takes the cache line from the winner, and both spend their time waiting for it
/// (T. E. Anderson, "The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors", IEEE TPDS 1(1),
/// 1990).
pub(crate) fn retry<T>(attempt: impl Fn() -> Option<T>) -> T {
    /// A microsecond or two, in which the winner makes a hundred decisions.
    const LEAST: u32 = 128;
    const MOST: u32 = 1024;
    let mut pauses = LEAST;
    loop {
        for _ in 0..pauses {
            spin_loop();
        }
        if let Some(decision) = attempt() {
            return decision;
        }
        pauses = (pauses * 2).min(MOST);
    }
}
