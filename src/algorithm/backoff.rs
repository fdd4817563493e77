//! What a thread does after another thread was faster.

use crate::sync::spin_loop;

/// The pause of a core that is one word: 0.2 us on an AMD EPYC of 2023, as are all times here.
pub(crate) const ONE_WORD: u32 = 8;
/// The pause of the window counter: 0.3 us. Alone, its grant takes one and a half times as long as a bucket's.
pub(crate) const COUNTS: u32 = 11;
/// The pause of a core of several words: 1.5 us.
pub(super) const SEVERAL_WORDS: u32 = 64;

/// How often a thread tries after a pause, before it pauses again.
const TRIES: u32 = 8;
/// The longest pause, in first pauses.
const LONGEST: u32 = 8;

/// Calls `attempt` until it decides, first after a pause of `pauses` spins. The thread waits for time, never for
/// another thread.
///
/// Why it pauses: while two threads take turns, the cache line travels between their cores for every decision. While
/// one of them pauses, the other makes tens of decisions in its own cache. (T. E. Anderson, "The Performance of Spin
/// Lock Alternatives for Shared-Memory Multiprocessors", IEEE TPDS 1(1), 1990.)
///
/// Why the pause is short: a call that loses a race lasts as long as the pause, and under contention more than one
/// call in a thousand loses. So the pause is the 99.9th percentile of all calls. It is a few times as long as a lost
/// attempt takes, which is longer where an attempt reads more words. `benches/README.md` shows what other pauses cost.
///
/// Why it then tries several times at once: the first attempt brings the cache lines to this core, so that one of the
/// next attempts wins. If each loss brought another pause, one call in ten thousand would pause again and again. Only
/// many cores beat all the tries; the pauses then double, up to eight times the first.
pub(crate) fn retry<T>(pauses: u32, attempt: impl Fn() -> Option<T>) -> T {
    let mut pause = pauses;
    loop {
        for _ in 0..pause {
            spin_loop();
        }
        for _ in 0..TRIES {
            if let Some(decision) = attempt() {
                return decision;
            }
            spin_loop();
        }
        pause = (2 * pause).min(LONGEST * pauses);
    }
}
