//! The permits that a node has leased and not used yet: two leases, each in one word. A new lease is asked for before the old
//! one is used up, so for a while there are two.
//!
//! # State
//!
//! `leases: [{ expires: 42, jumps: 6, permits: 16 }; 2]`. `expires` counts ticks of 2^18 ns (0.26 ms) of the node's clock; it lasts
//! 36 years. `jumps` are the lowest bits of the number of jumps that the clock had seen when the lease was asked for.
//!
//! - I1. A call may take permits of a lease only before it expires, and only while the clock has seen no further jump.
//! - I2. While a lease is in its word, its permits only become fewer. A lease that replaces another expires later. So no word
//!   ever comes back after it was changed.
//! - I3. Only the node's task puts a lease into a word. It asks for one lease at a time, and for the next in a later tick.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `take` | granted | the successful CAS | it replaces the very word that was read, which is the whole lease |
//! | `take` | not here | the load of the second lease | the first lease was the same before and after it (I2), so at that moment neither had the permits |
//! | `put` | | the swap | one word is one lease |
//! | `left`, `permits` | | - | they add up two words that were read one after the other; they only decide whether to ask for more |
//!
//! A call that lost a race tries again, and then another call was granted its permits: `take` is lock-free.
//!
//! # Orderings
//!
//! Promise to the caller: a call is told "not here" only if there was a moment in it when it was true. A lease publishes no other
//! memory.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | L | load a lease | Acquire | C | the second lease is seen used up by a call that saw a new first lease, and the first lease is then seen as it was before: the call is told "not here" although permits were there all the time | `weak_load` |
//! | A | load the first lease again | Relaxed | - | is the weakest: L orders it | `two_calls_and_a_new_lease` |
//! | C | CAS a lease | Release, Relaxed | L | as L | `weak_exchange` |
//! | P | swap a lease | Relaxed | - | is the weakest: who has seen the new lease and then takes from the other one says so by C | `two_calls_and_a_new_lease` |
//! | R | load a lease, to count | Relaxed | - | is the weakest: any value is right | `two_calls_and_a_new_lease` |

use tollgate::Nanos;

use super::reading::Reading;
use crate::sync::Ordering::{Acquire, Relaxed, Release};
use crate::sync::{AtomicU64, spin_loop};

/// A lease in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease(u64);

const PERMIT_BITS: u32 = 16;
const JUMP_BITS: u32 = 6;
const TICK_BITS: u32 = 18;
const LAST_TICK: u64 = u64::MAX >> (PERMIT_BITS + JUMP_BITS);

/// The length of a tick, in nanoseconds.
pub(crate) const TICK: u64 = 1 << TICK_BITS;

impl Lease {
    /// The most permits of one lease.
    pub(crate) const MOST: u32 = (1 << PERMIT_BITS) - 1;

    /// A lease that was asked for at `asked` and expires `usable` nanoseconds after that, rounded down to a tick. Past the last
    /// tick it has expired.
    pub(crate) fn new(asked: Reading, usable: u64, permits: u32) -> Lease {
        let expires = asked.at.as_nanos().saturating_add(usable) >> TICK_BITS;
        let expires = if expires > LAST_TICK { 0 } else { expires };
        let jumps = asked.jumps & ((1 << JUMP_BITS) - 1);
        let permits = u64::from(permits.min(Lease::MOST));
        Lease((((expires << JUMP_BITS) | jumps) << PERMIT_BITS) | permits)
    }

    pub(crate) fn expires(self) -> Nanos {
        Nanos::from_nanos((self.0 >> (JUMP_BITS + PERMIT_BITS)) << TICK_BITS)
    }

    #[expect(clippy::cast_possible_truncation, reason = "16 bits")]
    pub(crate) fn permits(self) -> u32 {
        (self.0 & u64::from(Lease::MOST)) as u32
    }

    /// Whether its permits may be used at `now`.
    #[inline]
    pub(crate) fn is_alive(self, now: Reading) -> bool {
        let jumps = (self.0 >> PERMIT_BITS) ^ now.jumps;
        jumps & ((1 << JUMP_BITS) - 1) == 0 && now.at < self.expires()
    }

    #[inline]
    fn covers(self, now: Reading, n: u32) -> bool {
        self.permits() >= n && self.is_alive(now)
    }
}

/// What a call took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The lease as it was before.
    pub(crate) lease: Lease,
    /// The permits of both leases that are left, roughly.
    pub(crate) left: u32,
}

#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Held {
    leases: [AtomicU64; 2],
}

impl Held {
    pub(crate) fn none() -> Held {
        Held { leases: [AtomicU64::new(0), AtomicU64::new(0)] }
    }

    /// Takes `n` permits, at least one and at most [`Lease::MOST`], from the lease that expires first. All are of one lease.
    /// `None` if neither has so many.
    #[inline]
    pub(crate) fn take(&self, now: Reading, n: u32) -> Option<Taken> {
        loop {
            let first = Lease(self.leases[0].load(Acquire)); // L
            let second = Lease(self.leases[1].load(Acquire)); // L
            let place = match (first.covers(now, n), second.covers(now, n)) {
                (true, true) => usize::from(second.0 < first.0),
                (true, false) => 0,
                (false, true) => 1,
                (false, false) => {
                    let again = self.leases[0].load(Relaxed); // A
                    if again == first.0 {
                        return None;
                    }
                    continue;
                }
            };
            let lease = if place == 0 { first } else { second };
            let after = lease.0 - u64::from(n);
            let exchanged = self.leases[place].compare_exchange(lease.0, after, Release, Relaxed); // C
            if exchanged.is_ok() {
                let left = first.permits() + second.permits() - n;
                return Some(Taken { lease, left });
            }
            spin_loop();
        }
    }

    /// Puts a new lease in place of a dead one, or else of the one that expires first. Answers how many permits are lost by that:
    /// those of the lease that was replaced, or of the new one if it does not expire later.
    pub(crate) fn put(&self, lease: Lease, now: Reading) -> u32 {
        let [first, second] = self.read();
        let worth = |lease: Lease| if lease.is_alive(now) && lease.permits() > 0 { lease.0 } else { 0 };
        let place = usize::from(worth(second) < worth(first));
        let old = [first, second][place];
        if lease.expires() <= old.expires() {
            return lease.permits();
        }
        let replaced = self.leases[place].swap(lease.0, Relaxed); // P
        Lease(replaced).permits()
    }

    /// The permits that can be used now.
    pub(crate) fn left(&self, now: Reading) -> u32 {
        self.read().iter().filter(|lease| lease.is_alive(now)).map(|lease| lease.permits()).sum()
    }

    /// The most permits that one call can be granted now.
    pub(crate) fn largest(&self, now: Reading) -> u32 {
        self.read().iter().filter(|lease| lease.is_alive(now)).map(|lease| lease.permits()).max().unwrap_or(0)
    }

    /// The permits that were not used, of expired leases too.
    pub(crate) fn permits(&self) -> u32 {
        self.read().iter().map(|lease| lease.permits()).sum()
    }

    /// When the last permits expire; `None` if there are none.
    pub(crate) fn expires(&self, now: Reading) -> Option<Nanos> {
        let alive = |lease: &Lease| lease.is_alive(now) && lease.permits() > 0;
        self.read().into_iter().filter(alive).map(Lease::expires).max()
    }

    fn read(&self) -> [Lease; 2] {
        [
            Lease(self.leases[0].load(Relaxed)), // R
            Lease(self.leases[1].load(Relaxed)), // R
        ]
    }
}
