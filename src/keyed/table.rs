//! The sets of slots, and the one step that decides.
//!
//! This file counts time in ticks of the table's grid (`grid.rs`) and knows neither policies nor clocks.
//!
//! # How it works
//!
//! The hash of a key chooses one set of `W` slots and an identity in it. A key whose identity is in one of the
//! slots owns that slot, a bucket in the form of one instant: its theoretical arrival time (TAT), at which it will be
//! full again. Another key is a newcomer. It takes the slot with the smallest TAT and goes on from that TAT
//! (`newcomer.rs`).
//!
//! A slot whose TAT has passed is a full bucket, so it passes no debt on: it is free, and nobody has to clean it up. Two
//! keys that share an identity share a bucket. This makes both of them stricter, never looser.
//!
//! # State
//!
//! `slot: { tat: 64 - b, identity: b }`, where `b` is 12 to 16. Identity 0 is nobody's, so the word 0 is a full bucket
//! without an owner.
//!
//! - I1. A word only grows, and every grant makes it grow: the new TAT is above the old one, and the TAT is in the high
//!   bits. So a word never returns to a location.
//! - I2. `tat <= now + span` after a grant at `now`. The caller limits `now`, so that the sum fits.
//! - I3. An identity is in at most one slot of its set.
//! - I4. A key that returns owes at least what it owed when its slot was taken.
//!
//! Why I3 holds. Let one thread put the same identity into slot `i` and another one into slot `j`, and let neither have
//! seen what the other did. Let `a` be the TATs that the first has read, `b` those that the second has read. Each has
//! replaced the very word that it had read, and the other one had seen no later word there: `b[i] <= a[i]` and
//! `a[j] <= b[j]`. The first preferred `i`, so `a[i] <= a[j]`; the second preferred `j`, so `b[j] <= b[i]`. So all four are
//! equal, and of equal TATs both threads prefer the lowest slot. Hence `i = j`, and one of the two exchanges fails.
//!
//! Why I4 holds. The slot of a key is only taken while its TAT is the smallest of the set: the others were read earlier, and
//! they have only grown. From then on no TAT of the set is below it. The key comes back to one of them. (A thread
//! could only come to a smaller one if it acted before the slot was taken and had read that it was taken. The orderings
//! exclude this circle.)
//!
//! So there is no `undo` here, and a table is never rescaled in place: both would make words smaller.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `take` | granted, with the new TAT | the successful CAS | it replaces the very word that was checked, which then was the key's own or that of the smallest TAT; the TAT is that of the word that it writes |
//! | `take` | denied, with the TAT in the way | the load of the word that was checked | what the key owes is no less, and a denial writes nothing |
//! | `tat` | | the load of the word that it answers from | the same |
//!
//! # Orderings
//!
//! Promise to the caller: the decisions on one key are totally ordered as long as no other key takes its slot; and whatever
//! other keys do, no order of the decisions on one key grants more than one bucket would. The table publishes no
//! other memory.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | S | load of each slot | Acquire | C | a thread that has read that a slot was taken may take a word from before that, and a debt is forgotten (only where loads may be delayed until after stores; the machines of today do not do so here) | `a_relaxed_load_forgets_a_debt` |
//! | C | CAS of the slot | Release, Relaxed | S | the same. Acquire is not needed: S has already acquired this word, and there is no other of the same value (I1) | `a_relaxed_exchange_forgets_a_debt` |

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::newcomer::{inherits, numbered, preference, slot};
use crate::algorithm::backoff;
use crate::sync::AtomicU64;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// The slots of one set are in one cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Set<const W: usize>([AtomicU64; W]);

/// How a word is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    identity_bits: u32,
    /// The bits of the identity.
    mask: u64,
}

impl Layout {
    pub(crate) const fn new(identity_bits: u32) -> Layout {
        Layout { identity_bits, mask: !(u64::MAX << identity_bits) }
    }

    pub(crate) const fn identity_bits(self) -> u32 {
        self.identity_bits
    }

    /// The last tick that a word can hold.
    pub(crate) const fn last(self) -> u64 {
        u64::MAX >> self.identity_bits
    }

    #[inline]
    pub(crate) const fn tat(self, word: u64) -> u64 {
        word >> self.identity_bits
    }

    #[inline]
    pub(crate) const fn identity(self, word: u64) -> u64 {
        word & self.mask
    }

    #[inline]
    const fn word(self, tat: u64, identity: u64) -> u64 {
        tat << self.identity_bits | identity
    }
}

/// What a call costs, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price {
    /// By how much a grant moves the TAT; at least 1.
    pub(crate) cost: u64,
    /// How far the TAT may lie ahead of `now` before the grant. `now + slack + cost` is at most [`Layout::last`].
    pub(crate) slack: u64,
}

/// All sets of a table.
#[derive(Debug)]
pub(crate) struct Sets<const W: usize> {
    sets: Box<[Set<W>]>,
    layout: Layout,
}

impl<const W: usize> Sets<W> {
    /// So many sets, at least one, of empty slots; `None` if there is no memory for them.
    pub(crate) fn new(count: usize, layout: Layout) -> Option<Sets<W>> {
        let count = count.max(1);
        let mut sets = Vec::new();
        sets.try_reserve_exact(count).ok()?;
        sets.resize_with(count, || Set(core::array::from_fn(|_| AtomicU64::new(0))));
        Some(Sets { sets: sets.into_boxed_slice(), layout })
    }

    /// Takes a place of the key with this hash at `now` and answers its new TAT, or the TAT that is in the way.
    #[inline(never)] // so that it has all it needs in registers
    pub(crate) fn take(&self, hash: u64, now: u64, price: Price) -> Result<u64, u64> {
        self.attempt(hash, now, price).unwrap_or_else(|| self.contend(hash, now, price))
    }

    #[cold]
    #[inline(never)]
    fn contend(&self, hash: u64, now: u64, price: Price) -> Result<u64, u64> {
        backoff::retry(backoff::ONE_WORD, || self.attempt(hash, now, price))
    }

    /// `None` if another call came between.
    #[expect(clippy::inline_always, reason = "a call of its own would cost 5 of 9 ns")]
    #[inline(always)]
    fn attempt(&self, hash: u64, now: u64, price: Price) -> Option<Result<u64, u64>> {
        let (set, identity) = self.place(hash);
        let found = self.find(&set.words(), identity);
        let tat = self.owed(&found, identity);
        if tat > now + price.slack {
            return Some(Err(tat));
        }
        let tat = tat.max(now) + price.cost;
        let new = self.layout.word(tat, identity);
        // The remainder changes nothing, it spares a comparison.
        let swapped = set.0[found.slot % W].compare_exchange(found.word, new, Release, Relaxed).is_ok(); // C
        swapped.then_some(Ok(tat))
    }

    /// What the key with this hash owes: its TAT, or that of the slot that it would take.
    pub(crate) fn tat(&self, hash: u64) -> u64 {
        let (set, identity) = self.place(hash);
        self.owed(&self.find(&set.words(), identity), identity)
    }

    /// The words of each set, one after another: no snapshot.
    pub(crate) fn words(&self) -> impl Iterator<Item = [u64; W]> {
        self.sets.iter().map(Set::words)
    }

    pub(crate) fn count(&self) -> usize {
        self.sets.len()
    }

    /// The bytes that the slots take.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.sets)
    }

    /// The set is chosen by the high bits of the hash, the identity by the low ones.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the product is below the number of sets")]
    fn place(&self, hash: u64) -> (&Set<W>, u64) {
        let set = (u128::from(hash) * self.sets.len() as u128) >> u64::BITS;
        (&self.sets[set as usize], self.layout.identity(hash).max(1))
    }

    /// The slot that has this identity, or the one that a newcomer takes.
    ///
    /// Most calls are of a key that has a slot. No branch depends on which slot it is, for no processor could predict that. And
    /// the fewer instructions this takes, the sooner a processor that waits for the memory of one call comes to the next
    /// call and asks for its set as well. So the smallest TAT is looked for only if it is needed.
    #[inline]
    fn find(&self, words: &[u64; W], identity: u64) -> Found {
        const NOBODY: u64 = u64::MAX;
        let mut choice = NOBODY;
        for (slot, word) in words.iter().enumerate() {
            // This sets the bits of the identity to 0 in the key's own word, and in no other (I3).
            let apart = word ^ identity;
            choice = if self.layout.identity(apart) == 0 { numbered(apart, slot) } else { choice };
        }
        if choice == NOBODY {
            return self.least(words);
        }
        Found { slot: slot(choice), word: self.layout.word(self.layout.tat(choice), identity) }
    }

    #[cold]
    #[inline(never)]
    fn least(&self, words: &[u64; W]) -> Found {
        let number = |(slot, &word)| preference(slot, word ^ self.layout.identity(word));
        let slot = slot(words.iter().enumerate().map(number).fold(u64::MAX, u64::min)) % W;
        Found { slot, word: words[slot] }
    }

    #[inline]
    fn owed(&self, found: &Found, identity: u64) -> u64 {
        let tat = self.layout.tat(found.word);
        if self.layout.identity(found.word) == identity { tat } else { inherits(tat) }
    }
}

/// The slot of a key: its own, or the one that it would take.
struct Found {
    slot: usize,
    word: u64,
}

impl<const W: usize> Set<W> {
    #[inline]
    fn words(&self) -> [u64; W] {
        core::array::from_fn(|slot| load(&self.0[slot]))
    }
}

#[inline]
fn load(slot: &AtomicU64) -> u64 {
    slot.load(Acquire) // S
}
