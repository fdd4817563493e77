//! The clock of a node: monotonic, and it notices when the machine was suspended.
//!
//! The monotonic clock of Linux and macOS stands still while the machine sleeps. A node that wakes up would take its old leases for
//! fresh. The wall clock goes on in the sleep. So every reading compares the two clocks, and if one of them has moved against the
//! other, all leases that were asked for before are dropped.
//!
//! # State
//!
//! `seen: { jumps: 8, offset: 56 }`: how far the wall clock is ahead of the monotonic one, in units of 1024 ns modulo 2^56, and how
//! often this has changed by more than the tolerance.
//!
//! - I1. Between two readings of the same number of jumps, the wall clock and the monotonic clock went on by the same time, up to
//!   twice the tolerance: either was within one tolerance of the same offset.
//! - I2. The number only grows, modulo 256.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `read` | no jump | the reading of the monotonic clock | the offset was loaded before either clock was read, and the wall clock was read last. So a sleep that ended before the call is seen by the call itself, whatever it has loaded |
//! | `read` | a jump | the successful CAS, or the load that sees the CAS of another call | the offset is then the new one |
//!
//! # Orderings
//!
//! Promise to the caller: I1 for each pair of readings. It follows from what each call compares by itself, so no other memory and
//! no order between threads is needed.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | S | load `seen` | Relaxed | - | is the weakest: a stale offset is compared with fresh clocks | `a_sleep_between_any_two_steps_is_seen` |
//! | J | CAS `seen` | Relaxed, Relaxed | - | is the weakest: a read-modify-write reads the latest value | `a_sleep_between_any_two_steps_is_seen` |

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use tollgate::{Clock, DefaultClock, Nanos};

use super::reading::{NodeTime, Reading};
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

/// Two clocks. The second one goes on while the machine sleeps.
pub(crate) trait TwoClocks: Send + Sync + 'static {
    fn monotonic(&self) -> Nanos;

    /// In nanoseconds, modulo 2^64.
    fn wall(&self) -> u64;
}

/// The clock of a [`LeasedLimiter`](crate::LeasedLimiter) unless it is told otherwise.
///
/// It reads the monotonic clock ([`DefaultClock`]) and the wall clock ([`SystemTime`]). When one of them has moved against the
/// other, the machine was suspended or somebody set the clock. Then the permits that were leased before are dropped, because they
/// may be older than they seem.
///
/// A reading takes about 40 ns on a machine where [`DefaultClock`] alone takes 8, because the wall clock is the system's.
///
/// # What it cannot see
///
/// - A machine that was suspended, and whose wall clock was set back by the same time before any call was made.
/// - A virtual machine that was stopped together with all its clocks, by its host. Nothing inside of it can tell. The guest
///   agents of most hosts set the wall clock afterwards, and this is seen. Until then, the node may use what is left of its two leases, once.
/// - A thread that is stopped after it has read the clock and before it makes its call. No limiter can see this. Choose a
///   [guard](tollgate::Policy::with_guard) for the time that your permits are held.
#[derive(Debug)]
pub struct NodeClock(Watch<Machine>);

impl NodeClock {
    /// A clock that notices when one clock has moved against the other by more than `tolerance`. Twice the tolerance is subtracted
    /// from the life of every lease.
    pub fn new(tolerance: Duration) -> NodeClock {
        NodeClock(Watch::new(Machine { clock: DefaultClock::new() }, tolerance))
    }
}

impl NodeTime for NodeClock {
    #[inline]
    fn read(&self) -> Reading {
        self.0.read()
    }

    fn max_unseen(&self) -> Duration {
        self.0.max_unseen() + self.0.clocks.clock.max_error()
    }
}

/// The clocks of this machine.
#[derive(Debug)]
struct Machine {
    clock: DefaultClock,
}

impl TwoClocks for Machine {
    #[inline]
    fn monotonic(&self) -> Nanos {
        self.clock.now()
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "only differences count, modulo 2^64")]
    fn wall(&self) -> u64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_nanos() as u64,
            Err(before) => 0_u64.wrapping_sub(before.duration().as_nanos() as u64),
        }
    }
}

const UNIT_BITS: u32 = 10;
const OFFSET_BITS: u32 = 56;
const OFFSET: u64 = (1 << OFFSET_BITS) - 1;
/// A thread that was interrupted between its two readings looks again, so often.
const LOOKS: u32 = 3;

/// Two clocks, and how far they were apart.
#[derive(Debug)]
pub(crate) struct Watch<T> {
    seen: AtomicU64,
    /// In units.
    tolerance: u64,
    pub(crate) clocks: T,
}

impl<T: TwoClocks> Watch<T> {
    pub(crate) fn new(clocks: T, tolerance: Duration) -> Watch<T> {
        let tolerance =
            u64::try_from(tolerance.as_nanos()).unwrap_or(u64::MAX >> 2).min(u64::MAX >> 2) >> UNIT_BITS;
        let at = clocks.monotonic();
        let offset = offset(at, clocks.wall());
        Watch { seen: AtomicU64::new(offset), tolerance, clocks }
    }

    /// Two readings of the same jumps may each be a tolerance and a unit away from the offset.
    pub(crate) fn max_unseen(&self) -> Duration {
        Duration::from_nanos((2 * (self.tolerance + 2)) << UNIT_BITS)
    }

    #[inline]
    pub(crate) fn read(&self) -> Reading {
        let seen = self.seen.load(Relaxed); // S
        let at = self.clocks.monotonic();
        let wall = self.clocks.wall();
        if self.agree(seen, offset(at, wall)) {
            return Reading { at, jumps: seen >> OFFSET_BITS };
        }
        self.look_again()
    }

    /// Whether the clocks are as far apart as they were seen.
    #[inline]
    fn agree(&self, seen: u64, offset: u64) -> bool {
        let apart = offset.wrapping_sub(seen) & OFFSET;
        apart <= self.tolerance || apart >= OFFSET - self.tolerance
    }

    #[cold]
    #[inline(never)]
    fn look_again(&self) -> Reading {
        let mut looks = 0;
        loop {
            let seen = self.seen.load(Relaxed); // S
            let at = self.clocks.monotonic();
            let wall = self.clocks.wall();
            let offset = offset(at, wall);
            if self.agree(seen, offset) {
                return Reading { at, jumps: seen >> OFFSET_BITS };
            }
            looks += 1;
            let took = self.clocks.monotonic().saturating_duration_since(at);
            if looks < LOOKS && took.as_nanos() > u128::from(self.tolerance << UNIT_BITS) {
                continue;
            }
            let jumps = (seen >> OFFSET_BITS).wrapping_add(1) & (u64::MAX >> OFFSET_BITS);
            let now = (jumps << OFFSET_BITS) | offset;
            let exchanged = self.seen.compare_exchange(seen, now, Relaxed, Relaxed); // J
            if exchanged.is_ok() {
                return Reading { at, jumps };
            }
        }
    }
}

#[inline]
fn offset(at: Nanos, wall: u64) -> u64 {
    (wall.wrapping_sub(at.as_nanos()) >> UNIT_BITS) & OFFSET
}
