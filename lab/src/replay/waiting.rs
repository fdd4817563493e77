//! How does a client fare that waits instead of being refused?
//!
//! All in virtual time. The calls of a limiter queue in order of arrival. The first of the queue asks, and if it is
//! refused asks again at the instant it was told; the others wait behind it.

use tollgate::{Algorithm, Nanos};

use super::waits::Waits;
use crate::progress::Progress;
use crate::traffic::Traffic;

/// What is reported of the queues, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The longest stretch, in any one queue, in which calls waited and none was served.
    pub silence: u64,
    /// How long 50, 90, 99 and 100 % of the calls waited at the most; `None` if fewer were ever served.
    pub waits: [Option<u64>; 4],
    /// From the first arrival until the last call was served.
    pub last: u64,
    /// Calls that were told of no instant to come back, and those behind them: past the limiter's horizon.
    pub unserved: u64,
    /// Calls that asked for more permits than are ever granted at once. They do not wait, and are not among those whose
    /// waits are told.
    pub too_much: u64,
}

/// The shares in [`Waiting::waits`].
pub const PERCENTS: [u64; 4] = [50, 90, 99, 100];

/// Lets every call of `traffic` wait until one of `limiters`, which are fresh, grants it.
pub(super) fn wait<A: Algorithm>(limiters: &[A], traffic: &Traffic, progress: &Progress) -> Waiting {
    let mut waiting = Waiting::default();
    let mut waits = Waits::new();
    let first = traffic.steps.first().map_or(0, |step| step.at);
    // When the last call of each queue was served; `None` once that never happens.
    let mut free = vec![Some(0); limiters.len()];
    for chunk in traffic.steps.chunks(1 << 16) {
        for step in chunk {
            let which = traffic.limiter(step);
            let asks = free[which].map(|free| step.at.max(free));
            match asks.map(|asks| (asks, served(&limiters[which], asks, step.cost))) {
                Some((asks, Served::At(served))) => {
                    waiting.silence = waiting.silence.max(served - asks);
                    waiting.last = waiting.last.max(served - first);
                    waits.add(served - step.at);
                    free[which] = Some(served);
                }
                // It asks for more than can ever be granted: it is told so, and leaves the queue.
                Some((_, Served::TooMuch)) => waiting.too_much += 1,
                Some((_, Served::Never)) | None => {
                    waiting.unserved += 1;
                    free[which] = None;
                }
            }
        }
        progress.advance(chunk.len());
    }
    waiting.waits =
        PERCENTS.map(|percent| waits.percentile(percent, traffic.steps.len() as u64 - waiting.too_much));
    waiting
}

/// What becomes of a call in the end.
enum Served {
    At(u64),
    TooMuch,
    Never,
}

/// A call that is refused so often is given up. A limiter that keeps its promises refuses a call once.
const PATIENCE: u32 = 100_000;

/// When a call is granted that asks at `asks` and then whenever it is told to. An instant that does not lie ahead
/// is no promise.
fn served(limiter: &impl Algorithm, mut asks: u64, cost: u32) -> Served {
    for _ in 0..PATIENCE {
        let Err(denied) = limiter.try_acquire_at(Nanos::from_nanos(asks), cost) else {
            return Served::At(asks);
        };
        match denied.retry_at().map(Nanos::as_nanos) {
            Some(retry) if retry > asks => asks = retry,
            None if cost > denied.burst() => return Served::TooMuch,
            _ => return Served::Never,
        }
    }
    Served::Never
}
